/**
 * What `heaptrack --raw` writes: text in which numbers are hexadecimal. Two kinds of lines matter here; the rest says
 * which code was running. It knows no threads, and a realloc is a free and an allocation. With `--pid` it begins in the
 * midst of a process, and does not know what that had allocated.
 *
 *     v 10400 3                   versions of heaptrack and of the format
 *     + 1d8 7 564f00e791e0        an allocation: size, stack, address
 *     - 564f00e79450              a free
 *
 * The files that heaptrack writes without `--raw` do not say which block is freed, only one of which kind.
 *
 * @module
 */
import type { TraceBuilder } from "../builder.ts";
import type { TraceFormat } from "./format.ts";
import { address, decodeLines, hexadecimal, sizeOf } from "../text/lines.ts";
import type { Shape } from "../text/shapes.ts";

/** The format. */
export const heaptrack: TraceFormat = {
  name: "heaptrack",
  description: "heaptrack --raw",
  recognises: (head) => /^v [\da-f]+ [\da-f]+\r?\n/.test(head),
  decode: (content, sink) =>
    decodeLines(heaptrack.name, content, sink, { partial: "given", shapes: SHAPES }, decodeLine),
};

const THREAD = 0;
const MOST_REPORTED = 40;

const SHAPES: readonly Shape[] = [
  ["+ %h %h %x", (builder, size, _stack, id) => builder.malloc(THREAD, id, size)],
  ["- %x", (builder, id) => builder.free(THREAD, id)],
  ["t %x %h", () => {}], // where code was called from, of which there are many
];

function decodeLine<R>(builder: TraceBuilder<R>, line: string): void {
  const words = line.trimEnd().split(" ");
  if (words[0] === "+" && words.length === 2) {
    builder.fail("this file was made without --raw, and does not say which blocks are freed");
  } else if (words[0] === "+") {
    const id = address(words[3]);
    if (id === undefined) builder.fail(`"${line.slice(0, MOST_REPORTED)}" is not an allocation`);
    builder.malloc(THREAD, id, sizeOf(builder, words[1], hexadecimal));
  } else if (words[0] === "-") {
    const id = address(words[1]);
    if (id === undefined) builder.fail(`"${line.slice(0, MOST_REPORTED)}" is not a free`);
    builder.free(THREAD, id);
  }
}
