/**
 * What glibc's `mtrace()` writes to the file that `MALLOC_TRACE` names. It knows no threads, and begins where the program
 * calls it.
 *
 *     = Start
 *     @ ./prog:[0x1190] + 0x556919c8a2a0 0xa       an allocation: address, size
 *     @ ./prog:[0x11a5] < 0x556919c8a2a0           a realloc: what it was given,
 *     @ ./prog:[0x11a5] > 0x556919c8a4a0 0x64      and what it gave
 *     @ ./prog:[0x11b5] - 0x556919c8a4a0           a free
 *     @ ./prog:[0x11c0] ! 0x556919c8a4a0 0x64      a realloc that failed
 *     = End
 *
 * @module
 */
import type { BlockId } from "../block_table.ts";
import type { TraceFormat } from "./format.ts";
import { decodeLines, hexadecimal, pointerOf, sizeOf } from "../text/lines.ts";
import type { Shape } from "../text/shapes.ts";

/** The format. */
export const mtrace: TraceFormat = {
  name: "mtrace",
  description: "glibc's mtrace",
  recognises: (head) => /^(= Start|@ .* [-+<>!] (0x[\da-f]+|\(nil\)))/i.test(head),
  decode: (content, sink) => {
    /** What a realloc was given, until the next line says what it gave. */
    let moving: BlockId | null = null;
    const shapes: Shape[] = [
      ["@ %w + 0x%x 0x%h", (builder, id, size) => builder.malloc(THREAD, id, size)],
      ["@ %w - 0x%x", (builder, id) => builder.free(THREAD, id)],
      ["@ %w < 0x%x", (_builder, id) => void (moving = id)],
      ["@ %w > 0x%x 0x%h", (builder, id, size) => builder.realloc(THREAD, moving, id, size)],
    ];
    return decodeLines(mtrace.name, content, sink, { partial: "given", shapes }, (builder, line) => {
      if (/^= (Start|End)/.test(line)) return;
      const [, call, word, size] = CALL.exec(line) ?? [];
      if (call === undefined) return builder.fail(`"${line.slice(0, 60)}" is not a line of mtrace`);
      const id = pointerOf(builder, word);
      const bytes = () => sizeOf(builder, size, (word) => hexadecimal(word?.replace(/^0x/, "")));
      if (call === "+") builder.malloc(THREAD, id, id === null ? 0 : bytes());
      else if (call === "-") builder.free(THREAD, id);
      else if (call === "<") moving = id;
      else if (call === ">") builder.realloc(THREAD, moving, id, bytes());
      else builder.realloc(THREAD, id, null, 1); // it failed, whatever it asked for
    });
  },
};

const THREAD = 0;
const CALL = /^(?:@ .*? )?([-+<>!]) (0x[\da-f]+|\(nil\))(?: (0x[\da-f]+|0))?\s*$/i;
