/** GMP, `mp_set_memory_functions`: digits of e by binary splitting, each step of which has numbers of its own. */

import { type NativeAllocator, openLibrary } from "../../mod.ts";
import { checksum, type Client, through } from "./client.ts";

const LIBRARY = "libgmp.so.10";

const SYMBOLS = {
  __gmp_set_memory_functions: { parameters: ["pointer", "pointer", "pointer"], result: "void" },
  __gmpz_init_set_ui: { parameters: ["buffer", "u64"], result: "void" },
  __gmpz_ui_pow_ui: { parameters: ["buffer", "u64", "u64"], result: "void" },
  __gmpz_mul: { parameters: ["buffer", "buffer", "buffer"], result: "void" },
  __gmpz_add: { parameters: ["buffer", "buffer", "buffer"], result: "void" },
  __gmpz_tdiv_q: { parameters: ["buffer", "buffer", "buffer"], result: "void" },
  __gmpz_get_str: { parameters: ["buffer", "i32", "buffer"], result: "pointer" },
  __gmpz_clear: { parameters: ["buffer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

function run(digits: number, allocator: NativeAllocator | undefined): string {
  using library = openLibrary(LIBRARY, SYMBOLS);
  const c = library.symbols;
  const { gmpAllocate = null, gmpReallocate = null, gmpFree = null } = allocator ?? {};
  c.__gmp_set_memory_functions(gmpAllocate, gmpReallocate, gmpFree);

  /** An `mpz_t`: two 32-bit words and a pointer. */
  const number = (value: number) => {
    const made = new Uint8Array(16);
    c.__gmpz_init_set_ui(made, BigInt(value));
    return made;
  };
  /** The sum of (from)! / k! for k from `from` + 1 to `to`, as p / q. */
  const split = (from: number, to: number): [p: Uint8Array<ArrayBuffer>, q: Uint8Array<ArrayBuffer>] => {
    if (to - from === 1) return [number(1), number(to)];
    const middle = from + to >> 1, [p, q] = split(from, middle), [right, other] = split(middle, to);
    c.__gmpz_mul(p, p, other);
    c.__gmpz_add(p, p, right);
    c.__gmpz_mul(q, q, other);
    c.__gmpz_clear(right);
    c.__gmpz_clear(other);
    return [p, q];
  };

  try {
    return through(allocator, () => {
      let terms = 1;
      for (let log = 0; log < digits + 5; terms++) log += Math.log10(terms);
      const [p, q] = split(0, terms), scale = number(0);
      c.__gmpz_ui_pow_ui(scale, 10n, BigInt(digits - 1));
      c.__gmpz_add(p, p, q); // 1 / 0!
      c.__gmpz_mul(p, p, scale);
      c.__gmpz_tdiv_q(p, p, q);
      const text = new Uint8Array(digits + 2);
      c.__gmpz_get_str(text, 10, p);
      for (const each of [p, q, scale]) c.__gmpz_clear(each);
      const found = text.subarray(0, digits);
      return `${new TextDecoder().decode(found.subarray(0, 50))} ${checksum(found)}`;
    });
  } finally {
    c.__gmp_set_memory_functions(null, null, null);
  }
}

/** See the module. */
export const GMP: Client = {
  name: "GMP",
  library: LIBRARY,
  file: "gmp.ts",
  amount: 20_000,
  debugAmount: 20_000,
  unit: "digits",
  run,
};
