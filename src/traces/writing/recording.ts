/**
 * Writes our own format (`../recording/recording.ts` shows it): the smallest, about a byte an event. Of a trace it keeps
 * the events and how long the program ran; threads are numbered in the order of their first events.
 *
 * @module
 */
import { joined } from "../files/bytes.ts";
import { RecordingWriter } from "../recording/recording.ts";
import { EVENT, NO_BLOCK, type Trace } from "../trace.ts";
import type { TraceWriter } from "./writer.ts";

/** The format. */
export const recordingWriter: TraceWriter = {
  name: "hakmem",
  description: "our own, as record writes it: the smallest",
  endings: [".trace"],
  pieces: piecesOf,
};

function* piecesOf({ length, kinds, threads, blocks, sizes, alignments, ran }: Trace): Generator<Uint8Array> {
  const parts: Uint8Array[] = [];
  const writer = new RecordingWriter((part) => void parts.push(part.slice()), ran);
  let newest = NO_BLOCK;
  for (let event = 0; event < length; event++) {
    const thread = threads[event]!, block = blocks[event]!, size = sizes[event]!, kind = kinds[event]!;
    const isFresh = block > newest;
    if (isFresh) newest = block;
    if (kind === EVENT.MALLOC || kind === EVENT.CALLOC) writer.allocation(kind, thread, size);
    else if (kind === EVENT.ALIGNED) writer.aligned(thread, alignments[event]!, size);
    else if (kind === EVENT.REALLOC) writer.realloc(thread, isFresh ? NO_BLOCK : block, size);
    else if (kind === EVENT.FREE) writer.free(thread, block);
    else writer.threadEnd(thread);
    if (parts.length > 0) yield joined(parts.splice(0));
  }
  writer.finish();
  yield joined(parts);
}
