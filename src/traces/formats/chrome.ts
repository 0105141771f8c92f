/**
 * Chrome's Trace Event Format as `../writing/chrome.ts` writes it and shows it: a line an event, allocations as instant
 * events of a category of their own. Other files of that format have no allocations: Chrome's own traces have sums at
 * most.
 *
 * @module
 */
import type { TraceBuilder } from "../builder.ts";
import { EVENT, EVENT_NAMES, NO_BLOCK } from "../trace.ts";
import { decodeLines } from "../text/lines.ts";
import { CHROME_HEAD, HEAP_CATEGORY } from "../writing/chrome.ts";
import type { TraceFormat } from "./format.ts";

/** The format. */
export const chrome: TraceFormat = {
  name: "chrome",
  description: "trace convert's JSON for Perfetto and chrome://tracing",
  recognises: (head) => head.startsWith(CHROME_HEAD),
  decode: (content, sink) => {
    let isWhole = false, newest = NO_BLOCK;
    return decodeLines(chrome.name, content, sink, { names: "decimal", shapes: [] }, (builder, line) => {
      if (line.startsWith(CHROME_HEAD)) return;
      if (/^\]\s*\}?\s*$/.test(line)) return void (isWhole = true);
      newest = Math.max(newest, decodeEvent(builder, line, newest));
    }, (builder) => {
      if (isWhole) builder.isWhole();
      else builder.cutOff();
    });
  },
};

/** @returns The block of the event. */
function decodeEvent<R>(builder: TraceBuilder<R>, line: string, newest: number): number {
  const { name, cat, ph, tid, args } = parsed(builder, line);
  if (cat !== HEAP_CATEGORY || ph !== "i") return NO_BLOCK;
  const kind = EVENT_NAMES.indexOf(String(name));
  if (!isCount(tid)) builder.fail(`"tid" is not a number`);
  if (kind === EVENT.THREAD_END) {
    builder.threadEnd(tid);
    return NO_BLOCK;
  }
  const { block, size, alignment } = typeof args === "object" && args !== null ? args as Record<string, unknown> : {};
  if (!isCount(block)) builder.fail(`"block" is not a number`);
  if (kind === EVENT.FREE) {
    builder.free(tid, block === NO_BLOCK ? null : block);
    return block;
  }
  if (!isCount(size)) builder.fail(`"size" is not a number of bytes`);
  if (kind === EVENT.MALLOC) builder.malloc(tid, block, size);
  else if (kind === EVENT.CALLOC) builder.calloc(tid, block, 1, size);
  else if (kind === EVENT.ALIGNED) builder.aligned(tid, block, isCount(alignment) ? alignment : NaN, size);
  else if (kind === EVENT.REALLOC) builder.realloc(tid, block > newest ? null : block, block, size);
  else builder.fail(`"${name}" is not a call: ${EVENT_NAMES.join(", ")} are`);
  return block;
}

function parsed<R>(builder: TraceBuilder<R>, line: string): Record<string, unknown> {
  try {
    const value = JSON.parse(line.replace(/,\s*$/, ""));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // It is not JSON.
  }
  return builder.fail("not an event in JSON, of which a line is one");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
