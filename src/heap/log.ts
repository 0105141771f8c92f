/**
 * The lines that a heap passes to the `log` that it was opened with. That is the program's function, which may do
 * anything: use the heap, close it, or throw. So lines wait until the call that says them is over, its sections ended and
 * its locks given back. What `log` throws passes on from `open` and `close`, which are whole by then; anywhere else it goes
 * to stderr with the line, since the call has a result that would be lost. `console.error` is the program's, too: where that
 * throws, the line is lost.
 *
 * @module
 */

import { reasonOf } from "../os/mod.ts";

/** See the module. One for each heap and thread. */
export class Log {
  readonly #write: (line: string) => void;
  readonly #lines: string[] = [];
  /** Calls that are under way; the delivery of lines is one. */
  #depth = 0;

  constructor(write: (line: string) => void = print) {
    this.#write = write;
  }

  /** Delivers a line when the call is over that this is part of. */
  readonly say = (line: string): void => {
    this.#lines.push(line);
  };

  /**
   * Makes a call. What is said in it is delivered afterwards, even if it throws. @param passOn what `log` throws, too
   */
  during<Result>(call: () => Result, passOn = false): Result {
    this.#depth++;
    try {
      return call();
    } finally {
      if (--this.#depth === 0 && this.#lines.length > 0) this.#deliver(passOn);
    }
  }

  #deliver(passOn: boolean): void {
    const thrown: unknown[] = [];
    this.#depth++;
    try {
      for (; this.#lines.length > 0; this.#lines.shift()) {
        this.#deliverOne(this.#lines[0]!, passOn ? thrown : undefined);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // there is no stack left: the next call delivers the rest
    } finally {
      this.#depth--;
    }
    if (thrown.length > 0) throw thrown[0];
  }

  #deliverOne(line: string, thrown: unknown[] | undefined): void {
    try {
      this.#write(line);
    } catch (error) {
      if (thrown !== undefined) thrown.push(error);
      else this.#complain(`hakmem: log threw "${reasonOf(error)}" at the line: ${line}`);
    }
  }

  #complain(line: string): void {
    try {
      print(line);
    } catch (error) {
      if (error instanceof RangeError) throw error; // there may be no stack left
    }
  }
}

function print(line: string): void {
  console.error(line);
}
