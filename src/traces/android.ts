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
 * Newer traces end their lines with the time at which the call began and ended, which is not read.
 *
 * @module
 */
import { type BlockId, TraceBuilder } from "./builder.ts";
import type { TraceFormat } from "./format.ts";
import { address, decimal, Lines } from "./lines.ts";
import type { Trace } from "./trace.ts";

/** The format. */
export const android: TraceFormat = {
  name: "android",
  description: "Android's memory_replay text",
  recognises: (head) => /^\d+: (malloc|calloc|realloc|memalign|free|thread_done) 0x[\da-f]+/i.test(head),
  decode,
};

function decode(bytes: Uint8Array): Trace {
  const lines = new Lines(bytes);
  const builder = new TraceBuilder(android.name, lines.where);
  for (const line of lines) {
    if (line !== "") decodeLine(builder, line.split(" "));
  }
  return builder.finish();
}

function decodeLine(builder: TraceBuilder, words: readonly string[]): void {
  const [name = "", call] = words;
  const thread = name.endsWith(":") ? decimal(name.slice(0, -1)) : NaN;
  if (Number.isNaN(thread)) builder.fail(`"${name}" is no thread, such as 202:`);
  const id = pointer(builder, words[2]);
  switch (call) {
    case "malloc":
      return builder.malloc(thread, id, decimal(words[3]));
    case "calloc":
      return builder.calloc(thread, id, decimal(words[3]), decimal(words[4]));
    case "realloc":
      return builder.realloc(thread, pointer(builder, words[3]), id, decimal(words[4]));
    case "memalign":
      return builder.aligned(thread, id, decimal(words[3]), decimal(words[4]));
    case "free":
      return builder.free(thread, id);
    case "thread_done":
      return builder.threadEnd(thread);
    default:
      builder.fail(`"${call}" is no call: malloc, calloc, realloc, memalign, free and thread_done are`);
  }
}

function pointer(builder: TraceBuilder, word: string | undefined): BlockId | null {
  const id = word?.startsWith("0x") ? address(word.slice(2)) : undefined;
  return id === undefined ? builder.fail(`"${word ?? ""}" is no address, such as 0xb4827400`) : id;
}
