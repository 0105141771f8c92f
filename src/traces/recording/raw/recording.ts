/**
 * The files that `native/recorder.c` leaves, one for each program that a process was; their format is described there.
 * Here the buffers of the threads are merged into one order, and addresses become blocks, so that the recording that is
 * made from it holds none. Memory is bounded by the number of buffers and of live blocks.
 *
 * What the recorder has not seen is made up for, and counted: a free of a block that was allocated before the recording
 * began (in the parent of a forked process, mostly) is left out, and a block whose address is given out again has been
 * freed unseen.
 *
 * `record` does this when the program has ended. If it was killed before it could, the files can be read as traces
 * themselves.
 *
 * @module
 */
import { MOST_EVENTS } from "../../builder.ts";
import { joined } from "../../files/bytes.ts";
import { Content } from "../../files/content.ts";
import type { TraceFormat } from "../../formats/format.ts";
import { type BlockRepairs, Blocks } from "./blocks.ts";
import { behindEvent, CHUNK, Stream, StreamQueue } from "./stream.ts";
import { decodeRecording, type RecordingFacts, RecordingWriter } from "../recording.ts";
import { type RanFor, type StackFacts, STACKS_BY, TraceError } from "../../trace.ts";

/** How such a file begins: the version before the last had no stacks and no pauses. */
const MAGIC = "hkmeraw4", MAGIC_3 = "hkmeraw3";
const FILE_MAGIC = 0x34776172656d6b68n, FILE_MAGIC_3 = 0x33776172656d6b68n;
const CHUNK_MAGIC = 0x6b6e756863656d68n;
const FILE_HEADER = {
  PID: 8,
  FORKED: 12,
  STOPPED: 16,
  CALLING: 20,
  END: 24,
  LOST: 32,
  WALL: 40,
  PROCESSOR: 48,
  LOST_FORKS: 56,
  LOST_FORK_ERROR: 60,
  NOTE_BYTES: 64,
  LOST_NOTES: 68,
  PROGRAM: 72,
  HAS_PAUSES: 328,
  STRETCHES: 332,
  LOST_SIGNAL: 336,
  STACKS_BY: 340,
  DEPTH: 344,
  LOST_STACKS: 348,
  SAMPLE_BYTES: 352,
  NOTES: 360,
  NOTES_3: 328,
  BYTES: 65536,
};
/** Of a note: its process, its state, how long it is, and the path. */
const NOTE = { PID: 0, STATE: 4, BYTES: 6, PATH: 8 };
const NOTE_STATE = { WITHOUT: 2, NOT_STARTED: 3 };
const SHORTENED = 116; // ESTALE, the system's number by which the recorder says so
const PAUSE = 2 ** 18; // events, some tens of milliseconds

/** The format. */
export const rawRecording: TraceFormat = {
  name: "hakmem raw",
  description: "what the recorder of hakmem's record leaves if record is killed",
  recognises: (head) => head.startsWith(MAGIC) || head.startsWith(MAGIC_3),
  decode: (content, sink) => {
    const bytes = content.whole(), parts: Uint8Array[] = [];
    const read: ReadAt = (at, length) => {
      const part = new Uint8Array(length);
      part.set(bytes.subarray(at, at + length));
      return part;
    };
    const raw = new RawRecording(read);
    const writer = new RecordingWriter((part) => parts.push(part.slice()), factsOf(raw.header));
    for (const _ of raw.convert(writer));
    writer.finish();
    return decodeRecording(rawRecording.name, Content.of(joined(parts)), sink);
  },
};

/** What a recorder says about itself. */
export interface RawHeader {
  readonly pid: number;
  /** Whether it began in a fork of another process, in the midst of a program. */
  readonly forked: boolean;
  /** The system's error number, if the recorder stopped before the process did; otherwise 0. */
  readonly stopped: number;
  /** The number of the first event that is missing then. */
  readonly end: number;
  /** Calls that were not recorded, because a signal had interrupted the recorder. */
  readonly lost: number;
  /** The name of the executable. */
  readonly program: string;
  /** How long it ran; absent if it did not exit by itself. */
  readonly ran?: RanFor;
  /** Whether it ended in a system call of the recorder: that may be what it was killed for. */
  readonly wasCalling: boolean;
  /** Forks of it that could not be recorded, and the system's error number of the last one. */
  readonly lostForks: number;
  readonly lostForkError: number;
  /** Programs that it became, or that processes became which it had started. */
  readonly started: readonly StartedProgram[];
  /** How many more there were. */
  readonly lostNotes: number;
  /** If recording was paused at the start: how often it was resumed. */
  readonly stretches?: number;
  /** Whether at the exit SIGUSR2, which does that, was the program's own. */
  readonly lostSignal: boolean;
  /** How its stacks were found, if it has any. */
  readonly stacks?: StackFacts;
  /** Allocations without one: there were too many different ones, or too little of the thread's stack was left. */
  readonly lostStacks: number;
}

/** What a recording says of the whole of it. */
export function factsOf({ ran, stretches, stacks }: RawHeader): RecordingFacts {
  return {
    ...ran,
    ...(stretches === undefined ? {} : { stretches }),
    ...(stacks === undefined ? {} : { stacks }),
  };
}

/** What a process became, or was about to. */
export interface StartedProgram {
  readonly pid: number;
  /** As it was given: a name without a slash is one of `PATH`. */
  readonly path: string;
  /** Whether the recorder's variables were passed on to it. */
  readonly hasRecorder: boolean;
}

/** What had to be made up for. */
export interface Repairs extends BlockRepairs {
  /** Whether there were more events, threads, stacks or blocks at once than a trace may have; what follows is left out. */
  readonly cut: boolean;
}

/** Gives bytes of a file from an offset on, and zeros past its end. */
export type ReadAt = (at: number, length: number) => Uint8Array<ArrayBuffer>;

/** One of the recorder's files. */
export class RawRecording {
  readonly header: RawHeader;
  readonly #read: ReadAt;
  readonly #streams: readonly Stream[];
  /** The events whose numbers are below count. */
  readonly #end: number;

  /** @throws TraceError if it is not one of the recorder's files. */
  constructor(read: ReadAt) {
    this.#read = read;
    this.#streams = this.#findStreams(readRawHeader(read));
    this.header = readRawHeader(read); // afterwards: if it stops while it is read, that is known
    this.#end = this.header.end;
  }

  /** Writes the events, in their order. Yields now and then the share of the file that is done, from 0 to 1. */
  *convert(writer: RecordingWriter): Generator<number, Repairs> {
    const blocks = new Blocks(writer);
    const queue = new StreamQueue(this.#streams.filter((stream) => stream.advance()));
    const chunks = this.#streams.reduce((sum, { chunks }) => sum + chunks, 0);
    let events = 0, cut = false;
    for (let stream = queue.first; stream !== undefined; stream = queue.first) {
      if (stream.sequence >= this.#end) break;
      cut = writer.events >= MOST_EVENTS || blocks.isFull;
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
   * The buffers: which chunks are whose. A process that is still running goes on to empty its windows, so these are
   * read first, and then the copies: all that were made before are found.
   */
  #findStreams({ stopped }: RawHeader): Stream[] {
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
        if (stopped === SHORTENED) throw new TraceError("something else made this file shorter while it was written");
        throw new TraceError(`byte ${at}: of ${appended} chunks of buffer ${buffer} there are ${whole.length}`);
      }
      return new Stream([
        ...whole.map((at) => () => this.#read(at, CHUNK.BYTES)),
        ...(index === appended ? [() => bytes] : []),
      ]);
    });
  }

  /** The chunks from an offset on, to the first part that is not one: it was about to be one. */
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
   * A window as it was at some moment, also while its process goes on. Of what is just being written, reading may give
   * the last words and not the first: so what is read again has those events that were there the first time.
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

/**
 * What a file of the recorder says of its process; all zeros where that was killed, or could not go on, while it made
 * it.
 *
 * @throws TraceError if it is not one of the recorder's files.
 */
export function readRawHeader(read: ReadAt): RawHeader {
  const bytes = read(0, FILE_HEADER.BYTES), view = new DataView(bytes.buffer);
  const magic = view.getBigUint64(0, true);
  if (![0n, FILE_MAGIC, FILE_MAGIC_3].includes(magic)) throw new TraceError("byte 0: not a file of the recorder");
  const wall = Number(view.getBigUint64(FILE_HEADER.WALL, true));
  const processor = Number(view.getBigUint64(FILE_HEADER.PROCESSOR, true));
  const stopped = view.getUint32(FILE_HEADER.STOPPED, true);
  return {
    pid: view.getUint32(FILE_HEADER.PID, true),
    forked: view.getUint32(FILE_HEADER.FORKED, true) !== 0,
    stopped,
    end: stopped === 0 ? Infinity : Number(view.getBigUint64(FILE_HEADER.END, true)),
    lost: Number(view.getBigUint64(FILE_HEADER.LOST, true)),
    program: textAt(bytes, FILE_HEADER.PROGRAM),
    ...(wall === 0 ? {} : { ran: { wallSeconds: wall / 1e9, processorSeconds: processor / 1e9 } }),
    wasCalling: view.getUint32(FILE_HEADER.CALLING, true) !== 0,
    lostForks: view.getUint32(FILE_HEADER.LOST_FORKS, true),
    lostForkError: view.getUint32(FILE_HEADER.LOST_FORK_ERROR, true),
    started: [...startedIn(bytes, view, magic === FILE_MAGIC_3 ? FILE_HEADER.NOTES_3 : FILE_HEADER.NOTES)],
    lostNotes: view.getUint32(FILE_HEADER.LOST_NOTES, true),
    ...(magic === FILE_MAGIC_3 ? { lostSignal: false, lostStacks: 0 } : readNewer(view)),
  };
}

/** What version 3 did not have. */
function readNewer(view: DataView): Pick<RawHeader, "stretches" | "lostSignal" | "stacks" | "lostStacks"> {
  const by = STACKS_BY[view.getUint32(FILE_HEADER.STACKS_BY, true) - 1];
  const sampleBytes = Number(view.getBigUint64(FILE_HEADER.SAMPLE_BYTES, true));
  const hasPauses = view.getUint32(FILE_HEADER.HAS_PAUSES, true) !== 0;
  return {
    ...(hasPauses ? { stretches: view.getUint32(FILE_HEADER.STRETCHES, true) } : {}),
    ...(by === undefined ? {} : {
      stacks: { by, depth: view.getUint32(FILE_HEADER.DEPTH, true), ...(sampleBytes > 0 ? { sampleBytes } : {}) },
    }),
    lostSignal: view.getUint32(FILE_HEADER.LOST_SIGNAL, true) !== 0,
    lostStacks: view.getUint32(FILE_HEADER.LOST_STACKS, true),
  };
}

/** The programs that notes tell of, without those that could not be started. */
function* startedIn(bytes: Uint8Array<ArrayBuffer>, view: DataView, notes: number): Generator<StartedProgram> {
  const end = Math.min(notes + view.getUint32(FILE_HEADER.NOTE_BYTES, true), bytes.length);
  for (let at = notes, length = 0; at + NOTE.PATH < end; at += length) {
    length = view.getUint16(at + NOTE.BYTES, true);
    if (length === 0) return; // the process was killed while it wrote it
    const state = view.getUint16(at + NOTE.STATE, true);
    if (state === 0 || state === NOTE_STATE.NOT_STARTED) continue;
    const path = textAt(bytes, at + NOTE.PATH);
    yield { pid: view.getUint32(at + NOTE.PID, true), path, hasRecorder: state !== NOTE_STATE.WITHOUT };
  }
}

function textAt(bytes: Uint8Array<ArrayBuffer>, at: number): string {
  return new TextDecoder().decode(bytes.subarray(at, bytes.indexOf(0, at)));
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
