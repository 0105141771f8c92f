/**
 * Text formats are read line by line, and a line is words. The text is decoded in pieces, so a file may be larger than
 * V8's longest string, and what is held besides it is one piece.
 *
 * @module
 */
import type { BlockId } from "./builder.ts";
import { TraceError } from "./trace.ts";

const PIECE_BYTES = 2 ** 20;
/** No format has lines that long: a file without line ends is no text. */
const LONGEST_LINE = 4096;

/** Goes through the lines of a text. */
export class Lines implements Iterable<string> {
  readonly #bytes: Uint8Array;
  /** Of the current line, from 1. */
  number = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where it is: `line 12`. */
  readonly where = (): string => `line ${this.number}`;

  /** All lines, without their ends; a last line without one too. */
  *[Symbol.iterator](): Generator<string> {
    const decoder = new TextDecoder("latin1"); // a byte a letter: no input is invalid
    let rest = "";
    for (let at = 0; at < this.#bytes.length; at += PIECE_BYTES) {
      const lines = (rest + decoder.decode(this.#bytes.subarray(at, at + PIECE_BYTES))).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield this.#next(line);
      if (rest.length > LONGEST_LINE) this.#next(rest);
    }
    if (rest !== "") yield this.#next(rest);
  }

  #next(line: string): string {
    this.number++;
    if (line.length > LONGEST_LINE) throw new TraceError(`${this.where()}: longer than ${LONGEST_LINE} characters`);
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

/** A decimal number; NaN for anything else. What is too large to be exact is above every limit of the builder. */
export function decimal(word: string | undefined): number {
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : NaN;
}

/** A hexadecimal number without a prefix; NaN for anything else. */
export function hexadecimal(word: string | undefined): number {
  return word !== undefined && /^[\da-f]+$/i.test(word) ? Number(`0x${word}`) : NaN;
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
