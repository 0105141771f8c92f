/**
 * Text formats are read line by line, and a line is words. The text is decoded in pieces, so a file may be larger than
 * V8's longest string, and what is held besides it is one piece.
 *
 * Whatever the format, these are no lines of it: empty ones, comments (`#`, `//`), and a last line that breaks off.
 *
 * @module
 */
import { type BlockId, type BuilderOptions, LARGEST_SIZE, TraceBuilder } from "./builder.ts";
import type { Content } from "./content.ts";
import { type EventSink, TraceError } from "./trace.ts";

/** No format has lines that long: a file without line ends is no text. */
const LONGEST_LINE = 4096;
/** What editors on Windows put in front of UTF-8, a letter a byte. */
const BYTE_ORDER_MARK = "\xef\xbb\xbf";
const COMMENT = /^\s*(#|\/\/|$)/;
const SLASH = 47;

/** Whether a line says nothing. Hardly any begins so that the expression is asked. */
function isComment(line: string): boolean {
  return !(line.charCodeAt(0) > SLASH) && COMMENT.test(line);
}

/** The head of a file as its format begins: without what {@link decodeLines} passes over. */
export function formatHead(head: string): string {
  const text = head.startsWith(BYTE_ORDER_MARK) ? head.slice(BYTE_ORDER_MARK.length) : head;
  return text.split(/\r?\n/).filter((line) => !COMMENT.test(line)).join("\n");
}

/**
 * Decodes a text.
 *
 * @param decodeLine takes a line and tells the builder; `finish`, if given, is called behind the last
 */
export function decodeLines<Result>(
  name: string,
  content: Content,
  sink: EventSink<Result>,
  options: BuilderOptions,
  decodeLine: (builder: TraceBuilder<Result>, line: string) => void,
  finish?: (builder: TraceBuilder<Result>) => void,
): Result {
  const lines = new Lines(content);
  const builder = new TraceBuilder<Result>(name, lines.where, options, sink);
  for (const line of lines) {
    if (isComment(line)) continue;
    if (!lines.isBroken) {
      decodeLine(builder, line);
    } else if (content.isCut) {
      builder.cutOff();
    } else {
      tryLine(builder, line, decodeLine);
    }
  }
  if (content.isCut) builder.cutOff();
  finish?.(builder);
  return builder.finishFile();
}

/** The last line of a file that does not end it may be whole, or the rest of one that was being written. */
function tryLine<Result>(
  builder: TraceBuilder<Result>,
  line: string,
  decodeLine: (builder: TraceBuilder<Result>, line: string) => void,
): void {
  try {
    decodeLine(builder, line);
  } catch (error) {
    if (!(error instanceof TraceError) || builder.events === 0) throw error;
    builder.cutOff();
  }
}

/** Goes through the lines of a text. */
class Lines implements Iterable<string> {
  readonly #content: Content;
  /** Of the current line, from 1. */
  #number = 0;
  #isBroken = false;

  constructor(content: Content) {
    this.#content = content;
  }

  /** Whether the current line is the last and has no end. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Where it is: `line 12`. */
  readonly where = (): string => `line ${this.#number}`;

  /** All lines, without their ends. */
  *[Symbol.iterator](): Generator<string> {
    const decoder = new TextDecoder("latin1"); // a byte a letter: no input is invalid
    let rest = "";
    for (const piece of this.#content.pieces()) {
      const lines = (rest + decoder.decode(piece)).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield this.#next(line);
      if (rest.length > LONGEST_LINE) this.#next(rest);
    }
    this.#isBroken = true;
    if (rest !== "") yield this.#next(rest);
  }

  #next(text: string): string {
    const line = this.#number++ === 0 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
    if (line.length > LONGEST_LINE) throw new TraceError(`${this.where()}: longer than ${LONGEST_LINE} characters`);
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

/** A decimal number; NaN for anything else. What is too large to be exact is above every limit of the builder. */
export function decimal(word: string | undefined): number {
  if (word === undefined || word === "") return NaN;
  let value = 0;
  for (let index = 0; index < word.length; index++) {
    const digit = word.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = 10 * value + digit;
  }
  return value;
}

/** A hexadecimal number without a prefix; NaN for anything else. */
export function hexadecimal(word: string | undefined): number {
  return word !== undefined && /^[\da-f]+$/i.test(word) ? Number(`0x${word}`) : NaN;
}

/** A size, or a count of a calloc; what is none is said as the file has it. */
export function sizeOf(
  builder: Pick<TraceBuilder, "fail">,
  word: string | undefined,
  numberOf: (word: string | undefined) => number = decimal,
): number {
  const size = numberOf(word);
  if (size <= LARGEST_SIZE) return size;
  return builder.fail(
    word === undefined ? "the size is missing" : `size ${word} is not a whole number up to ${LARGEST_SIZE}`,
  );
}

/**
 * An address in hexadecimal, without a prefix, as a block's name; null is the null pointer, undefined no address.
 * 64-bit addresses may carry a tag in their highest byte, more than a number holds.
 */
export function address(digits: string | undefined): BlockId | null | undefined {
  if (digits === undefined || !/^[\da-f]{1,16}$/i.test(digits)) return undefined;
  const number = Number(`0x${digits}`);
  if (number === 0) return null;
  return Number.isSafeInteger(number) ? number : BigInt(`0x${digits}`);
}

/** A pointer as the tools write it, as a block's name: `0x55d0`; null for `(nil)`, `nil` and `0`. */
export function pointerOf(builder: Pick<TraceBuilder, "fail">, word: string | undefined): BlockId | null {
  if (word === "(nil)" || word === "nil" || word === "0") return null;
  const id = word?.startsWith("0x") ? address(word.slice(2)) : undefined;
  return id === undefined ? builder.fail(`"${word ?? ""}" is not an address, such as 0x55d0b4827400`) : id;
}
