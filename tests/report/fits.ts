import { assertEquals } from "@std/assert";

/**
 * In a pipe, a report begins with the answer, whole, so that `head -1` gives all of it. If anything makes it doubtful,
 * `noisy: ...` follows, which is long where a machine is disturbed in many ways. What is behind that fits 100 columns.
 */
export function assertNarrow(text: string): void {
  const [, second = "", ...rest] = text.split("\n");
  const lines = second.startsWith("noisy: ") ? rest : [second, ...rest];
  assertEquals(lines.filter((line) => line.length > 100), []);
}

/** The same, and which answer it is. */
export function assertFits(text: string, answer: string): void {
  assertEquals(text.split("\n")[0], answer);
  assertNarrow(text);
}
