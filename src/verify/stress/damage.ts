/**
 * `stress --scenario damage`: programs that sometimes overwrite a word, of the heap's state as C code could do it, or of a
 * block that was freed. From the first of these on, any call may throw a `HeapError`; what must not happen is said
 * in {@linkcode runDamaged}. A process that dies or hangs has failed too, as for other programs.
 *
 * @module
 */
import {
  BOOK_GUARD_HIDES,
  booksAt,
  booksLayout,
  CACHE_SENT_TO,
  firstWordOf,
  GAP_BYTES,
  INVERSES_OFFSET,
  LOG_OFFSET,
  MAX_CACHES,
  placeOf,
  RECORD_WORDS,
  RING_FIRST,
  RING_WORDS,
  SAMPLE_WORDS,
  SAMPLES_RECORDS,
  SAMPLES_STACKS,
  SAMPLES_STACKS_BUCKETS,
  SAMPLES_STACKS_END,
  samplesAt,
  SLAB_BYTES,
  SLAB_MAP_OFFSET,
  SLAB_TABLE_OFFSET,
  SLAB_WORDS,
  SPAN_TABLE_OFFSET,
  SPAN_WORDS,
  STACKS_BUCKETS,
  STACKS_WORD,
  stateBytes,
  SUPERSLAB_BYTES,
  SUPERSLAB_TABLE_OFFSET,
  viewState,
  WORD_CLASS_OF,
  WORD_LOCK,
  WORD_LOG_LENGTH,
  WORD_MAGIC,
} from "../../heap/inspect/mod.ts";
import { type Flags, Heap, HeapError, type HeapOptions, parseVariant } from "../../heap/mod.ts";
import { Random } from "../../measure/random.ts";
import type { Operation, StressProgram } from "../../model/mod.ts";
import { OracleError } from "../oracle.ts";
import { type Build, heapOptions } from "../../lab/inspect/flags.ts";
import { RESERVE_BYTES, stressProgram, type Watch } from "./program.ts";

/** Operations between two damages, on average. */
const DAMAGED_ONCE_IN = 150;
/** The neighbour: a heap that the other one may not write to. */
const BESIDE_BYTES = 1 << 16;
const BESIDE_FILL = 0xa5;

type Damage = Extract<Operation, { op: "damage" | "scribble" }>;

/** Words of a thread's cache: its lists, magazines and spans, and whom it has sent blocks. */
const CACHE_WORDS = CACHE_SENT_TO + MAX_CACHES / 32;
/** Those of the rings from the second thread to the first, and back, of a heap as large as those here. */
const RINGS = (stateBytes(RESERVE_BYTES) + RESERVE_BYTES + GAP_BYTES) / 4;

/** Words that are next to one another. */
type Area = readonly [first: number, count: number];

/** Where damage goes: the words that a heap of some superslabs uses, each area as often as the others. */
const AREAS: readonly Area[] = [
  [WORD_CLASS_OF, 2049],
  [WORD_MAGIC + 1, 1730], // control words and the thread table among them
  [WORD_LOCK, 1],
  [WORD_LOG_LENGTH, 1],
  [LOG_OFFSET / 4, 256],
  [RINGS + RING_WORDS, RING_FIRST], // its numbers
  [RINGS + MAX_CACHES * RING_WORDS, RING_FIRST],
  [RINGS + RING_WORDS, RING_WORDS],
  [RINGS + MAX_CACHES * RING_WORDS, RING_WORDS],
  [firstWordOf(1), CACHE_WORDS],
  [SLAB_MAP_OFFSET / 4, 256],
  [SLAB_TABLE_OFFSET / 4 + SUPERSLAB_BYTES / SLAB_BYTES * SLAB_WORDS, 96 * SLAB_WORDS],
  [SUPERSLAB_TABLE_OFFSET / 4, 32],
  [firstWordOf(0), CACHE_WORDS],
  [INVERSES_OFFSET / 4, 256],
  [SPAN_TABLE_OFFSET / 4 + SUPERSLAB_BYTES / SLAB_BYTES * SPAN_WORDS, 1024 * SPAN_WORDS],
];

/** What a heap is opened with, so that a program of some hundred operations guards blocks and samples some. */
const WATCHED: HeapOptions = { guard: { oneIn: 4 } }, SAMPLED: HeapOptions = { profile: { everyBytes: 2000 } };

/** Areas of the tables that only some heaps have: a profile's samples, and books. */
function areasBehind(build: Build, { guard, profile }: Flags): Area[] {
  const areas: Area[] = [];
  if (profile === 1) {
    const at = samplesAt(RESERVE_BYTES);
    areas.push(
      [at, SAMPLES_STACKS_END + 1],
      [at + SAMPLES_STACKS + SAMPLES_STACKS_BUCKETS, 1000],
      [at + SAMPLES_RECORDS + SUPERSLAB_BYTES / SLAB_BYTES * SAMPLE_WORDS, 256 * SAMPLE_WORDS],
    );
  }
  if (build === "debug" || guard === 1) {
    const at = booksAt(RESERVE_BYTES, profile === 1), { map, records } = booksLayout(RESERVE_BYTES);
    areas.push(
      [at, BOOK_GUARD_HIDES + 1],
      [at + STACKS_WORD + STACKS_BUCKETS, 1000],
      [at + map + placeOf(SUPERSLAB_BYTES), 2048],
      [at + records, 200 * RECORD_WORDS],
    );
  }
  return areas;
}

/** Makes the program of a seed: that of `stress`, with damage in between to what a heap of a variant and a build has. */
export function damageProgram(seed: number, variant: string, build: Build): StressProgram {
  const random = new Random(seed), program = stressProgram(seed);
  const areas = [...AREAS, ...areasBehind(build, parseVariant(variant).flags)];
  const made: number[] = [];
  const operations = program.operations.flatMap((operation): Operation[] => {
    if ("block" in operation) made.push(operation.block);
    return random.below(DAMAGED_ONCE_IN) === 0 ? [operation, damageOf(random, made, areas)] : [operation];
  });
  return { ...program, scenario: "damage", operations: [...operations, damageOf(random, made, areas)] };
}

function damageOf(random: Random, made: readonly number[], areas: readonly Area[]): Damage {
  const value = valueOf(random);
  if (random.below(4) === 0 && made.length > 0) {
    return { op: "scribble", block: made[random.below(made.length)]!, word: random.below(4), value };
  }
  const [first, count] = areas[random.below(areas.length)]!;
  return { op: "damage", word: first + random.below(count), value: random.below(6) === 0 ? "neighbour" : value };
}

function valueOf(random: Random): number {
  const dice = random.below(8);
  return dice < 4 ? [0, 1, -1, 0x7fff_ffff][dice]! : random.below(2 ** 32) | 0;
}

/**
 * Runs a program on a fresh heap.
 *
 * @throws {OracleError} if a pointer is given out that is live, if the neighbouring heap is changed, or if after the
 * last call the lock is taken; and whatever the heap throws that is not a `HeapError`, or is one before anything was
 * damaged.
 */
export async function runDamaged(
  variant: string,
  build: Build,
  { seed, maxBytes, operations }: StressProgram,
  watch: Watch,
): Promise<void> {
  const { flags } = parseVariant(variant);
  const options = {
    ...heapOptions(variant, build),
    ...(flags.guard === 1 ? WATCHED : {}),
    ...(flags.profile === 1 ? SAMPLED : {}),
    log: () => {},
  };
  using beside = await Heap.open({ reserveBytes: 64 * BESIDE_BYTES });
  const heap = await Heap.open({
    ...options,
    reserveBytes: RESERVE_BYTES,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  const other = seed % 2 === 0 ? await Heap.attach(heap.share()) : heap; // half of them take the lock, and use rings
  const kept = beside.malloc(BESIDE_BYTES), run = new DamagedRun(heap, other);
  beside.u8.fill(BESIDE_FILL, kept, kept + BESIDE_BYTES);
  try {
    for (const [index, operation] of operations.entries()) {
      watch(index);
      run.apply(operation);
    }
    watch(operations.length);
    run.finish();
  } finally {
    run.close();
  }
  if (beside.u8.subarray(kept, kept + BESIDE_BYTES).some((byte) => byte !== BESIDE_FILL)) {
    throw new OracleError("something wrote into another heap");
  }
  beside.check();
}

/** A heap, who has what of it, and whether it is damaged. */
class DamagedRun {
  readonly #heap: Heap;
  /** The same for another thread cache, where the heap is shared: it frees what the first has made, and makes some. */
  readonly #other: Heap;
  readonly #state: Int32Array;
  /** By number: live blocks, and where those were that are not. */
  readonly #live = new Map<number, number>();
  readonly #freed = new Map<number, number>();
  /** The same by pointer. */
  readonly #pointers = new Set<number>();
  #isDamaged = false;
  #isLockDamaged = false;

  constructor(heap: Heap, other: Heap) {
    this.#heap = heap;
    this.#other = other;
    this.#state = viewState(heap);
  }

  apply(operation: Operation): void {
    const heap = this.#heapFor(operation);
    switch (operation.op) {
      case "damage": {
        const { word, value } = operation;
        this.#isDamaged = true;
        this.#isLockDamaged ||= word === WORD_LOCK;
        this.#state[word] = value === "neighbour" ? this.#state[word + 1]! : value;
        return;
      }
      case "scribble": {
        const ptr = this.#freed.get(operation.block);
        if (ptr === undefined || this.#pointers.has(ptr)) return;
        this.#isDamaged = true;
        heap.i32[ptr / 4 + operation.word] = operation.value;
        return;
      }
      case "malloc":
        return this.#make(operation.block, () => heap.malloc(operation.size), operation.size);
      case "calloc":
        return this.#make(
          operation.block,
          () => heap.calloc(operation.count, operation.size),
          operation.count * operation.size,
        );
      case "alignedAlloc":
        return this.#make(
          operation.block,
          () => heap.alignedAlloc(operation.alignment, operation.size),
          operation.size,
        );
      case "realloc": {
        const ptr = this.#take(operation.block);
        if (ptr !== undefined) this.#make(operation.block, () => heap.realloc(ptr, operation.size), 0, ptr);
        return;
      }
      case "free": {
        const ptr = this.#take(operation.block);
        if (ptr !== undefined) this.#try(() => heap.free(ptr));
        return;
      }
      case "collect":
        return void this.#try(() => heap.collect());
      case "audit":
        return void this.#try(() => heap.check());
    }
  }

  /** The second makes a third of the blocks, and frees half of all. */
  #heapFor(operation: Operation): Heap {
    if (!("block" in operation)) return this.#heap;
    const isOther = operation.op === "free" ? operation.block % 2 === 0 : operation.block % 3 === 0;
    return isOther ? this.#other : this.#heap;
  }

  /** Every other call; each of them ends. */
  finish(): void {
    const heap = this.#heap;
    const calls: (() => unknown)[] = [
      () => [...heap.blocks()],
      () => heap.stats(),
      () => heap.snapshot(),
      () => heap.leaks(),
      ...(heap.flags.profile === 1 ? [() => heap.profile()] : []),
    ];
    for (const call of calls) this.#try(call);
    for (const ptr of this.#pointers) this.#try(() => heap.owns(ptr));
    for (const block of [...this.#live.keys()]) this.apply({ op: "free", block });
    this.#try(() => heap.collect());
    if (this.#state[WORD_LOCK] !== 0 && !this.#isLockDamaged) {
      throw new OracleError("the heap's lock is taken, and nobody is at work");
    }
  }

  /** From here on nothing may be read of its state. */
  close(): void {
    for (const heap of [this.#other, this.#heap]) this.#try(() => heap.close());
  }

  /** A block that is about to be resized or freed: if that throws, it belongs to nobody from now on. */
  #take(block: number): number | undefined {
    const ptr = this.#live.get(block);
    if (ptr === undefined) return undefined;
    this.#live.delete(block);
    this.#pointers.delete(ptr);
    this.#freed.set(block, ptr);
    return ptr;
  }

  /** @param old where it is if it cannot be resized. */
  #make(block: number, call: () => number, size: number, old?: number): void {
    const ptr = this.#try(call) || old;
    if (ptr === undefined || ptr === 0) return;
    if (this.#pointers.has(ptr)) throw new OracleError(`${ptr} was given out twice`);
    this.#pointers.add(ptr);
    this.#live.set(block, ptr);
    this.#freed.delete(block);
    if (!this.#isDamaged) this.#heap.u8.fill(1 + block % 251, ptr, ptr + size);
  }

  #try<Result>(call: () => Result): Result | undefined {
    try {
      return call();
    } catch (error) {
      if (!this.#isDamaged || !(error instanceof HeapError)) throw error;
      return undefined;
    }
  }
}
