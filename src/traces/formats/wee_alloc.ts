/**
 * The traces of Rust's wee_alloc (`.trace`), which are pieces of a Rust array: blocks are named by their position among
 * the allocations, from 0.
 *
 *     Alloc(552),
 *     Free(0),
 *
 * @module
 */
import type { TraceFormat } from "./format.ts";
import { decodeLines, sizeOf } from "../text/lines.ts";
import type { Shape } from "../text/shapes.ts";

/** The format. */
export const weeAlloc: TraceFormat = {
  name: "wee_alloc",
  description: "wee_alloc's .trace",
  recognises: (head) => /^\s*(Alloc|Free)\(\d+\)/.test(head),
  decode: (content, sink) => {
    let allocations = 0;
    const shapes: Shape[] = [
      ["Alloc(%d),", (builder, size) => builder.malloc(THREAD, allocations++, size)],
      ["Free(%d),", (builder, number) => builder.free(THREAD, number)],
    ];
    return decodeLines(weeAlloc.name, content, sink, { names: "decimal", shapes }, (builder, line) => {
      const [, call, number] = /^\s*(Alloc|Free)\((\d+)\)\s*,?\s*(?:\/\/.*)?$/.exec(line) ?? [];
      if (call === "Alloc") builder.malloc(THREAD, allocations++, sizeOf(builder, number));
      else if (call === "Free") builder.free(THREAD, Number(number));
      else builder.fail(`"${line.trim().slice(0, 40)}" is neither Alloc(size) nor Free(number)`);
    });
  },
};

const THREAD = 0; // the format knows one
