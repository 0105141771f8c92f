/**
 * Logs of several processes in one file. Blocks of two processes may have the same address, so only the calls of the first
 * process are read; the others are counted.
 *
 * @module
 */
import type { TraceBuilder } from "../builder.ts";

/** See the module. */
export class OneProcess {
  #first: number | string | undefined;
  #others = 0;

  /** Whether a call is of the first process. */
  isOurs(process: number | string): boolean {
    this.#first ??= process;
    if (process === this.#first) return true;
    this.#others++;
    return false;
  }

  /** Says what was left out, if anything was. */
  remark(builder: Pick<TraceBuilder, "remark">): void {
    if (this.#others > 0) builder.remark(`${this.#others} calls of processes other than ${this.#first} are left out`);
  }
}
