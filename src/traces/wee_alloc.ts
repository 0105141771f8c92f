/**
 * The traces of Rust's wee_alloc (`.trace`), which are pieces of a Rust array: blocks are named by their position among
 * the allocations, from 0.
 *
 *     Alloc(552),
 *     Free(0),
 *
 * @module
 */
import { TraceBuilder } from "./builder.ts";
import type { TraceFormat } from "./format.ts";
import { Lines } from "./lines.ts";
import type { Trace } from "./trace.ts";

/** The format. */
export const weeAlloc: TraceFormat = {
  name: "wee_alloc",
  description: "wee_alloc's .trace",
  recognises: (head) => /^\s*(Alloc|Free)\(\d+\)/.test(head),
  decode,
};

const THREAD = 0; // the format knows one

function decode(bytes: Uint8Array): Trace {
  const lines = new Lines(bytes);
  const builder = new TraceBuilder(weeAlloc.name, lines.where);
  let allocations = 0;
  for (const line of lines) {
    const text = line.trim();
    if (text === "") continue;
    const [, call, number] = /^(Alloc|Free)\((\d+)\),?$/.exec(text) ?? [];
    if (call === "Alloc") builder.malloc(THREAD, allocations++, Number(number));
    else if (call === "Free") builder.free(THREAD, Number(number));
    else builder.fail(`"${text.slice(0, 40)}" is neither Alloc(size) nor Free(number)`);
  }
  return builder.finish();
}
