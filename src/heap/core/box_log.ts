/**
 * The Box's log: a ring of the last list operations, for the message of the error that they led to. The Box writes
 * three words an operation; the last word of the array is how many there have been.
 *
 * @module
 */

import { hex } from "../errors.ts";

/** Operations that a ring holds; a power of two. */
export const LOG_LENGTH = 64;
export const LOG_PUSH = 1;
export const LOG_POP = 2;
export const LOG_SPLICE = 3;
const NAMES = ["", "push", "pop", "splice"];

/** An empty ring. */
export function newBoxLog(): Int32Array {
  return new Int32Array(LOG_LENGTH * 3 + 1);
}

/** Adds an operation; the hot path does the same in line. */
export function record(log: Int32Array, operation: number, sizeClass: number, ptr: number): void {
  const count = log[LOG_LENGTH * 3]!;
  log.set([operation, sizeClass, ptr], (count & (LOG_LENGTH - 1)) * 3);
  log[LOG_LENGTH * 3] = count + 1;
}

/** The last operations, one a line, the latest first. */
export function describeBoxLog(log: Int32Array): string {
  const count = log[LOG_LENGTH * 3]!;
  const lines: string[] = [];
  for (let index = count - 1; index >= Math.max(0, count - LOG_LENGTH); index--) {
    const at = (index & (LOG_LENGTH - 1)) * 3;
    lines.push(`  ${NAMES[log[at]!]!} class ${log[at + 1]} ${hex(log[at + 2]!)}`);
  }
  return lines.join("\n");
}
