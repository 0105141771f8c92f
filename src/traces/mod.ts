/**
 * Traces of real programs: the table of formats, and how a file becomes a trace. Adding a format: its file here, one line
 * below.
 *
 * @module
 */
import { android } from "./android.ts";
import { decompress, MOST_BYTES } from "./compression.ts";
import type { TraceFormat } from "./format.ts";
import { heaptrack } from "./heaptrack.ts";
import { malloclab } from "./malloclab.ts";
import { rawRecording } from "./raw_recording.ts";
import { recording } from "./recording.ts";
import { type Trace, TraceError } from "./trace.ts";
import { weeAlloc } from "./wee_alloc.ts";

export { type HistogramRow, samplePoints, summarise, type ThreadSummary, type TraceSummary } from "./summary.ts";
export { EVENT, EVENT_NAMES, NO_BLOCK, type Trace, TraceError } from "./trace.ts";

/** Every format that can be read. */
export const FORMATS: readonly TraceFormat[] = [android, malloclab, weeAlloc, heaptrack, recording, rawRecording];

const HEAD_BYTES = 4096;

/**
 * Decodes a trace, compressed or not. The format is found by the content.
 *
 * @throws TraceError if it is no trace, or damaged; the message says where.
 */
export function decodeTrace(bytes: Uint8Array<ArrayBuffer>): Trace {
  const content = decompress(bytes);
  const head = new TextDecoder("latin1").decode(content.subarray(0, HEAD_BYTES));
  const format = FORMATS.find(({ recognises }) => recognises(head));
  if (format === undefined) {
    const known = FORMATS.map(({ name, description }) => `${name} (${description})`).join(", ");
    throw new TraceError(`line 1: not a trace of a format that is known: ${known}`);
  }
  const trace = format.decode(content);
  if (trace.length === 0) throw new TraceError("there is no event in it");
  return trace;
}

/**
 * Reads a trace from a file.
 *
 * @throws TraceError if it cannot be read, is no trace, or is damaged; the message names the file.
 */
export function readTrace(path: string): Trace {
  try {
    return decodeTrace(readBytes(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TraceError(`${path}: ${reason}`, { cause: error });
  }
}

/** The bytes of a file, or of a pipe: whatever it is, it is read no further than the limit. */
function readBytes(path: string, limit: number = MOST_BYTES): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  let bytes = new Uint8Array(Math.min(file.statSync().size, limit) + 1), length = 0;
  for (let count: number | null = 0; count !== null; count = file.readSync(bytes.subarray(length))) {
    length += count;
    if (length > limit) throw new TraceError(`more than ${limit} bytes`);
    if (length === bytes.length) bytes = new Uint8Array(bytes.buffer.transfer(2 * length));
  }
  return bytes.subarray(0, length);
}
