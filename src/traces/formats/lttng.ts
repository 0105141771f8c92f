/**
 * What babeltrace prints of LTTng's events of libc, which `liblttng-ust-libc-wrapper.so` makes (`lttng enable-event -u
 * 'lttng_ust_libc:*'`; with `lttng add-context -u -t vpid -t vtid` threads are told apart). Lines of other events are
 * passed over; if there are several processes, the first one's calls are read.
 *
 *     [20:28:18.298783481] (+0.000042333) host lttng_ust_libc:calloc: { cpu_id = 1 }, { vtid = 30193 }, { nmemb = 100, size = 1, ptr = 0x557F8AEC6550 }
 *     … lttng_ust_libc:realloc: { cpu_id = 1 }, { in_ptr = 0x0, size = 1600, ptr = 0x564AFC44B860 }
 *     … lttng_ust_libc:posix_memalign: { cpu_id = 1 }, { out_ptr = 0x7FA32C000900, alignment = 64, size = 100, result = 0 }
 *
 * The wrapper does not know `aligned_alloc`: frees of its blocks are of unknown ones.
 *
 * @module
 */
import type { TraceBuilder } from "../builder.ts";
import { alignmentOf, decimal, decodeLines, pointerOf, sizeOf } from "../text/lines.ts";
import type { TraceFormat } from "./format.ts";
import { OneProcess } from "./one_process.ts";

/** The format. */
export const lttng: TraceFormat = {
  name: "lttng",
  description: "LTTng's events of libc, by babeltrace",
  recognises: (head) => /^\[.*\] .* lttng_ust_libc:\w+: \{/m.test(head),
  decode: (content, sink) => {
    const processes = new OneProcess();
    return decodeLines(lttng.name, content, sink, { partial: "given", shapes: [] }, (builder, line) => {
      const { call, context, given } = EVENT_LINE.exec(line)?.groups ?? {};
      if (call === undefined) return;
      const { vpid, vtid = vpid ?? "0" } = fieldsOf(context!);
      if (processes.isOurs(vpid ?? "")) decodeCall(builder, decimal(vtid), call, fieldsOf(given!));
    }, (builder) => processes.remark(builder));
  },
};

const EVENT_LINE = / lttng_ust_libc:(?<call>\w+): (?<context>.*)\{ (?<given>[^{}]*) \}\s*$/;

function fieldsOf(text: string): Partial<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(/(\w+) = (\w+)/g)].map(([, name, value]) => [name, value]));
}

function decodeCall<R>(
  builder: TraceBuilder<R>,
  thread: number,
  call: string,
  fields: Partial<Record<string, string>>,
): void {
  const { nmemb, size, alignment, ptr, in_ptr, out_ptr, result } = fields;
  const id = result === undefined || result === "0" ? pointer(builder, out_ptr ?? ptr) : null;
  const bytes = () => id === null ? decimal(size) || 0 : sizeOf(builder, size); // of a call that failed, anything
  switch (call) {
    case "malloc":
      return builder.malloc(thread, id, bytes());
    case "calloc":
      return builder.calloc(thread, id, id === null ? 0 : sizeOf(builder, nmemb), bytes());
    case "realloc":
      return builder.realloc(thread, pointer(builder, in_ptr), id, bytes());
    case "memalign":
    case "posix_memalign":
      return builder.aligned(thread, id, alignmentOf(builder, alignment), bytes());
    case "free":
      return builder.free(thread, id);
    default:
      builder.fail(`"${call}" is not an event of libc: malloc, calloc, realloc, memalign, posix_memalign and free are`);
  }
}

function pointer<R>(builder: TraceBuilder<R>, word: string | undefined) {
  return pointerOf(builder, word === "0x0" ? "0" : word);
}
