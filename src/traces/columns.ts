/**
 * The sink that makes a trace: the events in columns, 24 bytes each, which grow as they fill.
 *
 * @module
 */
import type { EventSink, Trace, TraceFacts } from "./trace.ts";

const FIRST_CAPACITY = 2 ** 12;

/** See the module. */
export class TraceColumns implements EventSink<Trace> {
  #length = 0;
  #kinds = new Uint8Array(FIRST_CAPACITY);
  #threads = new Uint16Array(FIRST_CAPACITY);
  #blocks = new Uint32Array(FIRST_CAPACITY);
  #sizes = new Float64Array(FIRST_CAPACITY);
  #formerSizes = new Float64Array(FIRST_CAPACITY);
  #alignments = new Uint8Array(FIRST_CAPACITY);
  #callers: Uint32Array<ArrayBuffer> | undefined;

  /** Says that events may have stacks, for which there is a column then. */
  hasStacks(): void {
    this.#callers = new Uint32Array(this.#kinds.length);
  }

  /** Adds an event; columns name blocks by their numbers. */
  add(
    kind: number,
    thread: number,
    block: number,
    _slot: number,
    size: number,
    formerSize: number,
    alignment: number,
    stack = 0,
  ): void {
    const event = this.#length++;
    if (event === this.#kinds.length) this.#resize(2 * event);
    this.#kinds[event] = kind;
    this.#threads[event] = thread;
    this.#blocks[event] = block;
    this.#sizes[event] = size;
    this.#formerSizes[event] = formerSize;
    this.#alignments[event] = alignment;
    if (this.#callers !== undefined) this.#callers[event] = stack;
  }

  /** The trace. */
  finish(facts: TraceFacts): Trace {
    this.#resize(this.#length);
    return {
      ...facts,
      length: this.#length,
      kinds: this.#kinds,
      threads: this.#threads,
      blocks: this.#blocks,
      sizes: this.#sizes,
      formerSizes: this.#formerSizes,
      alignments: this.#alignments,
      ...(this.#callers === undefined ? {} : { callers: this.#callers }),
    };
  }

  #resize(capacity: number): void {
    this.#kinds = resized(this.#kinds, Uint8Array, capacity);
    this.#threads = resized(this.#threads, Uint16Array, capacity);
    this.#blocks = resized(this.#blocks, Uint32Array, capacity);
    this.#sizes = resized(this.#sizes, Float64Array, capacity);
    this.#formerSizes = resized(this.#formerSizes, Float64Array, capacity);
    this.#alignments = resized(this.#alignments, Uint8Array, capacity);
    if (this.#callers !== undefined) this.#callers = resized(this.#callers, Uint32Array, capacity);
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
