/**
 * The Box's trace: a ring of the last list operations, for the message of the error that they led to. The Box writes
 * three words an operation; the last word of the array is how many there have been.
 *
 * @module
 */

import { hex } from "./errors.ts";

/** Operations that a ring holds; a power of two. */
export const TRACE_LENGTH = 64;
export const TRACE_PUSH = 1;
export const TRACE_POP = 2;

/** An empty ring. */
export function newTrace(): Int32Array {
  return new Int32Array(TRACE_LENGTH * 3 + 1);
}

/** The last operations, one a line, the latest first. */
export function describeTrace(trace: Int32Array): string {
  const count = trace[TRACE_LENGTH * 3]!;
  const lines: string[] = [];
  for (let index = count - 1; index >= Math.max(0, count - TRACE_LENGTH); index--) {
    const at = (index & (TRACE_LENGTH - 1)) * 3;
    lines.push(`  ${trace[at] === TRACE_PUSH ? "push" : "pop "} class ${trace[at + 1]} ${hex(trace[at + 2]!)}`);
  }
  return lines.join("\n");
}
