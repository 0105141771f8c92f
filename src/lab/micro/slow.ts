/**
 * What stands behind the hot path, in steps. A *path* is something that a program causes now and then: a block of 64 KiB,
 * a slab, a full list. Its loops are calls of the heap's own functions, from the innermost to `malloc` and `free`
 * themselves: each does all that the one before it does, and what the next layer adds. So the differences add up
 * to the whole, and nothing is left over.
 *
 * A loop that would come to an end, for instance because it fills a list, puts back the few words that bring the heap to
 * where it was. The *base* does that too, and the first step is measured against it.
 *
 * @module
 */

import {
  CACHE_HEADS,
  CACHE_ROOMS,
  firstWordOf,
  GAP_BYTES,
  HEADER_BYTES,
  KIB,
  MAX_CACHES,
  openParts,
  PAGE_BYTES,
  type Parts,
  RING_RELEASED,
  RING_SEEN,
  RING_SENT,
  RING_TAKEN,
  RING_WORDS,
  RING_WRITTEN,
  SLAB_BYTES,
  stateBytes,
  viewState,
} from "../../heap/inspect/mod.ts";
import { Heap } from "../../heap/mod.ts";
import type { Loop } from "./loops.ts";

/** A path in steps, or a list of things that have nothing to do with one another. */
export interface SlowPath {
  readonly name: string;
  /** Whether each step has all those before it, and the last is the whole. */
  readonly isLadder: boolean;
  /** Operations in an iteration: what is reported is of one. */
  readonly operations: number;
  /** What is done around the steps, and is not part of them. */
  readonly base: Loop;
  readonly steps: readonly { readonly name: string; readonly loop: Loop }[];
}

const LARGE_BYTES = 64 * KIB;
const CHUNK = 1000;

/**
 * A loop over `body`, in code of its own: so V8 knows one body in it, and inlines that. Like the other loops it is entered
 * often, and not by on-stack replacement.
 */
function times(body: () => number): Loop {
  const source = `function chunk(iterations, body) {
      let sum = 0;
      for (let i = 0; i < iterations; i++) sum = (sum + body()) | 0;
      return sum;
    }
    return (iterations, body) => {
      let sum = 0;
      for (let left = iterations; left > 0; left -= ${CHUNK}) sum = (sum + chunk(Math.min(left, ${CHUNK}), body)) | 0;
      return sum;
    };`;
  const loop = new Function(source)() as (iterations: number, body: () => number) => number;
  return (iterations) => loop(iterations, body);
}

const nothing = (): number => 0;

/** Makes the paths. Their heaps live as long as the process. */
export async function slowPaths(): Promise<SlowPath[]> {
  const parts = await openParts(), heap = await Heap.open();
  return [
    cachedLarge(parts, heap),
    await uncachedLarge(parts),
    superslab(parts),
    slab(parts),
    carving(parts),
    spilling(parts),
    magazine(parts, heap),
    await remoteFree(),
    await reallocs(),
    pagesOfTheSystem(parts),
  ];
}

function ladder(name: string, steps: Readonly<Record<string, () => number>>, more: Partial<SlowPath> = {}): SlowPath {
  const loops = Object.entries(steps).map(([name, body]) => ({ name, loop: times(body) }));
  return { name, isLadder: true, operations: 1, base: times(nothing), steps: loops, ...more };
}

function cachedLarge({ large, largePath }: Parts, heap: Heap): SlowPath {
  large.free(large.find(large.alloc(LARGE_BYTES)));
  return ladder("malloc and free of 64 KiB that the thread has cached", {
    "the span cache: taken out, checked, put in": () => {
      const ptr = largePath.reuse(LARGE_BYTES);
      if (!largePath.cache(ptr)) failed();
      return ptr;
    },
    "from malloc and free to there": () => {
      const ptr = heap.malloc(LARGE_BYTES);
      heap.free(ptr);
      return ptr;
    },
  });
}

/** Two sections that do nothing, and two that write so many words. */
function sections({ memory, journal, uncached }: Parts, taken: number, given: number): Record<string, () => number> {
  const scratch = memory.wordOf(uncached.alloc(LARGE_BYTES));
  const write = (count: number): number => {
    for (let word = scratch; word < scratch + count; word++) journal.set(word, count);
    return count;
  };
  return {
    "two sections: begun and ended": () => journal.run(nothing) + journal.run(nothing),
    [`the log of ${taken} and ${given} words`]: () => journal.run(() => write(taken)) + journal.run(() => write(given)),
  };
}

async function uncachedLarge(parts: Parts): Promise<SlowPath> {
  const { journal, pages, uncached, wordsOf } = parts, heap = await Heap.open({ variant: "slab-map,spanCache=0" });
  const units = Math.ceil((LARGE_BYTES + HEADER_BYTES) / SLAB_BYTES);
  let ptr = 0;
  const taken = wordsOf(() => ptr = uncached.alloc(LARGE_BYTES));
  const given = wordsOf(() => uncached.free(uncached.find(ptr)));
  return ladder("malloc and free of 64 KiB through the page heap", {
    ...sections(parts, taken, given),
    "page heap: best fit, cut and merged": () => {
      const unit = journal.run(() => pages.takeLarge(units));
      journal.run(() => pages.give(unit));
      return unit;
    },
    "charge, record, AllocHeader": () => {
      const ptr = uncached.alloc(LARGE_BYTES);
      uncached.free(uncached.find(ptr));
      return ptr;
    },
    "from malloc and free to there": () => {
      const ptr = heap.malloc(LARGE_BYTES);
      heap.free(ptr);
      return ptr;
    },
  });
}

function superslab(parts: Parts): SlowPath {
  const { journal, pages, wordsOf } = parts;
  let unit = 0;
  const taken = wordsOf(() => unit = pages.takeSuperslab()), given = wordsOf(() => pages.give(unit));
  return ladder("a superslab from the page heap, and back", {
    ...sections(parts, taken, given),
    "page heap: best fit, cut and merged": () => {
      const unit = journal.run(() => pages.takeSuperslab());
      journal.run(() => pages.give(unit));
      return unit;
    },
  });
}

/** The class of a size. */
function classOf({ classes }: Parts, size: number): number {
  return classes.table[(size + classes.bias) >> 4]!;
}

function slab(parts: Parts): SlowPath {
  const { memory, journal, slabs, source, cache, classes, wordsOf } = parts;
  const sizeClass = classOf(parts, KIB), blocks = classes.blocks[sizeClass]!, { heads, rooms, capacities } = cache;
  const other = journal.run(() => slabs.take(classOf(parts, 512))); // its superslab is never empty
  let taken = 0;
  const before = wordsOf(() => taken = source.take(sizeClass)), after = wordsOf(() => source.giveEmpty(sizeClass));
  return ladder(`a slab of ${KIB} byte blocks taken, and back`, {
    ...sections(parts, before, after),
    "shared pool, slab map, record": () => {
      const slab = journal.run(() => slabs.take(sizeClass));
      journal.run(() => slabs.give(slab));
      return slab;
    },
    "charged and listed": () => {
      const slab = journal.run(() => source.take(sizeClass));
      journal.run(() => source.giveEmpty(sizeClass));
      return slab;
    },
    [`its ${blocks} blocks carved, refill by refill, and spilled`]: () => {
      let head = 0, count = 0;
      while (count < blocks) {
        const ptr = cache.refill(sizeClass), rest = capacities[sizeClass]! - rooms[sizeClass]!;
        let last = ptr;
        memory.blocks[ptr >> 2] = heads[sizeClass]!;
        for (let left = rest; left > 0; left--) last = memory.blocks[last >> 2]!;
        memory.blocks[last >> 2] = head;
        head = ptr;
        count += rest + 1;
        heads[sizeClass] = 0;
        rooms[sizeClass] = capacities[sizeClass]!;
      }
      heads[sizeClass] = head;
      rooms[sizeClass] = capacities[sizeClass]! - count;
      cache.spill(sizeClass, 0);
      journal.run(() => source.giveEmpty(sizeClass));
      return head + other + taken;
    },
  });
}

function carving(parts: Parts): SlowPath {
  const { journal, slabs, source, cache } = parts, { heads, rooms, capacities } = cache;
  const sizeClass = classOf(parts, 64), room = capacities[sizeClass]!, slab = journal.run(() => source.take(sizeClass));
  const reset = (): void => {
    heads[sizeClass] = 0;
    rooms[sizeClass] = room;
    journal.run(() => slabs.write(slab, 0, 0, 0));
  };
  const carved = (): number => {
    cache.refill(sizeClass);
    const count = room - rooms[sizeClass]! + 1;
    reset();
    return count;
  };
  const base = times(() => {
    reset();
    return 0;
  });
  const count = carved();
  return ladder(`an empty list refilled with ${count} new blocks of 64 bytes`, {
    "a section: begun and ended": () => {
      reset();
      return journal.run(nothing);
    },
    "the thread's slab found, its record read": () => {
      reset();
      return journal.run(() => slabs.read(source.take(sizeClass)).carved);
    },
    "carved: links, record, list": carved,
  }, { base });
}

function spilling(parts: Parts): SlowPath {
  const { memory, journal, cache } = parts, { heads, rooms } = cache, COUNT = 64;
  const sizeClass = classOf(parts, 128);
  while (cache.capacities[sizeClass]! - rooms[sizeClass]! < COUNT) {
    const list = heads[sizeClass]!, count = cache.countOf(sizeClass);
    heads[sizeClass] = 0;
    rooms[sizeClass] = cache.capacities[sizeClass]!;
    const ptr = cache.refill(sizeClass);
    let last = ptr;
    memory.blocks[ptr >> 2] = heads[sizeClass]!;
    while (memory.blocks[last >> 2] !== 0) last = memory.blocks[last >> 2]!;
    memory.blocks[last >> 2] = list;
    heads[sizeClass] = ptr;
    rooms[sizeClass]! -= count + 1;
  }
  const count = cache.countOf(sizeClass);
  return ladder(`${count} blocks of 128 bytes spilled to their slab, and taken again`, {
    "two sections: begun and ended": () => journal.run(nothing) + journal.run(nothing),
    "spill and refill": () => {
      cache.spill(sizeClass, 0);
      const ptr = cache.refill(sizeClass);
      memory.blocks[ptr >> 2] = heads[sizeClass]!;
      heads[sizeClass] = ptr;
      rooms[sizeClass]!--;
      return ptr;
    },
  });
}

/** A full list of blocks of 64 bytes, and a live block: the words that say so, and how they are put back. */
function fullList(
  words: Int32Array,
  firstBlock: number,
  sizeClass: number,
  capacity: number,
  setAside: number, // blocks of a list that is set aside: those that were freed first
  malloc: () => number,
) {
  const head = firstWordOf(0) + CACHE_HEADS + sizeClass, room = firstWordOf(0) + CACHE_ROOMS + sizeClass;
  const live = malloc(), list = Array.from({ length: capacity }, malloc);
  const link = (index: number): number => firstBlock + list[index]! / 4;
  const newest = capacity - setAside, magazine = list[newest]!, joint = link(newest - 1), first = list[0]!;
  list.forEach((_, index) => words[link(index)] = list[index + 1] ?? 0);
  return {
    live,
    /** The list is full. */
    fill: (): void => {
      words[joint] = magazine;
      words[head] = first;
      words[room] = 0;
    },
    /** It is empty; what it had is set aside. */
    empty: (): void => {
      words[head] = 0;
      words[room] = capacity;
    },
  };
}

function magazine(parts: Parts, heap: Heap): SlowPath {
  const { memory, cache, gate } = parts, { magazines, firstWord } = cache;
  const sizeClass = classOf(parts, 48), capacity = cache.capacities[sizeClass]!;
  const setAside = magazines.lengths[sizeClass]!;
  const pop = (): number => {
    const head = cache.heads[sizeClass]!;
    if (head === 0) return cache.refill(sizeClass);
    cache.heads[sizeClass] = memory.blocks[head >> 2]!;
    cache.rooms[sizeClass]!++;
    return head;
  };
  const ours = fullList(memory.words, memory.stateBytes / 4, sizeClass, capacity, setAside, pop);
  const state = viewState(heap),
    its = fullList(
      state,
      stateBytes(heap.u8.length) / 4,
      sizeClass,
      capacity,
      setAside,
      () => heap.malloc(48),
    );
  const base = times(() => {
    ours.fill();
    ours.empty();
    return 0;
  });
  return ladder(`a full list of ${capacity} blocks of 48 bytes set aside, and taken back`, {
    "magazine: put and taken": () => {
      ours.fill();
      const isPut = magazines.put(firstWord, sizeClass);
      ours.empty();
      return isPut && magazines.take(firstWord, sizeClass) ? 1 : failed();
    },
    "front gate; the block freed, one popped": () => {
      ours.fill();
      gate.free(ours.live);
      ours.empty();
      return cache.refill(sizeClass);
    },
    "from malloc and free to there": () => {
      its.fill();
      heap.free(its.live);
      its.empty();
      return heap.malloc(48);
    },
  }, { base });
}

function failed(): never {
  throw new Error("a step of micro did not do what it is for");
}

/** Blocks that go to the other thread at once. */
const SENT = 512;

/** A heap, and another thread's cache of it, which is this thread's, too: so what moving a cache line takes is not in it. */
async function twoThreads() {
  const owner = await Heap.open({ variant: "slab-map,shared=1" }), sender = await Heap.attach(owner.share());
  const words = viewState(owner), bytes = owner.u8.length;
  const ring = (stateBytes(bytes) + bytes + GAP_BYTES) / 4 + MAX_CACHES * RING_WORDS; // from thread 1 to 0
  const blocks = new Int32Array(SENT);
  return {
    take: (): number => {
      for (let index = 0; index < SENT; index++) blocks[index] = owner.malloc(64);
      return blocks[0]!;
    },
    give: (): void => {
      for (let index = 0; index < SENT; index++) owner.free(blocks[index]!);
    },
    send: (): void => {
      for (let index = 0; index < SENT; index++) sender.free(blocks[index]!);
    },
    /** Nothing was sent. */
    forget: (): void => {
      for (const word of [RING_WRITTEN, RING_SEEN, RING_SENT, RING_TAKEN, RING_RELEASED]) words[ring + word] = 0;
    },
  };
}

async function remoteFree(): Promise<SlowPath> {
  const forgetful = await twoThreads(), whole = await twoThreads();
  const base = times(() => {
    const first = forgetful.take();
    forgetful.give();
    return first;
  });
  return ladder("what a free by another thread costs beyond one by the block's owner", {
    "sent: written to the ring": () => {
      const first = forgetful.take();
      forgetful.send();
      forgetful.forget();
      forgetful.give();
      return first;
    },
    "taken by the owner, who does not free it": () => {
      const first = whole.take();
      whole.send();
      return first;
    },
  }, { base, operations: SENT });
}

async function reallocs(): Promise<SlowPath> {
  const heap = await Heap.open();
  /** Between two sizes and back: half of the iterations grow the block, half shrink it. */
  const between = (small: number, large: number): () => number => {
    let ptr = heap.malloc(small), isLarge = false;
    return () => {
      isLarge = !isLarge;
      return ptr = heap.realloc(ptr, isLarge ? large : small);
    };
  };
  return ladder("realloc, to and fro between two sizes", {
    "100 and 110 bytes: one class": between(100, 110),
    "100 and 200 bytes: another block": between(100, 200),
    "1000 and 2000 bytes: another block": between(1000, 2000),
    "30,000 and 40,000 bytes: small and large": between(30_000, 40_000),
    "66,000 and 70,000 bytes: one class": between(66_000, 70_000),
    "64 and 128 KiB: in place": between(LARGE_BYTES, 2 * LARGE_BYTES),
  }, { isLadder: false });
}

function pagesOfTheSystem({ memory, uncached }: Parts): SlowPath {
  const ptr = uncached.alloc(LARGE_BYTES), pages = LARGE_BYTES / PAGE_BYTES, { u8 } = memory;
  const begin = Math.ceil(ptr / PAGE_BYTES) * PAGE_BYTES;
  const purge = (): number => memory.purge(begin, LARGE_BYTES) ? 1 : failed();
  const touch = (count: number): void => {
    for (let page = 0; page < count; page++) u8[begin + page * PAGE_BYTES] = 1;
  };
  return ladder(`${pages} pages given back to the system, and touched again`, {
    "the call, where there are none": purge,
    "one page: its fault, and given back": () => {
      touch(1);
      return purge();
    },
    [`${pages - 1} more`]: () => {
      touch(pages);
      return purge();
    },
  });
}
