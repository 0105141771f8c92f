/**
 * Our own format, which `record` writes: what a program asked of malloc, without an address. About one byte an event.
 *
 *     "hakmem recording 1\n"      or 2, and a line of JSON: what is known of the program, `{"wallSeconds":0.25}`; or 3, and
 *                             such a line, which also tells of stacks and stretches
 *     frame ...               each is its length, 32 bits little-endian, and that many bytes of gzip
 *     0, as a length          the end
 *
 * So a file that was cut off can be read up to its last whole frame, and gzip's checksum finds damage in each. What
 * comes out of the frames, one after the other, is a stream of events:
 *
 *     byte        kind, of `EVENT`; plus 8 if the thread is not that of the last event, and its number follows; plus 16
 *                 if it has a stack, whose number follows
 *     byte        of aligned: log2 of the alignment
 *     number      of realloc and free: the block, as the number of allocations since it was made, 1 for the last one; one
 *                 made before the first is the null pointer, whose realloc is an allocation
 *     number      of malloc, calloc, aligned and realloc: size
 *
 * Stacks, which only version 3 has, are nodes of a tree (`TraceStacks`). Before the first event that has one come the parts
 * of it that are new:
 *
 *     byte        6, a module: its path and its build id in hexadecimal digits, each as a length and UTF-8
 *     byte        7, a node: the numbers of its parent and its module, and the place in that
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
import {
  EVENT,
  type EventSink,
  NO_BLOCK,
  type RanFor,
  type StackFacts,
  STACKS_BY,
  TraceError,
  type TraceModule,
  type TraceStacks,
} from "../trace.ts";

const MAGIC = "hakmem recording 1\n", MAGIC_WITH_FACTS = "hakmem recording 2\n";
const MAGIC_WITH_STACKS = "hakmem recording 3\n";
const MOST_FACT_BYTES = 4096;
const LENGTH_BYTES = 4;
const OTHER_THREAD = 8, HAS_STACK = 16;
const MODULE = 6, NODE = 7;
const MOST_NODES = 2 ** 24;
/** The most modules that a recording may have. */
export const MOST_MODULES = 2 ** 16;
const MOST_TEXT_BYTES = 2 ** 26;
const LONGEST_MODULE = 2 ** 14;
const FRAME_BYTES = 2 ** 18; // small enough to lose, large enough to be compressed well
const MOST_FRAME_BYTES = 2 * FRAME_BYTES; // of a frame of ours; protects from what is not one
const LONGEST_EVENT = 32;
const LONGEST_NUMBER = 7; // bytes: 2^49 is more than any address space has

const MAGICS = [MAGIC, MAGIC_WITH_FACTS, MAGIC_WITH_STACKS];

/** What a recording says of the whole of it. */
export interface RecordingFacts extends Partial<RanFor> {
  /** How often recording was resumed, if it was paused at the start. */
  readonly stretches?: number;
  /** How its stacks were found, if it has any. */
  readonly stacks?: StackFacts;
}

/** The format. */
export const recording: TraceFormat = {
  name: "hakmem",
  description: "what hakmem's record writes",
  recognises: (head) => MAGICS.some((magic) => head.startsWith(magic)),
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
  #threads = 0;
  #endedThreads = 0;
  readonly #running = new Set<number>();
  readonly #modules = new Map<string, number>();
  readonly #nodes = new Map<string, number>();

  /**
   * @param write Takes bytes in the order of the file.
   * @param facts How long the program ran, if that is known, and other facts about the whole.
   * @param frameBytes What a frame holds; less than usual is for tests.
   */
  constructor(write: (bytes: Uint8Array) => void, facts: RecordingFacts = {}, frameBytes = FRAME_BYTES) {
    this.#write = write;
    this.#frameBytes = frameBytes;
    this.#frame = new Uint8Array(frameBytes + LONGEST_EVENT + LONGEST_MODULE);
    const { stretches, stacks } = facts, isNewer = stretches !== undefined || stacks !== undefined;
    const magic = isNewer ? MAGIC_WITH_STACKS : MAGIC_WITH_FACTS;
    const isBare = !isNewer && facts.wallSeconds === undefined;
    write(new TextEncoder().encode(isBare ? MAGIC : `${magic}${JSON.stringify(facts)}\n`));
  }

  /** Events so far. */
  get events(): number {
    return this.#events;
  }

  /** How many threads it has: what follows a thread's end under its number is another. */
  get threads(): number {
    return this.#threads;
  }

  /** How many nodes of stacks it has. */
  get nodes(): number {
    return this.#nodes.size;
  }

  /** Writes a malloc, or a calloc of so many bytes in all; returns the block's number. @param stack A node, or 0. */
  allocation(kind: typeof EVENT.MALLOC | typeof EVENT.CALLOC, thread: number, size: number, stack = 0): number {
    this.#begin(kind, thread, stack);
    this.#number(size);
    return this.#end(++this.#blocks);
  }

  /** Writes an aligned allocation; returns the block's number. @param logarithm To base 2, of the alignment. */
  aligned(thread: number, logarithm: number, size: number, stack = 0): number {
    this.#begin(EVENT.ALIGNED, thread, stack);
    this.#frame[this.#used++] = logarithm;
    this.#number(size);
    return this.#end(++this.#blocks);
  }

  /** Writes a realloc, after which the block has that size; of block 0, the null pointer, it is an allocation. */
  realloc(thread: number, block: number, size: number, stack = 0): void {
    this.#begin(EVENT.REALLOC, thread, stack);
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
    this.#endedThreads += Number(this.#running.delete(thread));
    this.#end();
  }

  /** The number of a module, which is written if it is new. */
  module({ path, buildId }: TraceModule): number {
    return this.#numberOf(this.#modules, `${buildId} ${path}`, () => {
      this.#frame[this.#used++] = MODULE;
      this.#text(path);
      this.#text(buildId);
    });
  }

  /** The number of a node, which is written if it is new; see `TraceStacks`. */
  node(parent: number, module: number, offset: number): number {
    return this.#numberOf(this.#nodes, `${parent} ${module} ${offset}`, () => {
      this.#frame[this.#used++] = NODE;
      this.#number(parent);
      this.#number(module);
      this.#number(offset);
    });
  }

  #numberOf(numbers: Map<string, number>, key: string, write: () => void): number {
    let number = numbers.get(key);
    if (number !== undefined) return number;
    numbers.set(key, number = numbers.size + 1);
    write();
    if (this.#used >= this.#frameBytes) this.#writeFrame();
    return number;
  }

  #text(text: string): void {
    const bytes = new TextEncoder().encode(text).subarray(0, LONGEST_MODULE / 4 * 3);
    this.#number(bytes.length);
    this.#frame.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Writes what is left, and the mark of the end. */
  finish(): void {
    this.#writeFrame();
    this.#write(new Uint8Array(LENGTH_BYTES));
  }

  #begin(kind: number, thread: number, stack = 0): void {
    const isOther = thread !== this.#thread;
    if (!this.#running.has(thread)) this.#threads = this.#running.add(thread).size + this.#endedThreads;
    this.#frame[this.#used++] = kind + (isOther ? OTHER_THREAD : 0) + (stack === 0 ? 0 : HAS_STACK);
    if (isOther) this.#number(thread);
    if (stack !== 0) this.#number(stack);
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
  const { ran, stretches, stacks } = reader.facts;
  if (ran !== undefined) builder.ranFor(ran);
  if (stretches !== undefined) builder.remark(stretchesText(stretches));
  const tree = stacks === undefined ? undefined : new StackReader(stacks);
  if (tree !== undefined) builder.hasStacks(tree);
  let thread = 0, blocks = 0;
  for (let tag = reader.tag(); tag !== undefined; tag = reader.tag()) {
    const kind = tag % OTHER_THREAD;
    if (tree !== undefined && (tag === MODULE || tag === NODE)) {
      if (tag === MODULE) tree.readModule(reader, builder);
      else tree.readNode(reader, builder);
      continue;
    }
    if ((tag & OTHER_THREAD) !== 0) thread = reader.number(builder);
    if (tag >= HAS_STACK) {
      const isSound = tree !== undefined && tag < 2 * HAS_STACK;
      builder.calledFrom(isSound ? tree.stack(reader, builder) : builder.fail(`${tag} is not the kind of an event`));
    } else {
      builder.calledFrom(0);
    }
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

function stretchesText(count: number): string {
  const what = count === 1 ? "a stretch" : `${count} stretches that follow one another`;
  return `recording was paused at the start: this is ${what}, and what became of its blocks later`;
}

/** The tree of stacks as it is read. */
class StackReader implements TraceStacks {
  readonly modules: TraceModule[] = [];
  readonly parents: number[] = [0];
  readonly moduleOf: number[] = [0];
  readonly offsets: number[] = [0];
  readonly by: StackFacts["by"];
  readonly depth: number;
  readonly sampleBytes?: number;
  #textBytes = 0;

  constructor({ by, depth, sampleBytes }: StackFacts) {
    this.by = by;
    this.depth = depth;
    if (sampleBytes !== undefined) this.sampleBytes = sampleBytes;
  }

  readModule(reader: Reader, builder: Failing): void {
    const path = reader.text(builder), buildId = reader.text(builder);
    this.#textBytes += path.length + buildId.length;
    if (this.#textBytes > MOST_TEXT_BYTES) builder.fail(`more than ${MOST_TEXT_BYTES} bytes of modules' names`);
    if (this.modules.push({ path, buildId }) > MOST_MODULES) builder.fail(`more than ${MOST_MODULES} modules`);
  }

  readNode(reader: Reader, builder: Failing): void {
    const parent = this.stack(reader, builder), module = reader.number(builder), offset = reader.number(builder);
    if (module > this.modules.length) builder.fail(`there is no module ${module}`);
    if (this.parents.length > MOST_NODES) builder.fail(`more than ${MOST_NODES} nodes of stacks`);
    this.parents.push(parent);
    this.moduleOf.push(module);
    this.offsets.push(offset);
  }

  /** The number of a node that there is, or 0. */
  stack(reader: Reader, builder: Failing): number {
    const stack = reader.number(builder);
    if (stack >= this.parents.length) builder.fail(`there is no stack ${stack}`);
    return stack;
  }
}

type Failing = Pick<TraceBuilder, "fail">;

/** The bytes of the frames' content, one after the other. */
class Reader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #frame: Uint8Array = new Uint8Array();
  #start = 0; // of the frame in the file
  #next: number; // frame in the file
  #at = 0; // in the frame
  #isWhole = false;
  /** What the file says of the whole of it. */
  readonly facts: Facts = {};

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#next = MAGIC.length;
    const magic = new TextDecoder().decode(bytes.subarray(0, MAGIC.length));
    if (magic === MAGIC) return;
    const end = bytes.subarray(0, MOST_FACT_BYTES).indexOf(10, MAGIC.length); // a line feed
    if (end < 0) throw new TraceError("line 2: it does not end");
    this.facts = parseFacts(new TextDecoder().decode(bytes.subarray(MAGIC.length, end)), magic === MAGIC_WITH_STACKS);
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

  byte(builder: Failing): number {
    const byte = this.#frame[this.#at++];
    return byte === undefined ? builder.fail("the event is cut off") : byte;
  }

  number(builder: Failing): number {
    let value = 0;
    for (let index = 0, weight = 1; index < LONGEST_NUMBER; index++, weight *= 128) {
      const byte = this.byte(builder);
      if (byte < 128) return value + byte * weight;
      value += (byte - 128) * weight;
    }
    return builder.fail(`a number has more than ${LONGEST_NUMBER} bytes`);
  }

  text(builder: Failing): string {
    const length = this.number(builder), bytes = this.#frame.subarray(this.#at, this.#at + length);
    if (bytes.length < length) builder.fail("the event is cut off");
    this.#at += length;
    return new TextDecoder().decode(bytes);
  }

  #readFrame(): boolean {
    const start = this.#next + LENGTH_BYTES;
    if (start > this.#bytes.length) return false;
    const length = this.#view.getUint32(this.#next, true);
    this.#start = this.#next;
    this.#at = 0;
    if (length === 0) {
      this.#isWhole = true;
      if (start !== this.#bytes.length) throw new TraceError(`byte ${start}: there is something after the end`);
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

/** The facts, with the times as one of them. */
type Facts = Pick<RecordingFacts, "stretches" | "stacks"> & { readonly ran?: RanFor };

/** @param isNewer Whether the line may tell of stacks and stretches, and need not tell of times. */
function parseFacts(line: string, isNewer: boolean): Facts {
  try {
    const { wallSeconds, processorSeconds, stretches, stacks } = JSON.parse(line);
    const isTime = (value: unknown) => typeof value === "number" && value > 0 && Number.isFinite(value);
    const isCount = (value: unknown) => Number.isSafeInteger(value) && value as number >= 0;
    const facts: Facts = isTime(wallSeconds)
      ? { ran: { wallSeconds, ...(isTime(processorSeconds) ? { processorSeconds } : {}) } }
      : {};
    if (!isNewer && facts.ran !== undefined) return facts;
    const hasStacks = stacks !== undefined && STACKS_BY.includes(stacks.by) && isCount(stacks.depth);
    const hasRate = hasStacks && isCount(stacks.sampleBytes) && stacks.sampleBytes > 0;
    const says = stacks !== undefined || stretches !== undefined;
    if (isNewer && says && (stacks === undefined || hasStacks) && (stretches === undefined || isCount(stretches))) {
      return {
        ...facts,
        ...(stretches === undefined ? {} : { stretches }),
        ...(stacks === undefined ? {} : {
          stacks: { by: stacks.by, depth: stacks.depth, ...(hasRate ? { sampleBytes: stacks.sampleBytes } : {}) },
        }),
      };
    }
  } catch {
    // It is not JSON.
  }
  throw new TraceError("line 2: not what is known of a program");
}
