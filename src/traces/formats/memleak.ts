/**
 * What `memleak -t` of the BPF tools writes: of bcc's in Python (also as `memleak-bpfcc`), and of libbpf-tools', which
 * leaves its lines in the kernel's `trace_pipe`. All that is read are allocations that have returned, and frees; a calloc, an
 * aligned allocation and a realloc are mallocs there, and a realloc frees before it. It attaches to a program that runs, and
 * writes no free of a block from before that.
 *
 *     (b'top', 11748, 8, b'...11', 3393.638436, b'alloc entered, size = 7')
 *     (b'top', 11748, 8, b'...11', 3393.638438, b'alloc exited, size = 7, result = 56140ebca620')
 *     (b'top', 11748, 8, b'...11', 3393.638444, b'free entered, address = 56140ebc92b0, size = 7')
 *     top-11748   [008] ...11  3393.638438: bpf_trace_printk: alloc exited, size = 7, result = 56140ebca620
 *
 * @module
 */
import { address, decimal, decodeLines, sizeOf } from "../text/lines.ts";
import type { TraceFormat } from "./format.ts";

/** The format. */
export const memleak: TraceFormat = {
  name: "memleak",
  description: "memleak -t of the BPF tools (bcc)",
  recognises: (head) => /\b(alloc (entered|exited), size = \d+|free entered, address = [\da-f]+)/.test(head),
  decode: (content, sink) =>
    decodeLines(memleak.name, content, sink, { partial: "given", shapes: [] }, (builder, line) => {
      const { freed, size, given } = CALL.exec(line)?.groups ?? {};
      if (freed === undefined && size === undefined) return;
      const thread = decimal(THREAD.exec(line)?.slice(1).find((name) => name !== undefined) ?? "0");
      const id = address(freed ?? given);
      if (id === undefined) return builder.fail(`"${freed ?? given}" is not an address, as 56140ebca620 is`);
      if (freed !== undefined) builder.free(thread, id);
      else builder.malloc(thread, id, id === null ? 0 : sizeOf(builder, size));
    }),
};

const CALL = /\b(?:free entered, address = (?<freed>\w+)|alloc exited, size = (?<size>\w+), result = (?<given>\w+))/;
/** Behind the program's name, in either form. */
const THREAD = /', (\d+), \d+, b?'|-(\d+) +\[\d+\]/;
