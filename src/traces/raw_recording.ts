/**
 * The files that `native/recorder.c` leaves, one for each program that a process was; their format is described there.
 * Here the buffers of the threads are merged into one order, and addresses become blocks, so that the recording that is
 * made from it holds none. Memory is bounded by the number of buffers and of live blocks.
 *
 * What the recorder has not seen is made up for, and counted: a free of a block that was allocated before the recording
 * began (in the parent of a forked process, mostly) is left out, and a block whose address is given out again has been
 * freed unseen.
 *
 * `record` does this when the program has ended. Where nobody was left to do it, since all were killed, the files can be read
 * as traces themselves.
 *
 * @module
 */
import { MOST_EVENTS } from "./builder.ts";
import type { TraceFormat } from "./format.ts";
import { recording, RecordingWriter } from "./recording.ts";
import { EVENT, TraceError } from "./trace.ts";

/** How such a file begins. */
const MAGIC = "hkmeraw1";
const FILE_MAGIC = 0x31776172656d6b68n;
const CHUNK_MAGIC = 0x6b6e756863656d68n;
const FILE_HEADER = { PID: 8, FORKED: 12, STOPPED: 16, END: 24, LOST: 32, PROGRAM: 40, USED: 296, BYTES: 65536 };
const CHUNK_HEADER = { BYTES: 8, BUFFER: 12, USED: 32 };
const MOST_CHUNK_BYTES = 2 ** 18;
const KIND = { MALLOC: 1, CALLOC: 2, ALIGNED: 3, FREE: 4, REALLOC_BEGIN: 5, REALLOC_END: 6, THREAD: 7 };
const WIDE = 8;
const FREED = 1; // what a REALLOC_END without an address says in place of a size; 0 is that it failed
const ENDS = 1;
const PAUSE = 2 ** 18; // events, some tens of milliseconds

/** The format. */
export const rawRecording: TraceFormat = {
  name: "hakmem raw",
  description: "what the recorder of hakmem's record leaves if record is killed",
  recognises: (head) => head.startsWith(MAGIC),
  decode: (bytes) => {
    const parts: Uint8Array[] = [];
    const writer = new RecordingWriter((part) => parts.push(part.slice()));
    const read: ReadAt = (at, length) => {
      const part = new Uint8Array(length);
      part.set(bytes.subarray(at, at + length));
      return part;
    };
    for (const _ of new RawRecording(read).convert(writer));
    writer.finish();
    return { ...recording.decode(joined(parts)), format: rawRecording.name };
  },
};

/** What a recorder says about itself. */
export interface RawHeader {
  readonly pid: number;
  /** Whether it began in a fork of another process, in the midst of a program. */
  readonly forked: boolean;
  /** The system's error number, if the recorder stopped before the process did; else 0. */
  readonly stopped: number;
  /** Calls that were not recorded, because a signal had interrupted the recorder. */
  readonly lost: number;
  /** The name of the executable. */
  readonly program: string;
}

/** What had to be made up for. */
export interface Repairs {
  /** Frees and reallocs of blocks whose allocation was not seen; the frees are left out. */
  readonly unknownBlocks: number;
  /** Blocks whose free was not seen, though their addresses were given out again. */
  readonly unseenFrees: number;
  /** Whether there were more events than a trace may have; those are left out. */
  readonly cut: boolean;
}

/** Gives bytes of a file from some place, and zeros behind its end. */
export type ReadAt = (at: number, length: number) => Uint8Array<ArrayBuffer>;

/** One of the recorder's files. */
export class RawRecording {
  readonly header: RawHeader;
  readonly #read: ReadAt;
  readonly #streams: readonly Stream[];
  /** The events whose numbers are below count. */
  readonly #end: number;

  /** @throws TraceError if it is none of the recorder's files. */
  constructor(read: ReadAt) {
    this.#read = read;
    const bytes = read(0, FILE_HEADER.USED);
    const view = new DataView(bytes.buffer);
    // All zeros where a process was killed while it made the file.
    if (![0n, FILE_MAGIC].includes(view.getBigUint64(0, true))) {
      throw new TraceError("byte 0: not a file of the recorder");
    }
    const name = bytes.subarray(FILE_HEADER.PROGRAM, bytes.indexOf(0, FILE_HEADER.PROGRAM));
    this.header = {
      pid: view.getUint32(FILE_HEADER.PID, true),
      forked: view.getUint32(FILE_HEADER.FORKED, true) !== 0,
      stopped: view.getUint32(FILE_HEADER.STOPPED, true),
      lost: Number(view.getBigUint64(FILE_HEADER.LOST, true)),
      program: new TextDecoder().decode(name),
    };
    this.#end = this.header.stopped === 0 ? Infinity : Number(view.getBigUint64(FILE_HEADER.END, true));
    this.#streams = this.#findStreams();
  }

  /** Writes the events, in their order. Yields now and then the share of the file that is done, from 0 to 1. */
  *convert(writer: RecordingWriter): Generator<number, Repairs> {
    const blocks = new Blocks(writer);
    const queue = new StreamQueue(this.#streams.filter((stream) => stream.advance()));
    const chunks = this.#streams.reduce((sum, { chunks }) => sum + chunks, 0);
    let events = 0, cut = false;
    for (let stream = queue.first; stream !== undefined; stream = queue.first) {
      if (stream.sequence >= this.#end) break;
      cut = writer.events >= MOST_EVENTS;
      if (cut) break;
      blocks.event(stream);
      if (stream.advance()) queue.moveFirst();
      else queue.removeFirst();
      if (++events % PAUSE === 0) yield this.#streams.reduce((sum, { read }) => sum + read, 0) / chunks;
    }
    return { ...blocks.repairs, cut };
  }

  /** The buffers: which chunks are whose. Ends at the first part that is no chunk: it was about to be one. */
  #findStreams(): Stream[] {
    const chunks: Chunk[][] = [];
    for (let at = FILE_HEADER.BYTES;;) {
      const bytes = this.#read(at, CHUNK_HEADER.USED);
      const view = new DataView(bytes.buffer);
      if (view.getBigUint64(0, true) !== CHUNK_MAGIC) break;
      const length = view.getUint32(CHUNK_HEADER.BYTES, true);
      const buffer = view.getUint32(CHUNK_HEADER.BUFFER, true);
      if (length <= CHUNK_HEADER.USED || length > MOST_CHUNK_BYTES || length % 8 !== 0 || buffer > chunks.length) {
        throw new TraceError(`byte ${at}: a chunk of ${length} bytes in buffer ${buffer} cannot be`);
      }
      (chunks[buffer] ??= []).push({ at, length });
      at += length;
    }
    return chunks.map((each) => new Stream(each, ({ at, length }) => this.#read(at, length)));
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Where a part of a file is. */
interface Chunk {
  readonly at: number;
  readonly length: number;
}

/** The events of a buffer, of which one is the present one. */
class Stream {
  readonly #chunks: readonly Chunk[];
  readonly #load: (chunk: Chunk) => Uint8Array<ArrayBuffer>;
  #words = new Uint32Array();
  #at = 0;
  #loaded = 0;

  sequence = 0;
  kind = 0;
  /** Log2. */
  alignment = 0;
  address = 0;
  size = 0;
  /** Who writes the buffer. */
  thread = 0;

  constructor(chunks: readonly Chunk[], load: (chunk: Chunk) => Uint8Array<ArrayBuffer>) {
    this.#chunks = chunks;
    this.#load = load;
  }

  get chunks(): number {
    return this.#chunks.length;
  }

  /** Chunks that were read, the present one included. */
  get read(): number {
    return this.#loaded;
  }

  /** Makes the next event the present one; says whether there is one. */
  advance(): boolean {
    const words = this.#words, at = this.#at;
    const low = words[at] ?? 0, high = words[at + 1] ?? 0;
    const kind = low & 7, isWide = (low & WIDE) !== 0;
    const next = at + (isWide ? 6 : 4);
    if (kind === 0 || next > words.length) return this.#nextChunk();
    const addressLow = words[at + 2]!, addressHigh = words[at + 3]!;
    this.kind = kind;
    this.alignment = (low >>> 4) & 63;
    this.sequence = high * 2 ** 22 + (low >>> 10);
    if (isWide) {
      this.address = addressHigh * 2 ** 32 + addressLow;
      this.size = words[at + 5]! * 2 ** 32 + words[at + 4]!;
    } else {
      this.address = (addressHigh & 0xffff) * 2 ** 32 + addressLow;
      this.size = addressHigh >>> 16;
    }
    this.#at = next;
    if (kind === KIND.THREAD) this.thread = this.address;
    return true;
  }

  #nextChunk(): boolean {
    const chunk = this.#chunks[this.#loaded];
    if (chunk === undefined) return false;
    this.#loaded++;
    const bytes = this.#load(chunk);
    this.#words = new Uint32Array(bytes.buffer, 0, bytes.length >>> 2);
    this.#at = CHUNK_HEADER.USED / 4;
    return this.advance();
  }
}

/** Streams by their present events: a binary heap. */
class StreamQueue {
  readonly #streams: Stream[] = [];

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
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= streams.length) break;
      if (child + 1 < streams.length && streams[child + 1]!.sequence < streams[child]!.sequence) child++;
      if (streams[child]!.sequence > moved.sequence) break;
      streams[place] = streams[child]!;
      place = child;
    }
    streams[place] = moved;
  }

  removeFirst(): void {
    const last = this.#streams.pop()!;
    if (this.#streams.length === 0) return;
    this.#streams[0] = last;
    this.moveFirst();
  }
}

/** A block that is being reallocated; number 0 if its allocation was not seen. */
interface Moving {
  readonly address: number;
  readonly block: number;
}

/** Turns addresses into blocks. */
class Blocks {
  readonly #writer: RecordingWriter;
  readonly #live = new Map<number, number>();
  /** By thread. More than one if a signal's handler reallocates. */
  readonly #moving = new Map<number, Moving[]>();
  #unknownBlocks = 0;
  #unseenFrees = 0;

  constructor(writer: RecordingWriter) {
    this.#writer = writer;
  }

  get repairs(): Omit<Repairs, "cut"> {
    return { unknownBlocks: this.#unknownBlocks, unseenFrees: this.#unseenFrees };
  }

  event({ kind, thread, alignment, address, size }: Stream): void {
    const writer = this.#writer;
    switch (kind) {
      case KIND.MALLOC:
        this.#vacate(thread, address);
        this.#live.set(address, writer.allocation(EVENT.MALLOC, thread, size));
        break;
      case KIND.CALLOC:
        this.#vacate(thread, address);
        this.#live.set(address, writer.allocation(EVENT.CALLOC, thread, size));
        break;
      case KIND.ALIGNED:
        this.#vacate(thread, address);
        this.#live.set(address, writer.aligned(thread, alignment, size));
        break;
      case KIND.FREE:
        this.#free(thread, this.#take(address));
        break;
      case KIND.REALLOC_BEGIN:
        this.#movingOf(thread).push({ address, block: this.#take(address) });
        break;
      case KIND.REALLOC_END:
        this.#moved(thread, address, size);
        break;
      case KIND.THREAD:
        if (size === ENDS) writer.threadEnd(thread);
    }
  }

  #moved(thread: number, address: number, size: number): void {
    const moving = this.#movingOf(thread).pop();
    if (moving === undefined) return; // it began before the recording did
    const { block } = moving;
    if (address === 0) {
      if (size === FREED) this.#free(thread, block);
      else if (block !== 0) this.#live.set(moving.address, block);
      return;
    }
    this.#vacate(thread, address);
    if (block === 0) {
      this.#unknownBlocks++;
      this.#live.set(address, this.#writer.allocation(EVENT.MALLOC, thread, size));
    } else {
      this.#writer.realloc(thread, block, size);
      this.#live.set(address, block);
    }
  }

  /** The block at an address, which is then no longer there; 0 if none is known. */
  #take(address: number): number {
    const block = this.#live.get(address) ?? 0;
    this.#live.delete(address);
    return block;
  }

  #free(thread: number, block: number): void {
    if (block === 0) this.#unknownBlocks++;
    else this.#writer.free(thread, block);
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
