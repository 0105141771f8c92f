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
import { joined } from "./bytes.ts";
import { Content } from "./content.ts";
import type { TraceFormat } from "./format.ts";
import { type BlockRepairs, Blocks } from "./raw_blocks.ts";
import { behindEvent, CHUNK, Stream, StreamQueue } from "./raw_stream.ts";
import { decodeRecording, RecordingWriter } from "./recording.ts";
import { TraceError } from "./trace.ts";

/** How such a file begins. */
const MAGIC = "hkmeraw2";
const FILE_MAGIC = 0x32776172656d6b68n;
const CHUNK_MAGIC = 0x6b6e756863656d68n;
const FILE_HEADER = { PID: 8, FORKED: 12, STOPPED: 16, END: 24, LOST: 32, PROGRAM: 40, USED: 296, BYTES: 65536 };
const PAUSE = 2 ** 18; // events, some tens of milliseconds

/** The format. */
export const rawRecording: TraceFormat = {
  name: "hakmem raw",
  description: "what the recorder of hakmem's record leaves if record is killed",
  recognises: (head) => head.startsWith(MAGIC),
  decode: (content, sink) => {
    const bytes = content.whole(), parts: Uint8Array[] = [];
    const writer = new RecordingWriter((part) => parts.push(part.slice()));
    const read: ReadAt = (at, length) => {
      const part = new Uint8Array(length);
      part.set(bytes.subarray(at, at + length));
      return part;
    };
    for (const _ of new RawRecording(read).convert(writer));
    writer.finish();
    return decodeRecording(rawRecording.name, Content.of(joined(parts)), sink);
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
export interface Repairs extends BlockRepairs {
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
    // All zeros where a process was killed while it made the file.
    if (![0n, FILE_MAGIC].includes(new DataView(read(0, FILE_HEADER.USED).buffer).getBigUint64(0, true))) {
      throw new TraceError("byte 0: not a file of the recorder");
    }
    this.#streams = this.#findStreams();
    // Afterwards: if it stops while it is read, that is known.
    const bytes = read(0, FILE_HEADER.USED), view = new DataView(bytes.buffer);
    const name = bytes.subarray(FILE_HEADER.PROGRAM, bytes.indexOf(0, FILE_HEADER.PROGRAM));
    this.header = {
      pid: view.getUint32(FILE_HEADER.PID, true),
      forked: view.getUint32(FILE_HEADER.FORKED, true) !== 0,
      stopped: view.getUint32(FILE_HEADER.STOPPED, true),
      lost: Number(view.getBigUint64(FILE_HEADER.LOST, true)),
      program: new TextDecoder().decode(name),
    };
    this.#end = this.header.stopped === 0 ? Infinity : Number(view.getBigUint64(FILE_HEADER.END, true));
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
    if (!cut) blocks.finish();
    return { ...blocks.repairs, cut };
  }

  /**
   * The buffers: which chunks are whose. A process that is still running goes on to empty its windows, so these are read
   * first, and then the copies: all that were made before are found.
   */
  #findStreams(): Stream[] {
    const windows = new Map<number, Window>();
    for (const { at, buffer } of this.#chunksFrom(FILE_HEADER.BYTES)) {
      if (!windows.has(buffer)) windows.set(buffer, this.#windowAt(at));
    }
    const copies = new Map([...windows.keys()].map((buffer) => [buffer, [] as number[]]));
    for (const { at, buffer } of this.#chunksFrom(FILE_HEADER.BYTES)) {
      if (windows.get(buffer)?.at !== at) copies.get(buffer)?.push(at);
    }
    return [...windows].map(([buffer, { at, bytes, index, appended }]) => {
      const whole = copies.get(buffer)!.slice(0, appended);
      if (whole.length < appended || ![appended, appended - 1].includes(index)) {
        throw new TraceError(`byte ${at}: of ${appended} chunks of buffer ${buffer} there are ${whole.length}`);
      }
      return new Stream([
        ...whole.map((at) => () => this.#read(at, CHUNK.BYTES)),
        ...(index === appended ? [() => bytes] : []),
      ]);
    });
  }

  /** The chunks from some place on, to the first part that is none: it was about to be one. */
  *#chunksFrom(at: number): Generator<{ at: number; buffer: number }> {
    for (;; at += CHUNK.BYTES) {
      const view = new DataView(this.#read(at, CHUNK.HEADER_BYTES).buffer);
      if (view.getBigUint64(0, true) !== CHUNK_MAGIC) return;
      const length = view.getUint32(CHUNK.LENGTH, true), buffer = view.getUint32(CHUNK.BUFFER, true);
      if (length !== CHUNK.BYTES) throw new TraceError(`byte ${at}: a chunk of ${length} bytes cannot be`);
      yield { at, buffer };
    }
  }

  /**
   * A window as it was at some moment, also while its process goes on. Of what is just being written, reading may give the
   * last words and not the first: so what is read again has those events that were there the first time.
   */
  #windowAt(at: number): Window {
    for (;;) {
      const seen = this.#read(at, CHUNK.BYTES), bytes = this.#read(at, CHUNK.BYTES), before = countsOf(seen);
      const after = countsOf(this.#read(at, CHUNK.HEADER_BYTES));
      if (before.index !== after.index || before.appended !== after.appended) continue;
      const words = new Uint32Array(seen.buffer);
      let end = CHUNK.HEADER_BYTES / 4;
      for (let next = behindEvent(words, end); next !== 0; next = behindEvent(words, end)) end = next;
      bytes.fill(0, end * 4);
      return { at, bytes, ...after };
    }
  }
}

/** The mapped chunk of a buffer: see `native/recorder.c`. */
interface Window {
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Which of the buffer's chunks is in it. */
  readonly index: number;
  /** How many have been copied. */
  readonly appended: number;
}

function countsOf(chunk: Uint8Array<ArrayBuffer>): Pick<Window, "index" | "appended"> {
  const view = new DataView(chunk.buffer);
  return { index: view.getUint32(CHUNK.INDEX, true), appended: view.getUint32(CHUNK.APPENDED, true) };
}
