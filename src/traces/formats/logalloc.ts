/**
 * What Firefox writes with `MALLOC_LOG=FILE` and its replace-malloc library logalloc, and what `logalloc_munge.py`
 * makes of it, in which blocks are numbers. If there are several processes, the first one's calls are read.
 *
 *     13663 13665 malloc(42)=0x7f0c33502040          process, thread, call; older versions write no thread
 *     13663 13665 calloc(1,24)=0x7f0c33503040
 *     13663 13665 realloc(0x7f0c33502040,60)=0x7f0c33502080
 *     13663 13665 posix_memalign(64,100)=0x7f0c33504000
 *     13663 13665 free(0x7f0c33503040)
 *     1 1 malloc(42)=#1                              munged
 *     1 1 free(#1)
 *     1 1 jemalloc_stats()                           passed over
 *
 * @module
 */
import type { BlockId } from "../block_table.ts";
import type { TraceBuilder } from "../builder.ts";
import { alignmentOf, decimal, decodeLines, pointerOf, sizeOf } from "../text/lines.ts";
import type { TraceFormat } from "./format.ts";
import { OneProcess } from "./one_process.ts";

/** The format. */
export const logalloc: TraceFormat = {
  name: "logalloc",
  description: "Firefox's MALLOC_LOG (logalloc)",
  recognises: (head) => /^\d+ (?:\d+ )?[a-z_]+\([^()\s]*\)(?:=(?:0x[\da-f]+|#\d+))?\r?$/i.test(head.split("\n", 1)[0]!),
  decode: (content, sink) => {
    const processes = new OneProcess();
    const options = { partial: "frees", names: "hexadecimal", shapes: [] } as const;
    return decodeLines(logalloc.name, content, sink, options, (builder, line) => {
      const { process = "", thread, call, given = "", result } = CALL.exec(line)?.groups ?? {};
      if (call === undefined) {
        return builder.fail(`"${line.slice(0, MOST_REPORTED)}" is not a call, as 1 1 malloc(42)=#1 is`);
      }
      if (processes.isOurs(process)) decodeCall(builder, decimal(thread ?? process), call, given.split(","), result);
    }, (builder) => processes.remark(builder));
  },
};

const CALL =
  /^(?<process>\d+) (?:(?<thread>\d+) )?(?<call>[a-z_]+)\((?<given>[^()\s]*|\(nil\))\)(?:=(?<result>\S+))?\s*$/i;
const MOST_REPORTED = 40;
const PAGE_BYTES = 4096;

function decodeCall<R>(
  builder: TraceBuilder<R>,
  thread: number,
  call: string,
  [first, second]: string[],
  result: string | undefined,
): void {
  const id = () => blockOf(builder, result);
  switch (call) {
    case "malloc":
      return builder.malloc(thread, id(), sizeOf(builder, first));
    case "calloc":
      return builder.calloc(thread, id(), sizeOf(builder, first), sizeOf(builder, second));
    case "realloc":
      return builder.realloc(thread, blockOf(builder, first), id(), sizeOf(builder, second));
    case "posix_memalign":
    case "aligned_alloc":
    case "memalign":
      return builder.aligned(thread, id(), alignmentOf(builder, first), sizeOf(builder, second));
    case "valloc":
      return builder.aligned(thread, id(), PAGE_BYTES, sizeOf(builder, first));
    case "free":
      return builder.free(thread, blockOf(builder, first));
    default:
      if (!call.startsWith("jemalloc_")) builder.fail(`"${call}" is not a call that logalloc writes`);
  }
}

/** An address, or a number that stands for it; `#0` is the null pointer. */
function blockOf<R>(builder: TraceBuilder<R>, word: string | undefined): BlockId | null {
  if (word?.startsWith("#") === true && /^#\d{1,15}$/.test(word)) return word === "#0" ? null : Number(word.slice(1));
  return pointerOf(builder, word === "0x0" ? "0" : word);
}
