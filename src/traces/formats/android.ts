/**
 * Android's allocation traces (platform/system/extras, memory_replay): a line an event, by thread, with addresses.
 *
 *     202: malloc 0xb4827400 1024
 *     202: calloc 0xb4872020 17 8                    count and size
 *     202: realloc 0xb4841080 0xb4840a60 128         what it gave, what it was given
 *     485: memalign 0xae42d080 16 104                alignment and size
 *     202: free 0xb4827400
 *     486: thread_done 0x0
 *
 * Newer traces end their lines with the time at which the call began and ended, which is not read. A trace may begin in
 * the midst of a process, so it may free what it does not know.
 *
 * @module
 */
import type { TraceBuilder } from "../builder.ts";
import type { TraceFormat } from "./format.ts";
import { alignmentOf, decimal, decodeLines, pointerOf, sizeOf } from "../text/lines.ts";
import type { Shape } from "../text/shapes.ts";

/** The format. */
export const android: TraceFormat = {
  name: "android",
  description: "Android's memory_replay text",
  recognises: (head) => /^\d+: (malloc|calloc|realloc|memalign|free|thread_done) 0x[\da-f]+/i.test(head),
  decode: (content, sink) => decodeLines(android.name, content, sink, { partial: "frees", shapes: SHAPES }, decodeLine),
};

const SHAPES: readonly Shape[] = [
  ["%d: malloc 0x%x %d%*", (builder, thread, id, size) => builder.malloc(thread, id, size)],
  ["%d: free 0x%x%*", (builder, thread, id) => builder.free(thread, id)],
  ["%d: realloc 0x%x 0x%x %d%*", (builder, thread, id, oldId, size) => builder.realloc(thread, oldId, id, size)],
  ["%d: calloc 0x%x %d %d%*", (builder, thread, id, count, size) => builder.calloc(thread, id, count, size)],
];

function decodeLine<R>(builder: TraceBuilder<R>, line: string): void {
  const words = line.trimEnd().split(" ");
  const [name = "", call] = words;
  const thread = name.endsWith(":") ? decimal(name.slice(0, -1)) : NaN;
  if (Number.isNaN(thread)) builder.fail(`"${name}" is not a thread, such as 202:`);
  const id = pointerOf(builder, words[2]);
  switch (call) {
    case "malloc":
      return builder.malloc(thread, id, sizeOf(builder, words[3]));
    case "calloc":
      return builder.calloc(thread, id, sizeOf(builder, words[3]), sizeOf(builder, words[4]));
    case "realloc":
      return builder.realloc(thread, pointerOf(builder, words[3]), id, sizeOf(builder, words[4]));
    case "memalign":
      return builder.aligned(thread, id, alignmentOf(builder, words[3]), sizeOf(builder, words[4]));
    case "free":
      return builder.free(thread, id);
    case "thread_done":
      return builder.threadEnd(thread);
    default:
      builder.fail(`"${call}" is not a call: malloc, calloc, realloc, memalign, free and thread_done are`);
  }
}
