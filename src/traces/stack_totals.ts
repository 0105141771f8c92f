/**
 * Who allocates: what each stack of a trace asked for, how much of it was live when the most was, how much was never
 * freed, and how many of its blocks were temporary. A sink, so the events are not kept: besides the result it holds
 * what is known of each live block, 28 bytes.
 *
 * A block is *temporary* if its thread allocated nothing else before it was freed: such a block could often be an array
 * on the stack, or be kept for the next time.
 *
 * Where only some allocations have a stack, each of those stands for others: a block of s bytes has one with the
 * probability p = 1 - exp(-s / rate), so it counts 1 / p times (Horvitz and Thompson's estimator, as in tcmalloc and
 * pprof). The sums are then unbiased estimates; the sums of the whole trace are exact.
 *
 * @module
 */
import { EVENT, type EventSink, NO_BLOCK, type StackFacts, type TraceFacts, type TraceStacks } from "./trace.ts";

/** What is said of each stack, as people choose it. */
export const STACK_VALUES = ["allocated", "blocks", "peak", "temporary", "left"] as const;
export type StackValue = typeof STACK_VALUES[number];

/** A number for each of {@link STACK_VALUES}. */
export type StackTotal = Record<StackValue, number>;

/** The totals of a trace. */
export interface StackTotals {
  readonly format: string;
  readonly remarks: readonly string[];
  readonly events: number;
  /** Undefined if the trace has no stacks; then there are no totals of them. */
  readonly stacks?: TraceStacks;
  /** By stack: bytes and blocks that were asked for, bytes live at the peak, temporary blocks, bytes never freed. */
  readonly totals: ReadonlyMap<number, StackTotal>;
  /** Of all events, with a stack or without: exact. */
  readonly whole: StackTotal;
}

/** The total of a stack while it grows. */
interface Growing extends StackTotal {
  /** Whether `left`, which is what is live now, is not yet what is in `peak`. */
  isBehind: boolean;
}

const FIRST_SLOTS = 2 ** 10;

/** See the module. */
export class StackTotalsSink implements EventSink<StackTotals> {
  readonly #totals = new Map<number, Growing>();
  readonly #whole: Growing = growing();
  #behind: Growing[] = [];
  #sampleBytes: number | undefined;
  #events = 0;
  #peak = 0;
  /** By thread: allocations so far. */
  readonly #allocations: number[] = [];
  /** By slot: the stack, how often it counts, who allocated it, and which of its thread's allocations it was. */
  #stackOf = new Uint32Array(FIRST_SLOTS);
  #weightOf = new Float64Array(FIRST_SLOTS);
  #threadOf = new Uint16Array(FIRST_SLOTS);
  #orderOf = new Float64Array(FIRST_SLOTS);

  /** Takes how the stacks were found. */
  hasStacks({ sampleBytes }: StackFacts): void {
    this.#sampleBytes = sampleBytes;
  }

  /** Takes an event; blocks are known by their slots. */
  add(
    kind: number,
    thread: number,
    block: number,
    slot: number,
    size: number,
    formerSize: number,
    _alignment: number,
    stack: number,
  ): void {
    if (kind === EVENT.THREAD_END) return;
    this.#events++;
    if (block === NO_BLOCK) return;
    if (slot >= this.#stackOf.length) this.#grow(slot);
    if (formerSize > 0 || kind === EVENT.FREE) this.#released(kind, slot, formerSize);
    if (kind !== EVENT.FREE) this.#allocated(thread, slot, size, stack);
    if (this.#whole.left > this.#peak) {
      this.#peak = this.#whole.left;
      for (const total of this.#behind) {
        total.peak = total.left;
        total.isBehind = false;
      }
      this.#behind = [];
    }
  }

  #allocated(thread: number, slot: number, size: number, stack: number): void {
    const weight = this.#weight(size, stack);
    this.#allocations[thread] = (this.#allocations[thread] ?? 0) + 1;
    this.#stackOf[slot] = stack;
    this.#weightOf[slot] = weight;
    this.#threadOf[slot] = thread;
    this.#orderOf[slot] = this.#allocations[thread]!;
    this.#count(this.#whole, size, 1);
    if (weight > 0) this.#count(this.#totalOf(stack), size, weight);
  }

  #count(total: Growing, size: number, weight: number): void {
    total.allocated += weight * size;
    total.blocks += weight;
    this.#change(total, weight * size);
  }

  #released(kind: number, slot: number, size: number): void {
    const weight = this.#weightOf[slot]!, total = weight > 0 ? this.#totalOf(this.#stackOf[slot]!) : undefined;
    this.#change(this.#whole, -size);
    if (total !== undefined) this.#change(total, -weight * size);
    const isTemporary = kind === EVENT.FREE && this.#allocations[this.#threadOf[slot]!] === this.#orderOf[slot];
    if (!isTemporary) return;
    this.#whole.temporary++;
    if (total !== undefined) total.temporary += weight;
  }

  #change(total: Growing, bytes: number): void {
    total.left += bytes;
    if (total.isBehind) return;
    total.isBehind = true;
    this.#behind.push(total);
  }

  /** How many allocations one stands for; 0 if others stand for it. */
  #weight(size: number, stack: number): number {
    if (this.#sampleBytes === undefined) return 1;
    return stack === 0 || size === 0 ? 0 : 1 / -Math.expm1(-size / this.#sampleBytes);
  }

  #totalOf(stack: number): Growing {
    let total = this.#totals.get(stack);
    if (total === undefined) this.#totals.set(stack, total = growing());
    return total;
  }

  #grow(slot: number): void {
    const slots = 2 ** Math.ceil(Math.log2(slot + 1));
    this.#stackOf = new Uint32Array(this.#stackOf.buffer.transfer(4 * slots));
    this.#weightOf = new Float64Array(this.#weightOf.buffer.transfer(8 * slots));
    this.#threadOf = new Uint16Array(this.#threadOf.buffer.transfer(2 * slots));
    this.#orderOf = new Float64Array(this.#orderOf.buffer.transfer(8 * slots));
  }

  /** The totals. */
  finish({ format, remarks, stacks }: TraceFacts): StackTotals {
    return {
      format,
      remarks,
      events: this.#events,
      ...(stacks === undefined ? {} : { stacks }),
      totals: new Map([...this.#totals].map(([stack, total]) => [stack, plain(total)])),
      whole: plain(this.#whole),
    };
  }
}

function growing(): Growing {
  return { allocated: 0, blocks: 0, peak: 0, temporary: 0, left: 0, isBehind: false };
}

/** Sums of estimates end a little above or below 0 where they should be 0. */
function plain({ allocated, blocks, peak, temporary, left }: Growing): StackTotal {
  const sound = (bytes: number) => bytes < 0.5 ? 0 : bytes;
  return { allocated, blocks, peak: sound(peak), temporary, left: sound(left) };
}
