/**
 * The log of `valgrind --trace-malloc=yes`, which has lines of its own between those that matter here. It knows no
 * threads; if there are several processes, the first one's calls are read.
 *
 *     --1234-- malloc(472) = 0x4B0B040
 *     --1234-- realloc(0x0,1600)malloc(1600) = 0x4B0CA10        of null: the malloc in it is named, too
 *     --1234-- realloc(0x4A40190,0)free(0x4A40190)              to nothing: a free
 *     --1234--  = 0
 *     --1234-- memalign(al 64, size 100) = 0x4A40200
 *     --1234-- _Znwm(4) = 0x4D6DC80                             operator new
 *     --1234-- _ZdlPvm(0x4D6DC80)                               operator delete
 *
 * @module
 */
import type { TraceBuilder } from "../builder.ts";
import type { TraceFormat } from "./format.ts";
import { OneProcess } from "./one_process.ts";
import { decimal, decodeLines, pointerOf, sizeOf } from "../text/lines.ts";
import type { Shape, TakeNumbers } from "../text/shapes.ts";

/** The format. */
export const valgrind: TraceFormat = {
  name: "valgrind",
  description: "valgrind --trace-malloc=yes",
  recognises: (head) => /^(--\d+-- .*\(.*\)|==\d+== )/m.test(head),
  decode: (content, sink) => {
    const processes = new OneProcess(), isOurs = (pid: number) => processes.isOurs(pid);
    const allocation: TakeNumbers = (builder, pid, size, id) => {
      if (isOurs(pid)) builder.malloc(THREAD, id, size);
    };
    const free: TakeNumbers = (builder, pid, id) => {
      if (isOurs(pid)) builder.free(THREAD, id);
    };
    const shapes: Shape[] = [
      ...["malloc", "_Znwm", "_Znam"].map((name): Shape => [`--%d-- ${name}(%d) = 0x%x`, allocation]),
      ...["free", "_ZdlPv", "_ZdlPvm", "_ZdaPv"].map((name): Shape => [`--%d-- ${name}(0x%x)`, free]),
    ];
    return decodeLines(valgrind.name, content, sink, { partial: "given", shapes }, (builder, line) => {
      const [, pid, text] = /^--(\d+)-- (.*)$/.exec(line) ?? [];
      const call = text === undefined ? undefined : CALL.exec(text)?.groups;
      if (call === undefined) return;
      if (isOurs(decimal(pid))) decodeCall(builder, call);
    }, (builder) => {
      processes.remark(builder);
    });
  },
};

const THREAD = 0;
/** A call, and the one in it; `= 0x0` of a call that failed may follow in a line of its own, so it may be missing. */
const CALL =
  /^(?<name>[A-Za-z_]\w*)\((?<given>[^)]*)\)(?<inner>[A-Za-z_]\w*\([^)]*\))?(?:.*? = (?<result>0x[\da-fA-F]+))?/;

function decodeCall<R>(
  builder: TraceBuilder<R>,
  { name = "", given = "", inner, result }: Partial<Record<string, string>>,
): void {
  const words = given.split(",").map((word) => word.trim());
  const gave = () => result === undefined ? null : pointerOf(builder, result);
  if (/^(free|cfree|free_sized|free_aligned_sized|__?builtin_(vec_)?delete|_Zd[al]Pv)/.test(name)) {
    builder.free(THREAD, pointerOf(builder, words[0]));
  } else if (name === "realloc" || name === "reallocf") {
    const old = pointerOf(builder, words[0]);
    builder.realloc(
      THREAD,
      old,
      inner?.startsWith("free(") ? null : gave(),
      sizeOf(builder, words[1], failing(result)),
    );
  } else if (name === "calloc") {
    const numberOf = failing(result);
    builder.calloc(THREAD, gave(), sizeOf(builder, words[0], numberOf), sizeOf(builder, words[1], numberOf));
  } else if (/^(malloc|valloc|memalign|aligned_alloc)$|^(__?builtin_(vec_)?new|_Zn[aw][jm])/.test(name)) {
    const alignment = /\bal (\d+)/.exec(given)?.[1];
    const size = sizeOf(builder, /\bsize (\d+)/.exec(given)?.[1] ?? words[0], failing(result));
    if (alignment === undefined) builder.malloc(THREAD, gave(), size);
    else builder.aligned(THREAD, gave(), decimal(alignment), size);
  }
}

/** What a call that failed had asked for is not of interest, and may be more than there can be. */
function failing(result: string | undefined): (word: string | undefined) => number {
  return (word) => result === undefined || /^0x0+$/.test(result) ? Math.min(1, decimal(word)) : decimal(word);
}
