/**
 * On which processors a thread may run: `sched_getaffinity` and `sched_setaffinity` of Linux.
 *
 * @module
 */
import { openLibc } from "./libc.ts";
import { granted } from "./permissions.ts";

const SYMBOLS = {
  sched_getaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
} as const;

/** Bytes of a `cpu_set_t`: 1,024 processors. */
const SET_BYTES = 128;

/**
 * The processors on which this process may run, by number; none where that is not to be known: the system is not Linux,
 * `--allow-ffi` is not granted, or there are more than 1,024.
 */
export function allowedProcessors(): number[] {
  const set = new Uint8Array(SET_BYTES);
  if (!call((libc) => libc.sched_getaffinity(0, BigInt(SET_BYTES), set) >= 0)) return [];
  return Array.from({ length: 8 * SET_BYTES }, (_, processor) => processor)
    .filter((processor) => (set[processor >> 3]! >> (processor & 7) & 1) === 1);
}

/**
 * Has the main threads of processes run on one processor from now on; their other threads go where the system wants.
 * What has ended is passed over.
 *
 * @param processor One of {@linkcode allowedProcessors}.
 */
export function keepOn(processor: number, processes: readonly number[]): void {
  const set = new Uint8Array(SET_BYTES);
  set[processor >> 3] = 1 << (processor & 7);
  call((libc) => processes.every((process) => libc.sched_setaffinity(process, BigInt(SET_BYTES), set) === 0));
}

type Functions = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** False where there is no such function, too. */
function call(use: (libc: Functions) => boolean): boolean {
  if (Deno.build.os !== "linux" || !granted({ name: "ffi" })) return false;
  const library = openLibc(SYMBOLS);
  try {
    return use(library.symbols);
  } finally {
    library.close();
  }
}
