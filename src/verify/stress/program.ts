/**
 * The programs of `stress`: random lists of operations, as plain data, and what runs them against the oracle.
 *
 * A program follows from its seed alone, never from what a heap answers, so that a list can be made again, cut and
 * replayed. Each block has a number, given by the operation that makes it; an operation on a block that is not there
 * (its malloc was cut out, or gave 0) does nothing. So every sub-list of a program is a program.
 *
 * @module
 */
import { Heap, type HeapStats } from "../../heap/mod.ts";
import { Random } from "../../measure/random.ts";
import type { Operation, StressProgram } from "../../model/mod.ts";
import { Oracle, OracleError } from "../oracle.ts";
import { type Build, heapOptions } from "../../lab/inspect/flags.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const LONGEST = 1500; // operations: enough to fill and spill the lists of a class
const MOST_LIVE_BYTES = 32 * MIB;
export const LARGEST_LOG = 22; // sizes and alignments up to 4 MiB
const SCARCE_BYTES = 3 * MIB; // one heap in six has no more, and gives 0 now and then
/** Address space of each heap. */
export const RESERVE_BYTES = 512 * MIB;

/** Makes the program of a seed. */
export function stressProgram(seed: number): StressProgram {
  const random = new Random(seed);
  const length = 1 + random.below(random.below(LONGEST) + 1);
  const isScarce = random.below(6) === 0;
  return { seed, ...(isScarce ? { maxBytes: SCARCE_BYTES } : {}), operations: operationsOf(random, length) };
}

function operationsOf(random: Random, length: number): Operation[] {
  const operations: Operation[] = [];
  const live: { block: number; bytes: number }[] = [];
  // Few different sizes: blocks are reused. Small ones only: more operations in the same time.
  const largestLog = random.below(3) === 0 ? LARGEST_LOG : 11;
  const favourites = Array.from({ length: 1 + random.below(4) }, () => sizeOf(random, largestLog));
  const isMonotonous = random.below(2) === 0;
  const size = () => isMonotonous ? favourites[random.below(favourites.length)] ?? 0 : sizeOf(random, largestLog);
  let bytes = 0, growth = 60;
  for (let made = 1; operations.length < length;) {
    if (random.below(64) === 0) growth = 20 + random.below(65); // phases of growth and of decline
    const dice = random.below(200);
    if (dice === 0) operations.push({ op: "collect" });
    else if (dice < 3) operations.push({ op: "audit" });
    else if (live.length === 0 || (bytes < MOST_LIVE_BYTES && random.below(100) < growth)) {
      const operation = makingOf(random, made++, size);
      operations.push(operation);
      live.push({ block: operation.block, bytes: bytesOf(operation) });
      bytes += bytesOf(operation);
    } else {
      const at = random.below(live.length);
      const chosen = live[at] as { block: number; bytes: number };
      bytes -= chosen.bytes;
      if (random.below(4) === 0) {
        chosen.bytes = size();
        bytes += chosen.bytes;
        operations.push({ op: "realloc", block: chosen.block, size: chosen.bytes });
      } else {
        live[at] = live.at(-1) as { block: number; bytes: number };
        live.pop();
        operations.push({ op: "free", block: chosen.block });
      }
    }
  }
  return operations;
}

type Making = Extract<Operation, { op: "malloc" | "calloc" | "alignedAlloc" }>;

function makingOf(random: Random, block: number, size: () => number): Making {
  const dice = random.below(10);
  if (dice === 0) return { op: "calloc", block, count: random.below(65), size: size() >> 6 };
  if (dice === 1) return { op: "alignedAlloc", block, alignment: 2 ** random.below(LARGEST_LOG + 1), size: size() };
  return { op: "malloc", block, size: size() };
}

function bytesOf(operation: Making): number {
  return operation.op === "calloc" ? operation.count * operation.size : operation.size;
}

/** A size up to `2 ** largestLog` + 1: mostly small, some as large as they may be, and the neighbours of powers of two, where classes end. */
export function sizeOf(random: Random, largestLog: number): number {
  const largest = 2 ** largestLog;
  const dice = random.below(12);
  if (dice < 6) return random.below(257);
  if (dice < 9) return random.below(Math.min(40_000, largest));
  if (dice < 10) return random.below(largest);
  return 2 ** random.below(largestLog + 1) + random.below(3) - 1;
}

/** The same operations, with their blocks numbered from 1 in the order in which they come. */
export function renumber(operations: readonly Operation[]): Operation[] {
  const numbers = new Map<number, number>();
  return operations.map((operation) => {
    if (!("block" in operation)) return operation;
    const number = numbers.get(operation.block) ?? numbers.size + 1;
    numbers.set(operation.block, number);
    return { ...operation, block: number };
  });
}

/** Told before each operation; the index is the number of operations when only the closing checks are left. */
export type Watch = (index: number) => void;

/**
 * Runs a program on a fresh heap: its operations, then what every program ends with: audit, free all, audit, collect,
 * audit, and nothing is left.
 *
 * @throws whatever the heap throws, and OracleError where heap and oracle disagree.
 */
export async function runProgram(
  variant: string,
  build: Build,
  { maxBytes, operations }: StressProgram,
  watch: Watch = () => {},
): Promise<void> {
  using heap = await Heap.open({
    ...heapOptions(variant, build),
    reserveBytes: RESERVE_BYTES,
    log: () => {}, // that a program which fails leaves blocks behind need not be said
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  const oracle = new Oracle(heap);
  const pointers = new Map<number, number>();
  for (const [index, operation] of operations.entries()) {
    watch(index);
    apply(operation, heap, oracle, pointers);
  }
  watch(operations.length);
  oracle.audit();
  oracle.freeAll();
  oracle.audit();
  heap.collect();
  oracle.audit();
  assertEmpty(heap.stats(), build);
}

function apply(
  operation: Operation,
  heap: Heap,
  oracle: Oracle,
  pointers: Map<number, number>,
): void {
  const keep = (block: number, ptr: number) => {
    if (ptr !== 0) pointers.set(block, ptr);
  };
  switch (operation.op) {
    case "malloc":
      return keep(operation.block, oracle.malloc(operation.size));
    case "calloc":
      return keep(operation.block, oracle.calloc(operation.count, operation.size));
    case "alignedAlloc":
      return keep(operation.block, oracle.alignedAlloc(operation.alignment, operation.size));
    case "realloc": {
      const ptr = pointers.get(operation.block);
      if (ptr !== undefined) keep(operation.block, oracle.realloc(ptr, operation.size));
      return;
    }
    case "free": {
      const ptr = pointers.get(operation.block);
      if (ptr === undefined) return;
      pointers.delete(operation.block);
      return oracle.free(ptr);
    }
    case "collect":
      heap.collect();
      return;
    case "audit":
      return oracle.audit();
    default: // what `damage.ts` runs
      throw new TypeError(`a program without damage has no ${operation.op}`);
  }
}

/** A debug build may still hold freed blocks in its quarantine: they are no longer live, but their slabs are in use. */
function assertEmpty({ liveBlocks, liveBytes, chargedBytes, slabs, superslabs }: HeapStats, build: Build): void {
  const left = { liveBlocks, liveBytes, ...(build === "release" ? { chargedBytes, slabs, superslabs } : {}) };
  for (const [name, value] of Object.entries(left)) {
    if (value !== 0) throw new OracleError(`stats().${name} is ${value} when all blocks are free`);
  }
}
