/**
 * From the addresses of the recorder's events to the blocks of a recording; makes up for what the recorder missed.
 *
 * @module
 */
import { RawStacks } from "./stacks.ts";
import { KIND, NOTE, PAUSED, type Stream } from "./stream.ts";
import type { RecordingWriter } from "../recording.ts";
import { MOST_LIVE_BLOCKS, MOST_THREADS } from "../../builder.ts";
import { EVENT } from "../../trace.ts";

const FREED = 1; // what a REALLOC_END without an address says instead of a size; 0 is that it failed
const ENDS = 1;
/** Events after which a thread that has ended does nothing more: what libc frees for it comes a few calls later. */
const LATE = 4096;

/** What had to be made up for. */
export interface BlockRepairs {
  /** Frees and reallocs of blocks whose allocation was not seen; the frees are left out. */
  readonly unknownBlocks: number;
  /** Blocks whose free was not seen, though their addresses were given out again. */
  readonly unseenFrees: number;
}

/** A block that is being reallocated; number 0 if its allocation was not seen. */
interface Moving {
  readonly address: number;
  readonly block: number;
  /** Whether recording was paused when it began. */
  readonly isPaused: boolean;
}

/** Turns addresses into blocks, and writes what happens to them. */
export class Blocks {
  readonly #writer: RecordingWriter;
  readonly #stacks: RawStacks;
  readonly #live = new Map<number, number>();
  /** By thread. More than one if a signal's handler reallocates. */
  readonly #moving = new Map<number, Moving[]>();
  /** Threads that have ended, and after how many events that is written. */
  readonly #ended: { readonly thread: number; readonly at: number }[] = [];
  #events = 0;
  #unknownBlocks = 0;
  #unseenFrees = 0;

  /** @param writer Gets the events. */
  constructor(writer: RecordingWriter) {
    this.#writer = writer;
    this.#stacks = new RawStacks(writer);
  }

  /** Whether a trace can have no more: of blocks at once, of threads, or of stacks. */
  get isFull(): boolean {
    return this.#live.size >= MOST_LIVE_BLOCKS || this.#writer.threads >= MOST_THREADS || this.#stacks.isFull;
  }

  /** What had to be made up for so far. */
  get repairs(): BlockRepairs {
    return { unknownBlocks: this.#unknownBlocks, unseenFrees: this.#unseenFrees };
  }

  /** Writes what the stream's present event means. */
  event({ kind, thread, detail, address, size, stack: number, content }: Stream): void {
    const writer = this.#writer, isPaused = detail === PAUSED, stack = number === 0 ? 0 : this.#stacks.nodeOf(number);
    this.#events++;
    while (this.#ended[0] !== undefined && this.#ended[0].at <= this.#events) {
      writer.threadEnd(this.#ended.shift()!.thread);
    }
    switch (kind) {
      case KIND.MALLOC:
        this.#vacate(thread, address);
        this.#live.set(address, writer.allocation(EVENT.MALLOC, thread, size, stack));
        break;
      case KIND.CALLOC:
        this.#vacate(thread, address);
        this.#live.set(address, writer.allocation(EVENT.CALLOC, thread, size, stack));
        break;
      case KIND.ALIGNED:
        this.#vacate(thread, address);
        this.#live.set(address, writer.aligned(thread, detail, size, stack));
        break;
      case KIND.FREE:
        this.#free(thread, this.#take(address), isPaused);
        break;
      case KIND.REALLOC_BEGIN:
        this.#movingOf(thread).push({ address, block: this.#take(address), isPaused });
        break;
      case KIND.REALLOC_END:
        this.#moved(thread, address, size, stack);
        break;
      case KIND.NOTE:
        if (detail === NOTE.MODULE) this.#stacks.module(content);
        else if (detail === NOTE.STACK) this.#stacks.stack(content);
        else if (size === ENDS) this.#ended.push({ thread, at: this.#events + LATE });
    }
  }

  /** There are no more events. */
  finish(): void {
    for (const { thread } of this.#ended.splice(0)) this.#writer.threadEnd(thread);
  }

  #moved(thread: number, address: number, size: number, stack: number): void {
    const moving = this.#movingOf(thread).pop();
    if (moving === undefined) return; // it began before the recording did
    const { block, isPaused } = moving;
    if (address === 0) {
      if (size === FREED) this.#free(thread, block, isPaused);
      else if (block !== 0) this.#live.set(moving.address, block);
      return;
    }
    this.#vacate(thread, address);
    if (block !== 0) {
      this.#writer.realloc(thread, block, size, stack);
      this.#live.set(address, block);
    } else if (!isPaused) {
      this.#unknownBlocks++;
      this.#live.set(address, this.#writer.allocation(EVENT.MALLOC, thread, size, stack));
    }
  }

  /** The block at an address, which is then no longer there; 0 if none is known. */
  #take(address: number): number {
    const block = this.#live.get(address) ?? 0;
    this.#live.delete(address);
    return block;
  }

  /** @param isPaused Whether recording was paused: then a block that is not known was not to be recorded. */
  #free(thread: number, block: number, isPaused: boolean): void {
    if (block !== 0) this.#writer.free(thread, block);
    else if (!isPaused) this.#unknownBlocks++;
  }

  /** Frees what is known to be at an address at which there is another block now. */
  #vacate(thread: number, address: number): void {
    const block = this.#take(address);
    if (block === 0) return;
    this.#unseenFrees++;
    this.#writer.free(thread, block);
  }

  #movingOf(thread: number): Moving[] {
    let moving = this.#moving.get(thread);
    if (moving === undefined) this.#moving.set(thread, moving = []);
    return moving;
  }
}
