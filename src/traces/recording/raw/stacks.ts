/**
 * From the addresses of the recorder's stacks to the nodes of a recording: each address becomes a module and an address in
 * it, and stacks that begin alike share their beginning.
 *
 * @module
 */
import { MOST_MODULES, type RecordingWriter } from "../recording.ts";
import { TraceError } from "../../trace.ts";

/** Where the parts of the content of a note are, in 32-bit words; see `native/recorder.c`. */
const MODULE = { START: 0, END: 2, BIAS: 4, BUILD_ID_BYTES: 6, PATH_BYTES: 7, BUILD_ID: 8, PATH: 16 };
const STACK = { NUMBER: 0, IS_CUT: 2, FRAMES: 4 };

/** Stacks, and nodes of them: less than a Map can hold, and a recording may have. */
const MOST_STACKS = 2 ** 23;

/** A module while it is loaded. */
interface Mapped {
  readonly start: number;
  readonly end: number;
  readonly bias: number;
  readonly module: number;
}

/** A module's number, and the address in its file; with module 0 an address of the process. */
type ModuleAddress = readonly [module: number, offset: number];

/** The stacks and modules that the notes so far told of. */
export class RawStacks {
  readonly #writer: RecordingWriter;
  readonly #nodes = new Map<number, number>();
  /** By address; none lies where another does. */
  readonly #mapped: Mapped[] = [];
  readonly #known = new Map<number, ModuleAddress>();

  /** @param writer Gets the modules and the nodes. */
  constructor(writer: RecordingWriter) {
    this.#writer = writer;
  }

  /** The node of a stack. @throws TraceError if no note told of it. */
  nodeOf(stack: number): number {
    const node = this.#nodes.get(stack);
    if (node === undefined) throw new TraceError(`there is no stack ${stack}`);
    return node;
  }

  /** A note about a module. */
  module(content: Uint32Array): void {
    const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
    const part = (word: number, length: number) => bytes.subarray(4 * word, 4 * word + length);
    const path = new TextDecoder().decode(part(MODULE.PATH, content[MODULE.PATH_BYTES] ?? 0));
    const buildId = part(MODULE.BUILD_ID, content[MODULE.BUILD_ID_BYTES] ?? 0).toHex();
    const [start, end, bias] = [MODULE.START, MODULE.END, MODULE.BIAS].map((word) => wordAt(content, word));
    const module = this.#writer.module({ path, buildId });
    this.#known.clear();
    if (start! >= end!) return;
    const first = this.#firstBehind(start!);
    let last = first;
    while (last < this.#mapped.length && this.#mapped[last]!.start < end!) last++; // these are gone
    this.#mapped.splice(first, last - first, { start: start!, end: end!, bias: bias!, module });
  }

  /** Whether there is more than a recording may have, or memory is for. */
  get isFull(): boolean {
    return this.#nodes.size >= MOST_STACKS || this.#writer.nodes >= MOST_STACKS || this.#mapped.length >= MOST_MODULES;
  }

  /** The place of the first module that ends after an address. */
  #firstBehind(address: number): number {
    let low = 0, high = this.#mapped.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#mapped[middle]!.end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** A note about a stack. */
  stack(content: Uint32Array): void {
    let node = wordAt(content, STACK.IS_CUT) === 0 ? 0 : this.#writer.node(0, 0, 0);
    for (let word = content.length - 2; word >= STACK.FRAMES; word -= 2) {
      const [module, offset] = this.#moduleAddressOf(wordAt(content, word));
      node = this.#writer.node(node, module, offset);
    }
    this.#nodes.set(wordAt(content, STACK.NUMBER), node);
  }

  /** Where the call is that returns to an address: just before that. */
  #moduleAddressOf(address: number): ModuleAddress {
    let known = this.#known.get(address);
    if (known !== undefined) return known;
    const call = Math.max(address - 1, 0), found = this.#mapped[this.#firstBehind(call)];
    known = found === undefined || call < found.start || call < found.bias
      ? [0, call]
      : [found.module, call - found.bias];
    this.#known.set(address, known);
    return known;
  }
}

function wordAt(content: Uint32Array, word: number): number {
  return (content[word + 1] ?? 0) * 2 ** 32 + (content[word] ?? 0);
}
