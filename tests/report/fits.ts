import { assert, assertEquals } from "@std/assert";

/** In a pipe, a report begins with the answer, whole, so that `head -1` gives all of it; what follows fits 100 columns. */
export function assertFits(text: string, answer: string): void {
  const [first, ...rest] = text.split("\n");
  assertEquals(first, answer);
  for (const line of rest) assert(line.length <= 100, line);
}
