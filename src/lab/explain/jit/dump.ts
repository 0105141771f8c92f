/**
 * The machine code that V8 wrote to `jit-PID.dump` (its flag `--perf-prof`): names and lengths of what it compiled.
 *
 *     file    magic "JiTD", version, bytes of this header, processor, 0, process, u64 time, u64 flags
 *     record  u32 kind, u32 bytes with this header, u64 nanoseconds, then by kind
 *     kind 0  u32 process, u32 thread, u64 address, u64 address, u64 code bytes, u64 index, name, 0, the code
 *     name    JS:*'mixedChunk file:///.../random_mixed.ts:76:20
 *
 * In a name, `*` is TurboFan, `+` Maglev and `^` Sparkplug (baseline); `o` in front of it is code that was entered in the
 * middle of the loop, `'` behind it code for one closure.
 *
 * The records cannot be walked: V8 15 writes lengths of source-position records (kind 2) that are too small or too large
 * where functions of several files were inlined. So a record is found by its name, and must be as long as its parts.
 *
 * @module
 */

/** One piece of code. */
export interface CodeLoad {
  /** As V8 writes it. */
  readonly name: string;
  readonly codeBytes: number;
}

const MAGIC = 0x4a695444; // "JiTD", on a little-endian machine
const CODE_LOAD = 0;
const CODE_LOAD_HEADER = 56;
const PREFIX = new TextEncoder().encode("JS:");

/** The functions' code in a dump, in the order in which it was made. What is cut off at the end is left out. */
export function parseJitDump(dump: Uint8Array<ArrayBuffer>): CodeLoad[] {
  const view = new DataView(dump.buffer, dump.byteOffset, dump.byteLength);
  if (dump.length < CODE_LOAD_HEADER || view.getUint32(0, true) !== MAGIC) return [];
  const loads: CodeLoad[] = [];
  for (let at = dump.indexOf(PREFIX[0] as number); at >= 0; at = dump.indexOf(PREFIX[0] as number, at + 1)) {
    const record = at - CODE_LOAD_HEADER;
    if (record < 0 || PREFIX.some((byte, index) => dump[at + index] !== byte)) continue;
    const bytes = view.getUint32(record + 4, true);
    const codeBytes = Number(view.getBigUint64(record + 40, true));
    const end = dump.indexOf(0, at);
    const isRecord = view.getUint32(record, true) === CODE_LOAD && record + bytes <= dump.length &&
      end >= 0 && end + 1 + codeBytes === record + bytes;
    if (!isRecord) continue;
    loads.push({ name: new TextDecoder().decode(dump.subarray(at, end)), codeBytes });
    at = record + bytes - 1;
  }
  return loads;
}

/** Bytes of the last code of a function by a compiler, `*` or `+`; the whole function's rather than a loop's alone. */
export function codeBytesOf(loads: readonly CodeLoad[], name: string, compiler: string): number | undefined {
  const last = (prefix: string) =>
    loads.findLast((load) => load.name.replace("'", "").startsWith(`JS:${prefix}${name} `))?.codeBytes;
  return last(compiler) ?? last(`o${compiler}`);
}
