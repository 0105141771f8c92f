/** zstd, its `ZSTD_customMem`, which is a struct that is passed by value: bytes there and back. */

import { type NativeAllocator, openLibrary } from "../../mod.ts";
import { checksum, type Client, compressible, through } from "./client.ts";

const LIBRARY = "libzstd.so.1";

/** `customAlloc`, `customFree`, `opaque`; zeros stand for malloc. */
const CUSTOM_MEM = { struct: ["u64", "u64", "u64"] } as const;

const SYMBOLS = {
  ZSTD_createCCtx_advanced: { parameters: [CUSTOM_MEM], result: "pointer" },
  ZSTD_createDCtx_advanced: { parameters: [CUSTOM_MEM], result: "pointer" },
  ZSTD_freeCCtx: { parameters: ["pointer"], result: "usize" },
  ZSTD_freeDCtx: { parameters: ["pointer"], result: "usize" },
  ZSTD_isError: { parameters: ["usize"], result: "u32" },
  ZSTD_getErrorName: { parameters: ["usize"], result: "pointer" },
  ZSTD_compressBound: { parameters: ["usize"], result: "usize" },
  ZSTD_compressCCtx: { parameters: ["pointer", "buffer", "usize", "buffer", "usize", "i32"], result: "usize" },
  ZSTD_decompressDCtx: { parameters: ["pointer", "buffer", "usize", "buffer", "usize"], result: "usize" },
} as const satisfies Deno.ForeignLibraryInterface;

const LEVEL = 3;

function run(bytes: number, allocator: NativeAllocator | undefined): string {
  using library = openLibrary(LIBRARY, SYMBOLS);
  const c = library.symbols, data = compressible(bytes);
  return through(allocator, () => {
    const functions = allocator ? [allocator.opaqueAlloc, allocator.opaqueFree] : [null, null];
    const custom = new Uint8Array(new BigUint64Array([...functions.map(Deno.UnsafePointer.value), 0n]).buffer);
    const packed = new Uint8Array(Number(c.ZSTD_compressBound(BigInt(bytes)))), out = new Uint8Array(bytes);
    const there = c.ZSTD_createCCtx_advanced(custom), back = c.ZSTD_createDCtx_advanced(custom);
    try {
      if (there === null || back === null) throw new Error("zstd has no memory");
      const written = c.ZSTD_compressCCtx(there, packed, BigInt(packed.length), data, BigInt(bytes), LEVEL);
      const assertDone = (code: bigint) => {
        if (c.ZSTD_isError(code)) {
          throw new Error(`zstd: ${Deno.UnsafePointerView.getCString(c.ZSTD_getErrorName(code)!)}`);
        }
      };
      assertDone(written);
      assertDone(c.ZSTD_decompressDCtx(back, out, BigInt(bytes), packed, written));
      const sum = checksum(out);
      if (sum !== checksum(data)) throw new Error("zstd lost something");
      return `${written} ${sum} ${checksum(packed.subarray(0, Number(written)))}`;
    } finally {
      c.ZSTD_freeCCtx(there);
      c.ZSTD_freeDCtx(back);
    }
  });
}

/** See the module. */
export const ZSTD: Client = {
  name: "zstd",
  library: LIBRARY,
  file: "zstd.ts",
  amount: 50_000_000,
  debugAmount: 5_000_000,
  unit: "bytes",
  run,
};
