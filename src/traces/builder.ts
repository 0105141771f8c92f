/**
 * Builds a trace from the calls that a decoder reads. The decoder hands over the names that its format has for blocks
 * (addresses, mostly) and threads; the builder numbers them, and rejects what no program can have done. So a decoder
 * knows nothing but its format, and no trace needs to be checked again.
 *
 * Memory is bounded by the limits below whatever the input says: 24 bytes an event, and some 100 for a live block.
 *
 * @module
 */
import { EVENT, NO_BLOCK, type Trace, TraceError } from "./trace.ts";

/** A block's name in the source: unique among the blocks that are live. */
export type BlockId = number | bigint | string;

/** The most events that a trace may have, about 800 MB, and the most blocks that may be live at once, about as much. */
export const MOST_EVENTS = 2 ** 25;
export const MOST_LIVE_BLOCKS = 2 ** 23;
/** The most threads, so that a number fits the column. */
export const MOST_THREADS = 2 ** 16;
/** The largest block, in bytes: 1 TiB. */
export const LARGEST_SIZE = 2 ** 40;
/** The largest alignment, in bytes: 1 GiB, as in our heap. */
export const LARGEST_ALIGNMENT = 2 ** 30;

const FIRST_CAPACITY = 2 ** 12;

interface LiveBlock {
  readonly number: number;
  size: number;
}

/** Collects the events of one trace. Every method throws a {@link TraceError} that says where, for what cannot be. */
export class TraceBuilder {
  readonly #format: string;
  readonly #where: () => string;
  readonly #mostEvents: number;
  readonly #mostLive: number;
  readonly #live = new Map<BlockId, LiveBlock>();
  readonly #threads = new Map<number | string, number>();
  readonly #threadNames: string[] = [];
  #length = 0;
  #blockCount = 0;
  #failedCalls = 0;
  #kinds = new Uint8Array(FIRST_CAPACITY);
  #threadNumbers = new Uint16Array(FIRST_CAPACITY);
  #blocks = new Uint32Array(FIRST_CAPACITY);
  #sizes = new Float64Array(FIRST_CAPACITY);
  #formerSizes = new Float64Array(FIRST_CAPACITY);
  #alignments = new Uint8Array(FIRST_CAPACITY);

  /**
   * @param format The format's name.
   * @param where Says where the decoder is, for errors: `line 12`, `byte 4096`.
   * @param mostEvents A lower limit than {@link MOST_EVENTS} is for tests.
   * @param mostLive As well.
   */
  constructor(format: string, where: () => string, mostEvents = MOST_EVENTS, mostLive = MOST_LIVE_BLOCKS) {
    this.#format = format;
    this.#where = where;
    this.#mostEvents = mostEvents;
    this.#mostLive = mostLive;
  }

  /** A malloc. @param id What it returned; null if it failed, which is no event. */
  malloc(thread: number | string, id: BlockId | null, size: number): void {
    this.#allocate(EVENT.MALLOC, thread, id, size, 0);
  }

  /** A calloc. @param id What it returned; null if it failed, which is no event. */
  calloc(thread: number | string, id: BlockId | null, count: number, size: number): void {
    this.#checkSize(count);
    this.#checkSize(size);
    this.#allocate(EVENT.CALLOC, thread, id, count * size, 0);
  }

  /** An aligned allocation. @param id What it returned; null if it failed, which is no event. */
  aligned(thread: number | string, id: BlockId | null, alignment: number, size: number): void {
    const logarithm = Math.log2(alignment);
    if (!Number.isInteger(logarithm) || logarithm < 0 || alignment > LARGEST_ALIGNMENT) {
      this.fail(`alignment ${alignment} is no power of two up to ${LARGEST_ALIGNMENT}`);
    }
    this.#allocate(EVENT.ALIGNED, thread, id, size, logarithm);
  }

  /**
   * A realloc. Of null it is an allocation.
   *
   * @param newId What it returned, which may be `oldId` again. Null is a free if the size is 0, and else a failed call,
   * which is no event: the block stays as it was.
   */
  realloc(thread: number | string, oldId: BlockId | null, newId: BlockId | null, size: number): void {
    if (oldId === null) return this.#allocate(EVENT.REALLOC, thread, newId, size, 0);
    this.#checkSize(size);
    if (newId === null && size === 0) return this.free(thread, oldId);
    const block = this.#live.get(oldId);
    if (block === undefined) this.fail(`realloc of ${shown(oldId)}, which is not live`);
    if (newId === null) {
      this.#failedCalls++;
      return;
    }
    if (newId !== oldId) {
      this.#live.delete(oldId);
      if (this.#live.has(newId)) this.fail(`realloc gave ${shown(newId)}, which is live already`);
      this.#live.set(newId, block);
    }
    this.#add(EVENT.REALLOC, thread, block.number, size, block.size, 0);
    block.size = size;
  }

  /** A free; of null it does nothing, but is an event. */
  free(thread: number | string, id: BlockId | null): void {
    if (id === null) return this.#add(EVENT.FREE, thread, NO_BLOCK, 0, 0, 0);
    const block = this.#live.get(id);
    if (block === undefined) this.fail(`free of ${shown(id)}, which is not live`);
    this.#live.delete(id);
    this.#add(EVENT.FREE, thread, block.number, 0, block.size, 0);
  }

  /** The end of a thread. What follows under the same name is another thread: systems use names again. */
  threadEnd(thread: number | string): void {
    this.#add(EVENT.THREAD_END, thread, NO_BLOCK, 0, 0, 0);
    this.#threads.delete(thread);
  }

  /** Rejects the input. @param reason What is wrong; where is put before it. */
  fail(reason: string): never {
    throw new TraceError(`${this.#where()}: ${reason}`);
  }

  /** The trace. The builder must not be used afterwards. */
  finish(): Trace {
    const length = this.#length;
    return {
      format: this.#format,
      length,
      kinds: resized(this.#kinds, Uint8Array, length),
      threads: resized(this.#threadNumbers, Uint16Array, length),
      blocks: resized(this.#blocks, Uint32Array, length),
      sizes: resized(this.#sizes, Float64Array, length),
      formerSizes: resized(this.#formerSizes, Float64Array, length),
      alignments: resized(this.#alignments, Uint8Array, length),
      blockCount: this.#blockCount,
      threadNames: this.#threadNames,
      failedCalls: this.#failedCalls,
    };
  }

  #allocate(kind: number, thread: number | string, id: BlockId | null, size: number, alignment: number): void {
    this.#checkSize(size);
    if (id === null) {
      this.#failedCalls++;
      return;
    }
    if (this.#live.has(id)) this.fail(`allocation gave ${shown(id)}, which is live already`);
    if (this.#live.size === this.#mostLive) this.fail(`more than ${this.#mostLive} live blocks`);
    const number = ++this.#blockCount;
    this.#live.set(id, { number, size });
    this.#add(kind, thread, number, size, 0, alignment);
  }

  #checkSize(size: number): void {
    if (Number.isInteger(size) && size >= 0 && size <= LARGEST_SIZE) return;
    this.fail(`size ${size} is no whole number up to ${LARGEST_SIZE}`);
  }

  #add(
    kind: number,
    thread: number | string,
    block: number,
    size: number,
    formerSize: number,
    alignment: number,
  ): void {
    const event = this.#length;
    if (event === this.#mostEvents) this.fail(`more than ${this.#mostEvents} events`);
    if (event === this.#kinds.length) this.#grow();
    this.#kinds[event] = kind;
    this.#threadNumbers[event] = this.#threadNumber(thread);
    this.#blocks[event] = block;
    this.#sizes[event] = size;
    this.#formerSizes[event] = formerSize;
    this.#alignments[event] = alignment;
    this.#length = event + 1;
  }

  #threadNumber(thread: number | string): number {
    let number = this.#threads.get(thread);
    if (number !== undefined) return number;
    number = this.#threadNames.length;
    if (number === MOST_THREADS) this.fail(`more than ${MOST_THREADS} threads`);
    this.#threads.set(thread, number);
    this.#threadNames.push(String(thread));
    return number;
  }

  #grow(): void {
    const capacity = Math.min(2 * this.#kinds.length, this.#mostEvents);
    this.#kinds = resized(this.#kinds, Uint8Array, capacity);
    this.#threadNumbers = resized(this.#threadNumbers, Uint16Array, capacity);
    this.#blocks = resized(this.#blocks, Uint32Array, capacity);
    this.#sizes = resized(this.#sizes, Float64Array, capacity);
    this.#formerSizes = resized(this.#formerSizes, Float64Array, capacity);
    this.#alignments = resized(this.#alignments, Uint8Array, capacity);
  }
}

/** The same column with another length; large buffers move without being copied. */
function resized<A extends { readonly buffer: ArrayBuffer; readonly BYTES_PER_ELEMENT: number }>(
  column: A,
  Column: new (buffer: ArrayBuffer) => A,
  length: number,
): A {
  return new Column(column.buffer.transfer(length * column.BYTES_PER_ELEMENT));
}

/** A block's name as the trace has it: addresses in hexadecimal. */
function shown(id: BlockId): string {
  return typeof id === "string" ? id : `0x${id.toString(16)}`;
}
