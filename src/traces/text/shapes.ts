/**
 * Lines as nearly all of a format's lines are, read from their bytes: no text is made of them, which takes some ten times
 * as long. What has another shape is left to the format's decoder, and so is every number that needs a second look: such a
 * line is decoded as text, and if it is wrong, found wrong, in one place only.
 *
 *     202: malloc 0xb4827400 1024         "%d: malloc 0x%x %d%*"
 *
 * - `%d` is a decimal number of up to 12 digits, `%h` a hexadecimal one of up to 10: below the largest size.
 * - `%x` is the digits of an address: not 0, and exact as a number.
 * - `%_` is spaces, `%w` anything else up to a space, `%>` an arrow, `->`, and what is before it up to a parenthesis, `%*`
 *   everything behind a space; each may be missing.
 *
 * A line may end with a carriage return.
 *
 * @module
 */
import type { TraceBuilder } from "../builder.ts";

/** What a line may mean. */
type Calls = Pick<TraceBuilder, "malloc" | "calloc" | "realloc" | "free" | "isLive">;

/** Tells the builder what a line says: the numbers in it, in their order. False: the decoder is to look at the line. */
export type TakeNumbers = (
  builder: Calls,
  first: number,
  second: number,
  third: number,
  fourth: number,
) => boolean | void;

/** A pattern of lines, and what they mean. */
export type Shape = readonly [pattern: string, take: TakeNumbers];

const NUMBERS = 4;
const LINE_FEED = 10, CARRIAGE_RETURN = 13, SPACE = 32, PARENTHESIS = 40, MINUS = 45, GREATER = 62;
/** Steps of a pattern that are not a byte; those up to `x` are numbers. */
const STEP = { d: 256, h: 257, x: 258, _: 259, w: 260, ">": 261, "*": 262 } as const;
/** Of a decimal number, a size in hexadecimal, and an address. */
const MOST_DIGITS = [12, 10, 13] as const;
const NO_DIGIT = 16;
/** By byte: what it is worth as a digit. */
const DIGIT = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? NO_DIGIT : value;
});

/** A shape, ready to be compared with bytes. */
export class LineShape {
  readonly #steps: Uint16Array;
  readonly #take: TakeNumbers;
  /** Of the line that matched last. */
  readonly #numbers = new Float64Array(NUMBERS);

  /** @param pattern See the module. */
  constructor(pattern: string, take: TakeNumbers) {
    this.#steps = Uint16Array.from(pattern.match(/%.|[^]/g)!, (step) => {
      return step.length === 1 ? step.charCodeAt(0) : STEP[step[1] as keyof typeof STEP];
    });
    this.#take = take;
  }

  /** Where the next line begins, if the one at `at`, which must have an end, has this shape; otherwise 0. */
  match(bytes: Uint8Array, at: number): number {
    const steps = this.#steps, numbers = this.#numbers;
    let found = 0;
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index]!;
      if (step < STEP.d) {
        if (bytes[at++] !== step) return 0;
      } else if (step <= STEP.x) {
        const base = step === STEP.d ? 10 : 16, start = at;
        let value = 0;
        for (let digit; (digit = DIGIT[bytes[at]!]!) < base; at++) value = base * value + digit;
        if (at === start || at - start > MOST_DIGITS[step - STEP.d]! || (step === STEP.x && value === 0)) return 0;
        numbers[found++] = value;
      } else {
        at = behind(step, bytes, at);
      }
    }
    if (bytes[at] === CARRIAGE_RETURN) at++;
    return bytes[at] === LINE_FEED ? at + 1 : 0;
  }

  /** Tells the builder what the line that matched last says; false if it is to be decoded. */
  tell(builder: Calls): boolean {
    const numbers = this.#numbers;
    return this.#take(builder, numbers[0]!, numbers[1]!, numbers[2]!, numbers[3]!) !== false;
  }
}

/** Where the text that is passed over ends. */
function behind(step: number, bytes: Uint8Array, start: number): number {
  let at = start;
  if (step === STEP._) {
    while (bytes[at] === SPACE) at++;
  } else if (step === STEP.w) {
    while (bytes[at]! > SPACE) at++;
  } else if (step === STEP["*"]) {
    if (bytes[at] === SPACE) { while (bytes[at] !== LINE_FEED) at++; }
  } else {
    for (let next = at; bytes[next]! > SPACE && bytes[next] !== PARENTHESIS; next++) {
      if (bytes[next] === MINUS && bytes[next + 1] === GREATER) at = next + 2;
    }
  }
  return at;
}
