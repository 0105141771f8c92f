/**
 * Text formats are read line by line. Lines of a shape that the format knows are read from their bytes (`shapes.ts`),
 * all others as words of a text, which is decoded in pieces: so a file may be larger than V8's longest string, and what
 * is held besides it is one piece.
 *
 * Whatever the format, these are not lines of it: empty ones, comments (`#`, `//`), and a last line that breaks off.
 *
 * @module
 */
import type { BlockId } from "../block_table.ts";
import { type BuilderOptions, LARGEST_SIZE, TraceBuilder } from "../builder.ts";
import { joined } from "../files/bytes.ts";
import type { Content } from "../files/content.ts";
import { LineShape, type Shape } from "./shapes.ts";
import { type EventSink, TraceError } from "../trace.ts";

/** No format has lines that long: a file without line ends is not text. */
const LONGEST_LINE = 4096;
/** What editors on Windows put in front of UTF-8, a letter a byte. */
const BYTE_ORDER_MARK = "\xef\xbb\xbf";
const COMMENT = /^\s*(#|\/\/|$)/;
const SLASH = 47, LINE_FEED = 10;

/** Whether a line says nothing. Most lines begin with a letter that no comment begins with, and need no second look. */
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
 * @param options the builder's, and what nearly all lines look like
 * @param decodeLine takes a line and tells the builder; `finish`, if given, is called after the last
 */
export function decodeLines<Result>(
  name: string,
  content: Content,
  sink: EventSink<Result>,
  { shapes, ...options }: BuilderOptions & { readonly shapes: readonly Shape[] },
  decodeLine: (builder: TraceBuilder<Result>, line: string) => void,
  finish?: (builder: TraceBuilder<Result>) => void,
): Result {
  const lines = new Lines(content);
  const builder = new TraceBuilder<Result>(name, lines.where, options, sink);
  const known = shapes.map(([pattern, take]) => new LineShape(pattern, take));
  while (lines.next()) {
    if (!lines.isBroken && known.some((shape) => lines.has(shape) && shape.tell(builder))) continue;
    const line = lines.text();
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
    builder.mayBeCutOff();
  } catch (error) {
    if (!(error instanceof TraceError) || builder.events === 0) throw error;
    builder.cutOff();
  }
}

/** Goes through the lines of a text. */
class Lines {
  readonly #pieces: Iterator<Uint8Array<ArrayBuffer>>;
  readonly #decoder = new TextDecoder("latin1"); // a byte a letter: no input is invalid
  #bytes: Uint8Array = new Uint8Array();
  /** The same as text, once a line was asked for as such. */
  #text: string | undefined;
  /** Where in the bytes the lines that have an end are over. */
  #ended = 0;
  /** Where the current line begins, and the next; 0 as long as that is not known. */
  #start = 0;
  #next = 0;
  /** Of the current line, from 1. */
  #number = 0;

  constructor(content: Content) {
    this.#pieces = content.pieces();
  }

  /** Whether the current line is the last and has no end. */
  get isBroken(): boolean {
    return this.#start >= this.#ended;
  }

  /** Where it is: `line 12`. */
  readonly where = (): string => `line ${this.#number}`;

  /** Goes to the next line; false after the last. */
  next(): boolean {
    this.#start = this.#number === 0 ? 0 : this.#behind();
    this.#next = 0;
    if (this.#start >= this.#ended && !this.#fill()) return false;
    this.#number++;
    return true;
  }

  /** Whether the current line, which must not be broken, is of a shape. */
  has(shape: LineShape): boolean {
    const next = shape.match(this.#bytes, this.#start);
    if (next === 0 || next - this.#start > LONGEST_LINE) return false;
    this.#next = next;
    return true;
  }

  /** The current line without its end. @throws TraceError if it is too long. */
  text(): string {
    const end = this.isBroken ? this.#bytes.length : this.#behind() - 1;
    if (end - this.#start > LONGEST_LINE) {
      throw new TraceError(`${this.where()}: longer than ${LONGEST_LINE} characters`);
    }
    this.#text ??= this.#decoder.decode(this.#bytes);
    const text = this.#text.slice(this.#start, end);
    const line = this.#number === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }

  /** Where the line after the current one begins. */
  #behind(): number {
    if (this.#next === 0) {
      this.#next = this.isBroken ? this.#bytes.length : this.#bytes.indexOf(LINE_FEED, this.#start) + 1;
    }
    return this.#next;
  }

  /** Reads on until there is a line with an end, or one that is too long; false if nothing is left. */
  #fill(): boolean {
    this.#bytes = this.#bytes.subarray(this.#start);
    this.#start = this.#ended = 0;
    this.#text = undefined;
    while (this.#ended === 0 && this.#bytes.length <= LONGEST_LINE) {
      const { value: piece, done } = this.#pieces.next();
      if (done) return this.#bytes.length > 0;
      this.#bytes = joined([this.#bytes, piece]);
      this.#ended = this.#bytes.lastIndexOf(LINE_FEED) + 1;
    }
    return true;
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

/** A size, or a count of a calloc; what is not one is said as the file has it. */
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

/** An alignment; what is not a number is said as the file has it. */
export function alignmentOf(builder: Pick<TraceBuilder, "fail">, word: string | undefined): number {
  const alignment = decimal(word);
  return Number.isNaN(alignment) ? builder.fail(`alignment ${word ?? "is missing"} is not a power of two`) : alignment;
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
