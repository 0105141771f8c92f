/** zlib, `zalloc` and `zfree` of a `z_stream`: bytes there and back. */

import { type NativeAllocator, openLibrary } from "../../mod.ts";
import { checksum, type Client, compressible, through } from "./client.ts";

const LIBRARY = "libz.so.1";

const SYMBOLS = {
  zlibVersion: { parameters: [], result: "pointer" },
  compressBound: { parameters: ["u64"], result: "u64" },
  deflateInit_: { parameters: [/* z_stream * */ "buffer", "i32", /* version */ "pointer", "i32"], result: "i32" },
  deflate: { parameters: ["buffer", "i32"], result: "i32" },
  deflateEnd: { parameters: ["buffer"], result: "i32" },
  inflateInit_: { parameters: [/* z_stream * */ "buffer", /* version */ "pointer", "i32"], result: "i32" },
  inflate: { parameters: ["buffer", "i32"], result: "i32" },
  inflateEnd: { parameters: ["buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Words of a `z_stream`, of 8 bytes each. */
const NEXT_IN = 0, AVAILABLE_IN = 1, NEXT_OUT = 3, AVAILABLE_OUT = 4, TOTAL_OUT = 5, ALLOC = 8, FREE = 9, WORDS = 14;
const LEVEL = 1, FINISH = 4, STREAM_END = 1;

type Bytes = Uint8Array<ArrayBuffer>;

const addressOf = (value: Bytes | Deno.PointerObject) =>
  Deno.UnsafePointer.value(value instanceof Uint8Array ? Deno.UnsafePointer.of(value) : value);

function stream(from: Bytes, to: Bytes, allocator: NativeAllocator | undefined): BigUint64Array<ArrayBuffer> {
  const words = new BigUint64Array(WORDS);
  words[NEXT_IN] = addressOf(from);
  words[AVAILABLE_IN] = BigInt(from.length);
  words[NEXT_OUT] = addressOf(to);
  words[AVAILABLE_OUT] = BigInt(to.length);
  if (allocator) [words[ALLOC], words[FREE]] = [addressOf(allocator.zlibAlloc), addressOf(allocator.zlibFree)];
  return words;
}

function run(bytes: number, allocator: NativeAllocator | undefined): string {
  using library = openLibrary(LIBRARY, SYMBOLS);
  const c = library.symbols, version = c.zlibVersion(), data = compressible(bytes);
  const assertCode = (code: number, expected: number) => {
    if (code !== expected) throw new Error(`zlib: ${code}`);
  };
  return through(allocator, () => {
    const packed = new Uint8Array(Number(c.compressBound(BigInt(bytes)))), out = new Uint8Array(bytes);
    const there = stream(data, packed, allocator);
    assertCode(c.deflateInit_(there, LEVEL, version, WORDS * 8), 0);
    assertCode(c.deflate(there, FINISH), STREAM_END);
    assertCode(c.deflateEnd(there), 0);
    const length = Number(there[TOTAL_OUT]);
    const back = stream(packed.subarray(0, length), out, allocator);
    assertCode(c.inflateInit_(back, version, WORDS * 8), 0);
    const code = c.inflate(back, FINISH);
    assertCode(c.inflateEnd(back), 0);
    assertCode(code, STREAM_END);
    const sum = checksum(out);
    if (sum !== checksum(data)) throw new Error("zlib lost something");
    return `${length} ${sum} ${checksum(packed.subarray(0, length))}`;
  });
}

/** See the module. */
export const ZLIB: Client = {
  name: "zlib",
  library: LIBRARY,
  file: "zlib.ts",
  amount: 50_000_000,
  debugAmount: 5_000_000,
  unit: "bytes",
  run,
};
