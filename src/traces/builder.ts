/**
 * From the calls that a decoder reads to events. The decoder hands over the names that its format has for blocks
 * (addresses, mostly) and threads; the builder numbers them, and rejects what no program can have done. So a decoder
 * knows nothing but its format, and no trace needs to be checked again. Where the events go is up to a sink: to the
 * columns of a trace, or straight into a summary.
 *
 * Memory is bounded by the limits below whatever the input says: some 60 bytes for a live block, and what the sink
 * takes.
 *
 * @module
 */
import { type BlockId, BlockTable } from "./block_table.ts";
import { TraceColumns } from "./columns.ts";
import { EVENT, type EventSink, NO_BLOCK, type RanFor, type Trace, TraceError, type TraceStacks } from "./trace.ts";

/** The most events that a trace may have, about 800 MB, and the most blocks that may be live at once, about as much. */
export const MOST_EVENTS = 2 ** 25;
export const MOST_LIVE_BLOCKS = 2 ** 23;
/** The most threads, so that a number fits into the column. */
export const MOST_THREADS = 2 ** 16;
/** The largest block, in bytes: 1 TiB. */
export const LARGEST_SIZE = 2 ** 40;
/** The largest alignment, in bytes: 1 GiB, as in our heap. */
export const LARGEST_ALIGNMENT = 2 ** 30;

const FIRST_SLOTS = 2 ** 10;

/** What a builder may be told. */
export interface BuilderOptions {
  /** A lower limit than {@link MOST_EVENTS} is for tests. */
  readonly mostEvents?: number;
  /** As well. */
  readonly mostLive?: number;
  /**
   * Whether the source may have begun, or listened, in the midst of a program: then blocks that it does not know are
   * left out and counted, instead of being damage. `given`: an address that is given out again was freed unseen, too.
   */
  readonly partial?: "frees" | "given";
  /** How the source writes blocks' names that are numbers, for messages: the base, and what stands before. */
  readonly names?: "hexadecimal" | "decimal";
}

/** Turns calls into events. Every method throws a {@link TraceError} that says where, for what cannot be. */
export class TraceBuilder<Result = Trace> {
  readonly #sink: EventSink<Result>;
  readonly #format: string;
  readonly #where: () => string;
  readonly #options: BuilderOptions;
  readonly #mostEvents: number;
  readonly #mostLive: number;
  readonly #live = new BlockTable();
  readonly #threads = new Map<number | string, number>();
  readonly #threadNames: string[] = [];
  readonly #remarks: string[] = [];
  #events = 0;
  #isCut = false;
  #isDoubtful = false;
  #blockCount = 0;
  #failedCalls = 0;
  #unknownBlocks = 0;
  #unseenFrees = 0;
  #ran: RanFor | undefined;
  #stacks: TraceStacks | undefined;
  #stack = 0;
  /** By slot: the block's number and its size; of a slot that is free, which is free next. Slot 0 is nobody's. */
  #numbers = new Uint32Array(FIRST_SLOTS);
  #sizes = new Float64Array(FIRST_SLOTS);
  #slots = 1;
  #freeSlot = 0;

  /**
   * @param format The format's name.
   * @param where Says where the decoder is, for errors: `line 12`, `byte 4096`.
   * @param sink Where the events go; the columns of a trace by default.
   */
  constructor(format: string, where: () => string, options: BuilderOptions = {}, sink?: EventSink<Result>) {
    this.#sink = sink ?? new TraceColumns() as unknown as EventSink<Result>;
    this.#format = format;
    this.#where = where;
    this.#options = options;
    this.#mostEvents = options.mostEvents ?? MOST_EVENTS;
    this.#mostLive = options.mostLive ?? MOST_LIVE_BLOCKS;
  }

  /** Events so far, thread ends included. */
  get events(): number {
    return this.#events;
  }

  /** A malloc. @param id What it returned; null if it failed, which is not an event. */
  malloc(thread: number | string, id: BlockId | null, size: number): void {
    this.#allocate(EVENT.MALLOC, thread, id, size, 0);
  }

  /** A calloc. @param id What it returned; null if it failed, which is not an event. */
  calloc(thread: number | string, id: BlockId | null, count: number, size: number): void {
    this.#checkSize(count, id);
    this.#checkSize(size, id);
    this.#allocate(EVENT.CALLOC, thread, id, count * size, 0);
  }

  /** An aligned allocation. @param id What it returned; null if it failed, which is not an event. */
  aligned(thread: number | string, id: BlockId | null, alignment: number, size: number): void {
    const logarithm = Math.log2(alignment);
    if (!Number.isInteger(logarithm) || logarithm < 0 || alignment > LARGEST_ALIGNMENT) {
      this.fail(`alignment ${alignment} is not a power of two up to ${LARGEST_ALIGNMENT}`);
    }
    this.#allocate(EVENT.ALIGNED, thread, id, size, logarithm);
  }

  /**
   * A realloc. A realloc of null is an allocation.
   *
   * @param newId What it returned, which may be `oldId` again. Null is a free if the size is 0, and otherwise a failed
   * call, which is not an event: the block stays as it was.
   */
  realloc(thread: number | string, oldId: BlockId | null, newId: BlockId | null, size: number): void {
    if (oldId === null) return this.#allocate(EVENT.REALLOC, thread, newId, size, 0);
    this.#checkSize(size, newId);
    if (newId === null && size === 0) return this.free(thread, oldId);
    const slot = this.#live.get(oldId);
    if (slot === 0) {
      this.#unknown("realloc", oldId);
      return this.#allocate(EVENT.REALLOC, thread, newId, size, 0);
    }
    if (newId === null) {
      this.#failedCalls++;
      return;
    }
    if (newId !== oldId) {
      this.#live.take(oldId);
      if (this.isLive(newId)) this.#givenAgain(thread, newId, "realloc");
      this.#live.add(newId, slot);
    }
    const formerSize = this.#sizes[slot]!;
    this.#sizes[slot] = size;
    this.#add(EVENT.REALLOC, thread, slot, size, formerSize, 0);
  }

  /** A free; of null it does nothing, but is an event. */
  free(thread: number | string, id: BlockId | null): void {
    if (id === null) return this.#add(EVENT.FREE, thread, 0, 0, 0, 0);
    const slot = this.#live.take(id);
    if (slot === 0) return this.#unknown("free", id);
    this.#add(EVENT.FREE, thread, slot, 0, this.#sizes[slot]!, 0);
    this.#numbers[slot] = this.#freeSlot;
    this.#freeSlot = slot;
  }

  /** The end of a thread. What follows under the same name is another thread: systems use names again. */
  threadEnd(thread: number | string): void {
    this.#add(EVENT.THREAD_END, thread, 0, 0, 0, 0);
    this.#threads.delete(thread);
  }

  /** Whether a block of that name is live. */
  isLive(id: BlockId): boolean {
    return this.#live.get(id) !== 0;
  }

  /** Says how long the program ran. */
  ranFor(ran: RanFor): void {
    this.#ran = ran;
  }

  /** Says which stacks there are; more may be added to its columns until the end. */
  hasStacks(stacks: TraceStacks): void {
    this.#stacks = stacks;
    this.#sink.hasStacks?.(stacks);
  }

  /** Says which stack the next call has; 0 if none. */
  calledFrom(stack: number): void {
    this.#stack = stack;
  }

  /** Keeps a sentence for whoever reads the results. */
  remark(sentence: string): void {
    this.#remarks.push(sentence);
  }

  /** Says that the file ends before the trace does. */
  cutOff(): void {
    this.#isCut = true;
  }

  /** Says that the file's last line has no end: it is read as it is, and may be the beginning of one. */
  mayBeCutOff(): void {
    this.#isDoubtful = true;
  }

  /** Says that the file has all that it says it has, however its last line ends. */
  isWhole(): void {
    this.#isDoubtful = false;
  }

  /** Rejects the input. @param reason What is wrong; where is put before it. */
  fail(reason: string): never {
    throw new TraceError(`${this.#where()}: ${reason}`);
  }

  /** As {@linkcode finish}, of a file: one without an event is rejected. */
  finishFile(): Result {
    if (this.#events === 0) throw new TraceError("there is no event in it");
    return this.finish();
  }

  /** What the sink makes of it. The builder must not be used afterwards. */
  finish(): Result {
    const remarks = [...this.#remarks];
    const { unknownBlocks, unseenFrees } = { unknownBlocks: this.#unknownBlocks, unseenFrees: this.#unseenFrees };
    if (this.#isCut) {
      remarks.unshift(`the file is cut off: the trace ends after ${counted(this.#events, "event", "events")}`);
    }
    if (this.#isDoubtful && !this.#isCut) {
      remarks.unshift("its last line has no end, so the file may be cut off there; it is read as it is");
    }
    if (unknownBlocks > 0) {
      remarks.push(
        `${counted(unknownBlocks, "free or realloc", "frees or reallocs")} of blocks from before the trace: ` +
          "frees are left out, reallocs taken as allocations",
      );
    }
    if (unseenFrees > 0) {
      remarks.push(
        `${counted(unseenFrees, "address was", "addresses were")} given out again without a free in between: ` +
          "frees were added",
      );
    }
    return this.#sink.finish({
      format: this.#isCut ? `${this.#format}, cut off` : this.#format,
      blockCount: this.#blockCount,
      threadNames: this.#threadNames,
      failedCalls: this.#failedCalls,
      unknownBlocks,
      unseenFrees,
      remarks,
      ...(this.#ran === undefined ? {} : { ran: this.#ran }),
      ...(this.#stacks === undefined ? {} : { stacks: this.#stacks }),
    });
  }

  #allocate(kind: number, thread: number | string, id: BlockId | null, size: number, alignment: number): void {
    this.#checkSize(size, id);
    if (id === null) {
      this.#failedCalls++;
      return;
    }
    if (this.isLive(id)) this.#givenAgain(thread, id, "allocation");
    if (this.#live.size === this.#mostLive) this.fail(`more than ${this.#mostLive} live blocks`);
    const slot = this.#takeSlot();
    this.#numbers[slot] = ++this.#blockCount;
    this.#sizes[slot] = size;
    this.#live.add(id, slot);
    this.#add(kind, thread, slot, size, 0, alignment);
  }

  #takeSlot(): number {
    const free = this.#freeSlot;
    if (free !== 0) {
      this.#freeSlot = this.#numbers[free]!;
      return free;
    }
    if (this.#slots === this.#numbers.length) {
      this.#numbers = new Uint32Array(this.#numbers.buffer.transfer(2 * this.#numbers.byteLength));
      this.#sizes = new Float64Array(this.#sizes.buffer.transfer(2 * this.#sizes.byteLength));
    }
    return this.#slots++;
  }

  #unknown(call: string, id: BlockId): void {
    if (this.#options.partial === undefined) this.fail(`${call} of ${this.#shown(id)}, which is not live`);
    this.#unknownBlocks++;
  }

  #givenAgain(thread: number | string, id: BlockId, call: string): void {
    if (this.#options.partial !== "given") this.fail(`${call} gave ${this.#shown(id)}, which is live already`);
    this.#unseenFrees++;
    this.free(thread, id);
  }

  /** A call that failed may have asked for anything. */
  #checkSize(size: number, id: BlockId | null = 0): void {
    if (Number.isInteger(size) && size >= 0 && (id === null || size <= LARGEST_SIZE)) return;
    this.fail(`size ${size} is not a whole number up to ${LARGEST_SIZE}`);
  }

  #add(kind: number, thread: number | string, slot: number, size: number, formerSize: number, alignment: number): void {
    if (this.#events === this.#mostEvents) this.fail(`more than ${this.#mostEvents} events`);
    const block = slot === 0 ? NO_BLOCK : this.#numbers[slot]!;
    this.#sink.add(kind, this.#threadNumber(thread), block, slot, size, formerSize, alignment, this.#stack);
    this.#events++;
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

  /** A block's name as the trace has it. */
  #shown(id: BlockId): string {
    if (typeof id === "string" || this.#options.names === "decimal") return String(id);
    return `0x${id.toString(16)}`;
  }
}

function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}
