/**
 * The traces of CMU's malloc lab (`.rep`) and of the labs that were made after it: a head of two to four numbers, then a
 * line for each request. A block is named by the number that the request which makes it chooses.
 *
 *     20000        suggested heap size, not used
 *     3            names
 *     8            requests
 *     1            weight, not used
 *     a 0 512      malloc
 *     r 0 640      realloc; of a name that has no block it is realloc(NULL)
 *     f 0          free; of -1 it is free(NULL)
 *
 * @module
 */
import type { TraceBuilder } from "../builder.ts";
import type { TraceFormat } from "./format.ts";
import { decimal, decodeLines, sizeOf } from "../text/lines.ts";
import type { Shape } from "../text/shapes.ts";

/** The format. */
export const malloclab: TraceFormat = {
  name: "malloclab",
  description: "CMU malloc lab's .rep",
  recognises: (head) => /^\s*(\d+\s+){2,4}([ar] \d+ -?\d|f -?\d)/.test(head),
  decode: (content, sink) => {
    const head: number[] = [];
    return decodeLines(malloclab.name, content, sink, { names: "decimal", shapes: SHAPES }, (builder, line) => {
      const words = line.includes("\t") || line.includes("  ") || line.startsWith(" ")
        ? line.trim().split(/\s+/)
        : line.split(" ");
      if (builder.events === 0 && words.every((word) => /^\d+$/.test(word))) {
        head.push(...words.map(decimal));
      } else {
        decodeRequest(builder, words);
      }
    }, (builder) => {
      const requests = builder.events;
      if (head.includes(requests)) return builder.isWhole();
      const said = head.length === 2 ? head[1] : head[REQUESTS];
      builder.remark(`its head says ${said} requests, and it has ${requests}`);
      if (requests < said!) builder.cutOff();
    });
  },
};

const THREAD = 0; // the format knows one
const REQUESTS = 2; // in a head of three or four numbers

const SHAPES: readonly Shape[] = [
  ["a %d %d", (builder, id, size) => builder.malloc(THREAD, id, size)],
  ["f %d", (builder, id) => builder.free(THREAD, id)],
  ["r %d %d", (builder, id, size) => builder.realloc(THREAD, builder.isLive(id) ? id : null, id, size)],
];

function decodeRequest<R>(builder: TraceBuilder<R>, [request, name, size]: readonly string[]): void {
  if (request === "f" && name === "-1") return builder.free(THREAD, null);
  const id = decimal(name);
  if (Number.isNaN(id)) builder.fail(`"${name ?? ""}" is not a block's number`);
  switch (request) {
    case "a":
      return builder.malloc(THREAD, id, sizeOf(builder, size));
    case "r":
      return builder.realloc(THREAD, builder.isLive(id) ? id : null, id, sizeOf(builder, size));
    case "f":
      return builder.free(THREAD, id);
    default:
      builder.fail(`"${request}" is not a request: a, r and f are`);
  }
}
