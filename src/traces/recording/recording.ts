/**
 * Our own format, which `record` writes: what a program asked of malloc, without an address. About one byte an event.
 *
 *     "hakmem recording 1\n"      or 2, and a line of JSON: what is known of the program, `{"wallSeconds":0.25}`
 *     frame ...               each is its length, 32 bits little-endian, and that many bytes of gzip
 *     0, as a length          the end
 *
 * So a file that was cut off can be read up to its last whole frame, and gzip's checksum finds damage in each. What
 * comes out of the frames, one after the other, is a stream of events:
 *
 *     byte        kind, of `EVENT`; plus 8 if another thread does it than the last event's, whose number follows
 *     byte        of aligned: log2 of the alignment
 *     number      of realloc and free: the block, as the number of allocations since it was made, 1 for the last one; one
 *                 made before the first is the null pointer, whose realloc is an allocation
 *     number      of malloc, calloc, aligned and realloc: size
 *
 * A number has 7 bits a byte, the low ones first, and 128 added to each byte but the last. Allocations number the
 * blocks, and a realloc keeps the number. The state (thread, allocations) goes on from frame to frame.
 *
 * @module
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { TraceBuilder } from "../builder.ts";
import type { Content } from "../files/content.ts";
import type { TraceFormat } from "../formats/format.ts";
import { EVENT, type EventSink, NO_BLOCK, type RanFor, TraceError } from "../trace.ts";

const MAGIC = "hakmem recording 1\n", MAGIC_WITH_FACTS = "hakmem recording 2\n";
const MOST_FACT_BYTES = 4096;
const LENGTH_BYTES = 4;
const OTHER_THREAD = 8;
const FRAME_BYTES = 2 ** 18; // small enough to lose, large enough to be compressed well
const MOST_FRAME_BYTES = 2 * FRAME_BYTES; // of a frame of ours; protects from what is not one
const LONGEST_EVENT = 32;
const LONGEST_NUMBER = 7; // bytes: 2^49 is more than any address space has

/** The format. */
export const recording: TraceFormat = {
  name: "hakmem",
  description: "what hakmem's record writes",
  recognises: (head) => head.startsWith(MAGIC) || head.startsWith(MAGIC_WITH_FACTS),
  decode: (content, sink) => decodeRecording(recording.name, content, sink),
};

/** Writes a recording, event by event; blocks are named by the numbers that allocations return. */
export class RecordingWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #frameBytes: number;
  readonly #frame: Uint8Array;
  #used = 0;
  #thread = 0;
  #blocks = 0;
  #events = 0;

  /**
   * @param write Takes bytes in the order of the file.
   * @param ran How long the program ran, if that is known.
   * @param frameBytes What a frame holds; less than usual is for tests.
   */
  constructor(write: (bytes: Uint8Array) => void, ran?: RanFor, frameBytes = FRAME_BYTES) {
    this.#write = write;
    this.#frameBytes = frameBytes;
    this.#frame = new Uint8Array(frameBytes + LONGEST_EVENT);
    write(new TextEncoder().encode(ran === undefined ? MAGIC : `${MAGIC_WITH_FACTS}${JSON.stringify(ran)}\n`));
  }

  /** Events so far. */
  get events(): number {
    return this.#events;
  }

  /** Writes a malloc, or a calloc of so many bytes in all; returns the block's number. */
  allocation(kind: typeof EVENT.MALLOC | typeof EVENT.CALLOC, thread: number, size: number): number {
    this.#begin(kind, thread);
    this.#number(size);
    return this.#end(++this.#blocks);
  }

  /** Writes an aligned allocation; returns the block's number. @param logarithm To base 2, of the alignment. */
  aligned(thread: number, logarithm: number, size: number): number {
    this.#begin(EVENT.ALIGNED, thread);
    this.#frame[this.#used++] = logarithm;
    this.#number(size);
    return this.#end(++this.#blocks);
  }

  /** Writes a realloc, after which the block has that size; of block 0, the null pointer, it is an allocation. */
  realloc(thread: number, block: number, size: number): void {
    this.#begin(EVENT.REALLOC, thread);
    this.#number(this.#blocks + 1 - block);
    this.#number(size);
    if (block === NO_BLOCK) this.#blocks++;
    this.#end();
  }

  /** Writes a free; that of block 0, the null pointer, does nothing. */
  free(thread: number, block: number): void {
    this.#begin(EVENT.FREE, thread);
    this.#number(this.#blocks + 1 - block);
    this.#end();
  }

  /** Writes the end of a thread. */
  threadEnd(thread: number): void {
    this.#begin(EVENT.THREAD_END, thread);
    this.#end();
  }

  /** Writes what is left, and the mark of the end. */
  finish(): void {
    this.#writeFrame();
    this.#write(new Uint8Array(LENGTH_BYTES));
  }

  #begin(kind: number, thread: number): void {
    const isOther = thread !== this.#thread;
    this.#frame[this.#used++] = isOther ? kind + OTHER_THREAD : kind;
    if (isOther) this.#number(thread);
    this.#thread = thread;
  }

  #number(value: number): void {
    while (value >= 128) {
      this.#frame[this.#used++] = value % 128 + 128;
      value = Math.floor(value / 128);
    }
    this.#frame[this.#used++] = value;
  }

  #end(block = 0): number {
    this.#events++;
    if (this.#used >= this.#frameBytes) this.#writeFrame();
    return block;
  }

  #writeFrame(): void {
    if (this.#used === 0) return;
    const packed = gzipSync(this.#frame.subarray(0, this.#used));
    const length = new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, packed.length, true);
    this.#write(length);
    this.#write(packed);
    this.#used = 0;
  }
}

/** Decodes a recording, as of the format `name`. */
export function decodeRecording<Result>(name: string, content: Content, sink: EventSink<Result>): Result {
  const reader = new Reader(content.whole());
  const builder = new TraceBuilder<Result>(name, reader.where, { names: "decimal" }, sink);
  if (reader.ran !== undefined) builder.ranFor(reader.ran);
  let thread = 0, blocks = 0;
  for (let tag = reader.tag(); tag !== undefined; tag = reader.tag()) {
    if (tag >= OTHER_THREAD) thread = reader.number(builder);
    const kind = tag % OTHER_THREAD;
    switch (kind) {
      case EVENT.MALLOC:
        builder.malloc(thread, ++blocks, reader.number(builder));
        break;
      case EVENT.CALLOC:
        builder.calloc(thread, ++blocks, 1, reader.number(builder));
        break;
      case EVENT.ALIGNED:
        builder.aligned(thread, ++blocks, 2 ** reader.byte(builder), reader.number(builder));
        break;
      case EVENT.REALLOC: {
        const block = blocks + 1 - reader.number(builder), isNull = block === NO_BLOCK;
        builder.realloc(thread, isNull ? null : block, isNull ? ++blocks : block, reader.number(builder));
        break;
      }
      case EVENT.FREE: {
        const block = blocks + 1 - reader.number(builder);
        builder.free(thread, block === NO_BLOCK ? null : block);
        break;
      }
      case EVENT.THREAD_END:
        builder.threadEnd(thread);
        break;
      default:
        builder.fail(`${tag} is not the kind of an event`);
    }
  }
  if (!reader.isWhole) builder.cutOff();
  return builder.finishFile();
}

/** The bytes of the frames' content, one after the other. */
class Reader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #frame: Uint8Array = new Uint8Array();
  #start = 0; // of the frame in the file
  #next: number; // frame in the file
  #at = 0; // in the frame
  #isWhole = false;
  /** How long the program ran, if the file says so. */
  readonly ran: RanFor | undefined;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#next = MAGIC.length;
    if (new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) === MAGIC) return;
    const end = bytes.subarray(0, MOST_FACT_BYTES).indexOf(10, MAGIC.length); // a line feed
    if (end < 0) throw new TraceError("line 2: it does not end");
    this.ran = parseRan(new TextDecoder().decode(bytes.subarray(MAGIC.length, end)));
    this.#next = end + 1;
  }

  /** Whether the mark of the end was there. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  readonly where = (): string => `byte ${this.#start}, ${this.#at} in what it holds`;

  /** The first byte of an event; undefined where the events end. */
  tag(): number | undefined {
    return this.#at < this.#frame.length || this.#readFrame() ? this.#frame[this.#at++] : undefined;
  }

  byte(builder: Pick<TraceBuilder, "fail">): number {
    const byte = this.#frame[this.#at++];
    return byte === undefined ? builder.fail("the event is cut off") : byte;
  }

  number(builder: Pick<TraceBuilder, "fail">): number {
    let value = 0;
    for (let index = 0, weight = 1; index < LONGEST_NUMBER; index++, weight *= 128) {
      const byte = this.byte(builder);
      if (byte < 128) return value + byte * weight;
      value += (byte - 128) * weight;
    }
    return builder.fail(`a number has more than ${LONGEST_NUMBER} bytes`);
  }

  #readFrame(): boolean {
    const start = this.#next + LENGTH_BYTES;
    if (start > this.#bytes.length) return false;
    const length = this.#view.getUint32(this.#next, true);
    this.#start = this.#next;
    this.#at = 0;
    if (length === 0) {
      this.#isWhole = true;
      if (start !== this.#bytes.length) throw new TraceError(`byte ${start}: there is something behind the end`);
      return false;
    }
    if (start + length > this.#bytes.length) return false;
    try {
      this.#frame = gunzipSync(this.#bytes.subarray(start, start + length), { maxOutputLength: MOST_FRAME_BYTES });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TraceError(`byte ${start}: the frame is damaged (${reason})`, { cause });
    }
    if (this.#frame.length === 0) throw new TraceError(`byte ${start}: there is nothing in the frame`);
    this.#next = start + length;
    return true;
  }
}

function parseRan(line: string): RanFor {
  try {
    const { wallSeconds, processorSeconds } = JSON.parse(line);
    const isTime = (value: unknown) => typeof value === "number" && value > 0 && Number.isFinite(value);
    if (isTime(wallSeconds)) return { wallSeconds, ...(isTime(processorSeconds) ? { processorSeconds } : {}) };
  } catch {
    // It is not JSON.
  }
  throw new TraceError("line 2: not what is known of a program");
}
