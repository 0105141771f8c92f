/**
 * What a thread's free list is made of, and what that costs: links in the free blocks, as our heap has it, or an array of
 * pointers, which leaves the blocks alone. Whoever pops a linked list waits until the block is in the cache; of an array
 * only the program does, which may have other things to do meanwhile.
 *
 *     deno run -P bench/lists.ts ../shared/traces/systemui.zip random-mixed larson
 *     deno run -P bench/lists.ts --rounds 5 --seconds 2 ../shared/traces/bdd-nq7.rep.gz
 *
 * It measures traces and workloads, with our heap and with two allocators that have nothing but a hot path, and differ in
 * nothing but their lists: slabs and size classes are our heap's, and so is each check of malloc and free; lists have no
 * bound, there is one thread, and nothing goes back. *Warm* is one unit after the other, as in `bench`; *emptied* is the
 * same with other memory read before each, as a program has it that does much between its calls. Each process measures one of them;
 * shown is the median of the rounds, with the least and the most. The replay reads the blocks again that it has written, so an
 * allocator that mixes them up is found.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { median } from "simple-statistics";
import { Heap } from "../src/heap/mod.ts";
import { inverseOf, sizeClasses } from "../src/heap/core/size_classes.ts";
import { KIB, MIB, SLAB_BYTES } from "../src/heap/state/layout.ts";
import { adaptHeap } from "../src/peers/heap.ts";
import { numbers, terminalTable, words as text } from "../src/report/tables/columns.ts";
import { readTrace } from "../src/traces/mod.ts";
import { replayWords } from "../src/traces/replay_words.ts";
import { type Allocator, completeParameters, numberSlots, replayWorkload, WORKLOADS } from "../src/workloads/mod.ts";

const CONTESTANTS = ["hakmem", "links", "array"] as const;
type Contestant = typeof CONTESTANTS[number];

const WARM_MILLISECONDS = 600;
/** What is read so that nothing else is left in the caches. */
const EMPTIED_BYTES = 80 * MIB;

const SPACE_BYTES = 512 * MIB;
/** Large blocks lie from here on. */
const LARGE_FIRST = 300 * MIB;
const FIRST_BLOCK = 64 * MIB;
/** Pointers that an array has room for, and some more, so that those of two classes are not in the same sets of a cache. */
const MOST = 65_536;
const APART = MOST + 80;
/** What is carved at once, as our heap has it. */
const CARVED_BYTES = 4 * KIB;
const CARVED_BLOCKS = 64;

/** Where the tables are, in words; the slab map is at 0. Heads of lists, or the places of the latest pointers; and rooms. */
const CLASS_OF = 65_536 + 32, INVERSES = 72_000, TOPS = 81_000, ROOMS = 81_200, ARRAYS = 8 * MIB / 4;

interface HotPath {
  readonly malloc: (size: number) => number;
  readonly free: (ptr: number) => void;
}

/** In the form of `src/heap/hot/template.ts`: V8 folds parameters that are never assigned, and with them the other list. */
function compile(
  words: Int32Array,
  isArray: boolean,
  classOf: number,
  inverses: number,
  tops: number,
  rooms: number,
  largest: number,
  most: number,
  refill: (sizeClass: number) => number,
  mallocSlow: (size: number) => number,
  freeSlow: (ptr: number) => void,
  imul: typeof Math.imul,
): HotPath {
  function malloc(size: number): number {
    const heap = words;
    if ((size | 0) !== size || size >>> 0 > largest) return mallocSlow(size) | 0;
    const sizeClass = heap[classOf + ((size + 15) >> 4)]! | 0, top = heap[tops + sizeClass]!;
    const ptr = isArray ? heap[top]! : top;
    if (heap[ptr >>> 16] !== sizeClass) return refill(sizeClass) | 0;
    if (isArray) {
      heap[tops + sizeClass] = top - 1;
    } else {
      heap[tops + sizeClass] = heap[ptr >> 2]!;
      heap[rooms + sizeClass] = heap[rooms + sizeClass]! + 1;
    }
    return ptr;
  }

  function free(ptr: number): void {
    const heap = words;
    fast: if ((ptr | 0) === ptr) {
      const sizeClass = heap[ptr >>> 16]!, inverse = heap[inverses + sizeClass]! >>> 0;
      if (!((imul(ptr | -65536, inverse) >>> 0) < inverse)) break fast;
      const top = heap[tops + sizeClass]!, room = heap[rooms + sizeClass]!;
      if ((isArray ? heap[top] : top) === ptr) break fast;
      if (isArray) {
        // The room is the place of the last pointer here. If either word were overwritten, no other place would be written to.
        if (!((room + ~top) >>> 0 < most)) break fast;
        heap[top + 1] = ptr;
        heap[tops + sizeClass] = top + 1;
      } else {
        if (!(room > 0)) break fast;
        heap[ptr >> 2] = top;
        heap[tops + sizeClass] = ptr;
        heap[rooms + sizeClass] = room - 1;
      }
      return;
    }
    freeSlow(ptr);
  }

  return { malloc, free };
}

/** An allocator with such a hot path, and as little as can be behind it. */
function allocatorOf(isArray: boolean): Allocator<number> {
  const buffer = new ArrayBuffer(SPACE_BYTES), words = new Int32Array(buffer), u8 = new Uint8Array(buffer);
  const { strides, table, largest, blocks } = sizeClasses("fine", false);
  words.set(table, CLASS_OF);
  words.set(strides.map(inverseOf), INVERSES);
  strides.forEach((_, sizeClass) => {
    const sentinel = ARRAYS + sizeClass * APART;
    words[TOPS + sizeClass] = isArray ? sentinel : 0;
    words[ROOMS + sizeClass] = isArray ? sentinel + MOST - 1 : MOST;
  });
  const current = new Int32Array(strides.length), carved = new Int32Array(strides.length);
  let nextSlab = FIRST_BLOCK / SLAB_BYTES, nextLarge = LARGE_FIRST;
  /** Of large blocks, by pointer; and those that are free, by length. */
  const lengths = new Map<number, number>(), free = new Map<number, number[]>();

  const refill = (sizeClass: number): number => {
    if (current[sizeClass] === 0 || carved[sizeClass] === blocks[sizeClass]) {
      if (nextSlab * SLAB_BYTES >= LARGE_FIRST) return 0;
      words[nextSlab] = sizeClass;
      current[sizeClass] = nextSlab++;
      carved[sizeClass] = 0;
    }
    const stride = strides[sizeClass]!, left = blocks[sizeClass]! - carved[sizeClass]!;
    const count = Math.min(left, CARVED_BLOCKS, Math.max(1, Math.floor(CARVED_BYTES / stride)));
    const first = (current[sizeClass]! + 1) * SLAB_BYTES - left * stride;
    for (let block = count - 1; block >= 1; block--) {
      const ptr = first + block * stride, top = words[TOPS + sizeClass]!;
      words[isArray ? top + 1 : ptr >> 2] = isArray ? ptr : top;
      words[TOPS + sizeClass] = isArray ? top + 1 : ptr;
    }
    if (!isArray) words[ROOMS + sizeClass]! -= count - 1;
    carved[sizeClass]! += count;
    return first;
  };
  const mallocSlow = (size: number): number => {
    const length = Math.ceil(size / SLAB_BYTES) * SLAB_BYTES, ptr = free.get(length)?.pop() ?? nextLarge;
    if (ptr === nextLarge) nextLarge += length;
    if (nextLarge > SPACE_BYTES) return 0;
    lengths.set(ptr, length);
    return ptr;
  };
  const freeSlow = (ptr: number): void => {
    if (ptr === 0) return;
    const length = lengths.get(ptr);
    if (length === undefined) throw new Error(`${ptr} is not a block, or is free, or has no room on its list`);
    lengths.delete(ptr);
    if (free.get(length)?.push(ptr) === undefined) free.set(length, [ptr]);
  };
  const hot = compile(
    words,
    isArray,
    CLASS_OF,
    INVERSES,
    TOPS,
    ROOMS,
    largest,
    MOST,
    refill,
    mallocSlow,
    freeSlow,
    Math.imul,
  );
  const usable = (ptr: number): number => lengths.get(ptr) ?? strides[words[ptr >>> 16]!]!;
  return {
    ...hot,
    nothing: 0,
    slots: numberSlots,
    write: (ptr, at, byte) => {
      u8[ptr + at] = byte;
    },
    read: (ptr, at) => u8[ptr + at]!,
    calloc: (size) => {
      const ptr = hot.malloc(size);
      u8.fill(0, ptr, ptr + size);
      return ptr;
    },
    realloc: (ptr, size, former) => {
      const before = ptr === 0 ? 0 : usable(ptr);
      if (size <= before && size > before * 7 / 8) return ptr;
      const moved = hot.malloc(size);
      u8.copyWithin(moved, ptr, ptr + Math.min(size, former));
      hot.free(ptr);
      return moved;
    },
    alignedAlloc: (alignment, size) =>
      hot.malloc(strides.find((stride) => stride >= size && stride % alignment === 0) ?? Math.max(size, largest + 1)),
  };
}

/** What a process found: nanoseconds of an operation, one unit after the other and with emptied caches. */
interface Found {
  readonly warm: number;
  readonly emptied: number;
}

/** A workload by its name, or the replay of a trace. */
function workloadOf(work: string): ReturnType<typeof replayWorkload> {
  return WORKLOADS.get(work) ?? replayWorkload(replayWords(readTrace(work), 1));
}

async function measure(contestant: Contestant, work: string, seconds: number): Promise<Found> {
  const workload = workloadOf(work), parameters = completeParameters(workload, {});
  const allocator = contestant === "hakmem" ? adaptHeap(await Heap.open()) : allocatorOf(contestant === "array");
  const runner = workload.prepare(allocator, parameters), other = new Uint8Array(EMPTIED_BYTES);
  const empty = (): void => {
    for (let at = 0; at < other.length; at += 64) other[at]!++;
  };
  const timesFor = (milliseconds: number, before: () => void): number => {
    const found: number[] = [];
    for (const begun = performance.now(); found.length === 0 || performance.now() - begun < milliseconds;) {
      before();
      const start = performance.now();
      runner.unit();
      found.push((performance.now() - start) * 1e6 / workload.operationsPerUnit(parameters));
    }
    return median(found);
  };
  runner.begin();
  timesFor(Math.min(WARM_MILLISECONDS, 1000 * seconds), () => {});
  return { warm: timesFor(500 * seconds, () => {}), emptied: timesFor(500 * seconds, empty) };
}

/** `7.41 (7.30–7.62)`. */
function shown(found: readonly number[]): string {
  return `${median(found).toFixed(2)} (${Math.min(...found).toFixed(2)}–${Math.max(...found).toFixed(2)})`;
}

type Row = readonly [work: string, caches: keyof Found, found: readonly Found[][]];

async function compareLists(works: readonly string[], rounds: number, seconds: string): Promise<void> {
  const script = new URL(import.meta.url).pathname, rows: Row[] = [];
  for (const work of works) {
    const found: Found[][] = CONTESTANTS.map(() => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, one] of CONTESTANTS.entries()) {
        const args = ["run", "-q", "-P", script, "--seconds", seconds, "--one", one, work];
        const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stderr: "inherit" }).output();
        if (!success) Deno.exit(3); // it has said why
        found[index]!.push(JSON.parse(new TextDecoder().decode(stdout)));
      }
    }
    for (const caches of ["warm", "emptied"] as const) rows.push([work.split("/").at(-1)!, caches, found]);
  }
  const columns = CONTESTANTS.map((name, index) =>
    numbers<Row>(
      name,
      ([, caches, found]) => shown(found[index]!.map((each) => each[caches])),
    )
  );
  console.log("ns an operation, the loop with it: the median of the rounds, the least and the most\n");
  console.log(
    terminalTable([text<Row>("work", ([work]) => work), text<Row>("caches", ([, caches]) => caches), ...columns], rows),
  );
}

const unknown: string[] = [];
const { seconds = "1", rounds = "3", one, _: works } = parseArgs(Deno.args, {
  string: ["seconds", "rounds", "one", "_"],
  unknown: (word) => !word.startsWith("-") || unknown.push(word) === 0,
});
const isUsable = unknown.length === 0 && works.length > 0 && /^[1-9]\d?$/.test(rounds) &&
  Number(seconds) > 0 && Number(seconds) <= 60 && CONTESTANTS.includes((one ?? "links") as Contestant);
try {
  if (!isUsable) {
    console.error("usage: deno run -P bench/lists.ts [--rounds 1 to 99] [--seconds up to 60] TRACE or WORKLOAD...");
    Deno.exitCode = 3;
  } else if (one !== undefined) {
    console.log(JSON.stringify(await measure(one as Contestant, String(works[0]), Number(seconds))));
  } else {
    await compareLists(works.map(String), Number(rounds), seconds);
  }
} catch (error) {
  console.error((error as Error).message);
  Deno.exitCode = 3;
}
