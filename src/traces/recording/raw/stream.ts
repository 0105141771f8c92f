/**
 * The events in the recorder's buffers, one buffer a stream, and the queue that makes one order of them: of the streams'
 * present events, the one with the lowest number comes next. What the bits of an event are is drawn in
 * `native/recorder.c`.
 *
 * @module
 */

/** The kinds of events. */
export const KIND = { MALLOC: 1, CALLOC: 2, ALIGNED: 3, FREE: 4, REALLOC_BEGIN: 5, REALLOC_END: 6, NOTE: 7 };
/** What a note is, in its detail. */
export const NOTE = { THREAD: 0, STACK: 1, MODULE: 2 };
/** The detail of a free or a realloc while recording is paused. */
export const PAUSED = 1;
const WIDE = 8, HAS_STACK = 1 << 9;

/** The chunks that a buffer consists of, in bytes: where the parts of their header are, its length, and that of all. */
export const CHUNK = { LENGTH: 8, BUFFER: 12, INDEX: 16, APPENDED: 20, HEADER_BYTES: 40, BYTES: 65_536 };

/** Where the event ends that begins at a word of a chunk; 0 if none does. */
export function behindEvent(words: Uint32Array, at: number): number {
  const low = words[at] ?? 0;
  const length = hasContent(low) ? 4 + 2 * words[at + 2]! : 4 + ((low & WIDE) === 0 ? 0 : 2) + stackWords(low);
  return (low & 7) === 0 || at + length > words.length ? 0 : at + length;
}

/** Whether the first word is that of a note that says how many words follow. */
function hasContent(low: number): boolean {
  return (low & 7) === KIND.NOTE && detailOf(low) !== NOTE.THREAD;
}

function detailOf(low: number): number {
  return (low >>> 4) & 31;
}

function stackWords(low: number): number {
  return (low & HAS_STACK) === 0 ? 0 : 2;
}

/** The events of a buffer, one of which is the present one. */
export class Stream {
  readonly #chunks: readonly (() => Uint8Array<ArrayBuffer>)[];
  #words = new Uint32Array();
  #at = 0;
  #loaded = 0;

  /** Of the present event, as all that follows: its number in the order of all threads. */
  sequence = 0;
  /** Of {@link KIND}. */
  kind = 0;
  /** Of an aligned allocation the log2 of the alignment, of a free or a realloc {@link PAUSED}; of a note what it is. */
  detail = 0;
  address = 0;
  size = 0;
  /** The number of its stack; 0 if it has none. */
  stack = 0;
  /** What follows a note about a stack or a module. */
  content = new Uint32Array();
  /** Who writes the buffer. */
  thread = 0;

  /** @param chunks Each reads one. There is no present event before `advance`. */
  constructor(chunks: readonly (() => Uint8Array<ArrayBuffer>)[]) {
    this.#chunks = chunks;
  }

  /** How many there are. */
  get chunks(): number {
    return this.#chunks.length;
  }

  /** Chunks that were read, the present one included. */
  get read(): number {
    return this.#loaded;
  }

  /** Makes the next event the present one; says whether there is one. */
  advance(): boolean {
    let next = behindEvent(this.#words, this.#at);
    for (; next === 0; next = behindEvent(this.#words, this.#at)) if (!this.#nextChunk()) return false;
    const words = this.#words, at = this.#at;
    const low = words[at]!, high = words[at + 1]!, kind = low & 7, isWide = (low & WIDE) !== 0;
    const addressLow = words[at + 2]!, addressHigh = words[at + 3]!;
    this.kind = kind;
    this.detail = detailOf(low);
    this.sequence = high * 2 ** 22 + (low >>> 10);
    this.stack = stackWords(low) === 0 ? 0 : words[next - 2]!;
    if (hasContent(low)) {
      this.content = words.subarray(at + 4, next);
    } else if (isWide) {
      this.address = addressHigh * 2 ** 32 + addressLow;
      this.size = words[at + 5]! * 2 ** 32 + words[at + 4]!;
    } else {
      this.address = (addressHigh & 0xffff) * 2 ** 32 + addressLow;
      this.size = addressHigh >>> 16;
    }
    this.#at = next;
    if (kind === KIND.NOTE && this.detail === NOTE.THREAD) this.thread = this.address;
    return true;
  }

  #nextChunk(): boolean {
    const load = this.#chunks[this.#loaded];
    if (load === undefined) return false;
    this.#loaded++;
    this.#words = new Uint32Array(load().buffer);
    this.#at = CHUNK.HEADER_BYTES / 4;
    return true;
  }
}

/** Streams by their present events: a binary heap. */
export class StreamQueue {
  readonly #streams: Stream[] = [];

  /** @param streams All with a present event. */
  constructor(streams: readonly Stream[]) {
    // Sorted is a heap, too.
    this.#streams = streams.toSorted((a, b) => a.sequence - b.sequence);
  }

  /** The one whose event comes first. */
  get first(): Stream | undefined {
    return this.#streams[0];
  }

  /** Puts the first one in its place after it has advanced. */
  moveFirst(): void {
    const streams = this.#streams, moved = streams[0]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= streams.length) break;
      if (child + 1 < streams.length && streams[child + 1]!.sequence < streams[child]!.sequence) child++;
      if (streams[child]!.sequence > moved.sequence) break;
      streams[at] = streams[child]!;
      at = child;
    }
    streams[at] = moved;
  }

  /** Removes the first one, which has ended. */
  removeFirst(): void {
    const last = this.#streams.pop()!;
    if (this.#streams.length === 0) return;
    this.#streams[0] = last;
    this.moveFirst();
  }
}
