/**
 * What was made of a trace, in a line of words: `trace convert`, `trace cut` and `trace anonymise`.
 *
 * @module
 */
import { counted } from "../tables/format.ts";
import { answer, type Palette, PLAIN, sentence } from "../tables/palette.ts";
import type { TraceWrittenFile } from "../../model/trace.ts";

/** What goes to stdout. */
export function renderWritten(file: TraceWrittenFile, palette: Palette = PLAIN): string {
  const { notes, format, output, writtenAs, events, threads, blocks } = file;
  const made = `${file.file} (${format}) to ${output} (${writtenAs}): ${counted(events, "event")} of ${
    counted(threads, "thread")
  }, ${counted(blocks, "block")}`;
  const lines = [...answer(made, palette), ...notes.flatMap((note) => sentence(`note: ${note}`, palette))];
  return `${lines.join("\n")}\n`;
}
