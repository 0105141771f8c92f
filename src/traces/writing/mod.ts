/**
 * The formats that traces can be written in. Adding one: its file here, one line below.
 *
 * @module
 */
import type { Trace } from "../trace.ts";
import { androidWriter } from "./android.ts";
import { chromeWriter } from "./chrome.ts";
import { recordingWriter } from "./recording.ts";
import { packedPieces, splitPacked, type TraceWriter } from "./writer.ts";

/** Every format that can be written; the first is that of files whose names say nothing. */
export const WRITERS: readonly TraceWriter[] = [recordingWriter, androidWriter, chromeWriter];

/** The format that a file's name asks for by its ending, `x.json` or `x.json.gz`. */
export function writerFor(path: string): TraceWriter {
  const [name] = splitPacked(path);
  return WRITERS.find(({ endings }) => endings.some((ending) => name.endsWith(ending))) ?? WRITERS[0]!;
}

/**
 * A trace as the bytes of a file, in pieces that are made as they are asked for; each walk over them makes them anew.
 *
 * @param path Where they are to go: compressed if it ends in `.gz` or `.zst`.
 * @param title What a viewer may call the program.
 */
export function encodeTrace(trace: Trace, writer: TraceWriter, path: string, title: string): Iterable<Uint8Array> {
  const [, packed] = splitPacked(path);
  return { [Symbol.iterator]: () => packedPieces(writer.pieces(trace, title), packed) };
}
