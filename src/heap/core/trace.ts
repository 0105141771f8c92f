/**
 * The Box's trace: a ring of the last list operations, for the message of the error that they led to. The Box writes
 * three words an operation; the last word of the array is how many there have been.
 *
 * @module
 */

import { hex } from "../errors.ts";

/** Operations that a ring holds; a power of two. */
export const TRACE_LENGTH = 64;
export const TRACE_PUSH = 1;
export const TRACE_POP = 2;
export const TRACE_SPLICE = 3;
const NAMES = ["", "push", "pop", "splice"];

/** An empty ring. */
export function newTrace(): Int32Array {
  return new Int32Array(TRACE_LENGTH * 3 + 1);
}

/** Adds an operation; the hot path does the same in line. */
export function record(trace: Int32Array, operation: number, sizeClass: number, ptr: number): void {
  const count = trace[TRACE_LENGTH * 3]!;
  trace.set([operation, sizeClass, ptr], (count & (TRACE_LENGTH - 1)) * 3);
  trace[TRACE_LENGTH * 3] = count + 1;
}

/** The last operations, one a line, the latest first. */
export function describeTrace(trace: Int32Array): string {
  const count = trace[TRACE_LENGTH * 3]!;
  const lines: string[] = [];
  for (let index = count - 1; index >= Math.max(0, count - TRACE_LENGTH); index--) {
    const at = (index & (TRACE_LENGTH - 1)) * 3;
    lines.push(`  ${NAMES[trace[at]!]!} class ${trace[at + 1]} ${hex(trace[at + 2]!)}`);
  }
  return lines.join("\n");
}
