/**
 * The traces of CMU's malloc lab (`.rep`): a head of four numbers, then a line for each request. A block is named by the
 * number that the request which makes it chooses.
 *
 *     20000        suggested heap size, not used
 *     3            names
 *     8            requests
 *     1            weight, not used
 *     a 0 512      malloc
 *     r 0 640      realloc
 *     f 0          free; of -1 it is free(NULL)
 *
 * @module
 */
import { TraceBuilder } from "./builder.ts";
import type { TraceFormat } from "./format.ts";
import { decimal, Lines } from "./lines.ts";
import type { Trace } from "./trace.ts";

/** The format. */
export const malloclab: TraceFormat = {
  name: "malloclab",
  description: "CMU malloc lab's .rep",
  recognises: (head) => /^(\d+\s+){4}([ar] \d+ \d|f -?\d)/.test(head),
  decode,
};

const THREAD = 0; // the format knows one
const HEAD_NUMBERS = 4;
const REQUESTS = 2;

function decode(bytes: Uint8Array): Trace {
  const lines = new Lines(bytes);
  const builder = new TraceBuilder(malloclab.name, lines.where);
  const head: number[] = [];
  let requests = 0;
  for (const line of lines) {
    const words = line.split(/\s+/).filter((word) => word !== "");
    if (words.length === 0) continue;
    if (head.length < HEAD_NUMBERS) {
      head.push(...words.map(decimal));
      continue;
    }
    decodeLine(builder, words);
    requests++;
  }
  if (requests !== head[REQUESTS]) {
    builder.fail(`the file ends after ${requests} requests, and its head says ${head[REQUESTS]}`);
  }
  return builder.finish();
}

function decodeLine(builder: TraceBuilder, [request, name, size]: readonly string[]): void {
  if (request === "f" && name === "-1") return builder.free(THREAD, null);
  const id = decimal(name);
  if (Number.isNaN(id)) builder.fail(`"${name ?? ""}" is no block's number`);
  switch (request) {
    case "a":
      return builder.malloc(THREAD, id, decimal(size));
    case "r":
      return builder.realloc(THREAD, id, id, decimal(size));
    case "f":
      return builder.free(THREAD, id);
    default:
      builder.fail(`"${request}" is no request: a, r and f are`);
  }
}
