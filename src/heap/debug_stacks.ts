/**
 * Stacks of the calls that allocate and free. A stack is captured when the call is made, and becomes text only when it
 * is shown, which costs far more. Where the capture alone is too much, one allocation in n has one: over a program's
 * run, a leak that matters is still seen.
 *
 * @module
 */

/** A captured stack. Reading `stack` formats it, once. */
export interface Stack {
  readonly stack: string;
}

/** Frames of this folder say nothing about the program. */
const OWN_FRAMES = new URL(".", import.meta.url).href;

/** The stack of this call. */
export function captureStack(): Stack {
  const holder = { stack: "" };
  Error.captureStackTrace(holder, captureStack);
  return holder;
}

/** Chooses which allocations have a stack. */
export class StackSampler {
  #left = 0;

  /** @param every one allocation in so many; 0 for none. */
  constructor(readonly every: number) {}

  /** A stack, or undefined if it is not this one's turn. The first allocation has one. */
  next(): Stack | undefined {
    if (this.every === 0) return undefined;
    if (this.#left-- > 0) return undefined;
    this.#left = this.every - 1;
    return captureStack();
  }
}

/** The program's frames of a stack, a line each; all frames if it has no others, as in a bundle. */
export function formatStack({ stack }: Stack): string {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const program = frames.filter((line) => !line.includes(OWN_FRAMES));
  return (program.length > 0 ? program : frames).map((line) => `    ${line.trim()}`).join("\n");
}
