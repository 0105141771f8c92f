/** Programs whose calls are known, built, recorded, and run under valgrind, which is the other witness. */
import { Recording, type RecordPlan } from "../../../src/lab/record/record.ts";
import { buildNative } from "../../../src/os/mod.ts";
import type { RecordedProcess, RecordFile } from "../../../src/model/mod.ts";
import { readTrace, type Trace } from "../../../src/traces/mod.ts";

const LINUX = Deno.build.os === "linux";

/** A test of what is on Linux alone, with a folder that is gone afterwards. */
export function linuxTest(name: string, fn: (folder: string, t: Deno.TestContext) => Promise<void>): void {
  Deno.test({
    name: `${name}${LINUX ? "" : " (skipped: not on Linux)"}`,
    ignore: !LINUX,
    fn: async (t) => {
      const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
      try {
        await fn(folder, t);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Builds a program of the folder `recorded`, or a library; gives its path. */
export async function build(
  name: string,
  kind: "executable" | "library" = "executable",
  ...flags: string[]
): Promise<string> {
  const sources = [new URL(`./programs/${name}.c`, import.meta.url)];
  return (await buildNative({ name: `recorded-${name}`, sources, kind, flags: ["-fno-builtin", "-pthread", ...flags] }))
    .path;
}

/** What became of a program, and its traces in the order of `processes`. */
export type Recorded = Pick<RecordFile, "processes" | "replaced" | "exitCode" | "signal"> & {
  readonly traces: readonly Trace[];
};

/** Records a program in a folder of its own, which is gone afterwards. */
export function recorded(program: string, ...args: string[]): Promise<Recorded> {
  return recordedAs({ program, args }, ({ processes }) => processes.map(({ file }) => readTrace(file)))
    .then(({ made, ...found }) => ({ ...found, traces: made }));
}

/** The same in some way; what `use` makes of the files, while they are there, is `made`. */
export async function recordedAs<Made>(
  plan: Omit<RecordPlan, "file">,
  use: (found: Pick<RecordFile, "processes" | "missing">) => Made | Promise<Made>,
): Promise<Omit<Recorded, "traces"> & { readonly made: Made }> {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    using recording = await Recording.start({ ...plan, file: `${folder}/program.trace` });
    const outcome = await recording.outcome();
    const found = await recording.finish(() => {}, new AbortController().signal);
    return { ...outcome, ...found, made: await use(found) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The sums that both witnesses can give. */
export interface Sums {
  readonly mallocs: number;
  readonly callocs: number;
  readonly aligned: number;
  readonly reallocs: number;
  readonly frees: number;
  readonly bytes: number;
  readonly peakLiveBytes: number;
  readonly endLiveBytes: number;
  readonly endLiveBlocks: number;
}

/** Those of a recording. */
export function sumsOf({ kinds, allocatedBytes, peakLiveBytes, endLiveBytes, endLiveBlocks }: RecordedProcess): Sums {
  const { malloc = 0, calloc = 0, aligned = 0, realloc = 0, free = 0 } = kinds;
  const counts = { mallocs: malloc, callocs: calloc, aligned, reallocs: realloc, frees: free };
  return { ...counts, bytes: allocatedBytes, peakLiveBytes, endLiveBytes, endLiveBlocks };
}

/** What valgrind saw of a program of one thread; of several, the lines of its log are mixed. */
export async function valgrind(program: string, ...args: string[]): Promise<Sums> {
  return witnessed(await valgrindLog(["--trace-malloc=yes", program, ...args]));
}

/** What valgrind counted in a program. */
export interface ValgrindTotals {
  /** Reallocs are among them, and among the frees. */
  readonly allocations: number;
  readonly frees: number;
  readonly bytes: number;
  readonly endLiveBlocks: number;
}

/** Runs a program of any number of threads under valgrind. */
export async function valgrindTotals(program: string): Promise<ValgrindTotals> {
  const log = (await valgrindLog([program])).replaceAll(",", "");
  const [, endLiveBlocks] = /in use at exit: \d+ bytes in (\d+) blocks/.exec(log) ?? [];
  const usage = /heap usage: (\d+) allocs (\d+) frees (\d+) bytes/.exec(log) ?? [];
  const [allocations = NaN, frees = NaN, bytes = NaN] = usage.slice(1).map(Number);
  return { allocations, frees, bytes, endLiveBlocks: Number(endLiveBlocks) };
}

/** What valgrind prints; libc frees nothing of its own at the end, as it does not without valgrind. */
async function valgrindLog(args: readonly string[]): Promise<string> {
  const { stderr } = await new Deno.Command("valgrind", {
    args: ["--run-libc-freeres=no", "--run-cxx-freeres=no", ...args],
    stdin: "null",
    stdout: "null",
  }).output();
  return new TextDecoder().decode(stderr);
}

/** Whether there is a valgrind. */
export function hasValgrind(): boolean {
  try {
    return LINUX && new Deno.Command("valgrind", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

function witnessed(log: string): Sums {
  const live = new Map<string, number>();
  const counts = { mallocs: 0, callocs: 0, aligned: 0, reallocs: 0, frees: 0 };
  let bytes = 0, liveBytes = 0, peakLiveBytes = 0;
  const allocate = (kind: keyof typeof counts, block: string, size: number) => {
    if (block === "0x0") return;
    counts[kind]++;
    bytes += size;
    liveBytes += size;
    live.set(block, size);
    peakLiveBytes = Math.max(peakLiveBytes, liveBytes);
  };
  const release = (block: string) => {
    liveBytes -= live.get(block) ?? 0;
    return live.delete(block);
  };
  for (const line of log.split("\n")) {
    // A call that fails has no line of its own end: the next one follows on the same line.
    const call = line.replace(/^--\d+-- /, "").replace(/^calloc\(\d+,\d+\)(?=\w)/, "");
    const words = /^(?:realloc\(0x0,\d+\))?(malloc|calloc|memalign|realloc|free)\((.*?)\)(?: = (0x\w+))?/.exec(call);
    if (words === null) continue;
    const [, name, argumentText = "", block = ""] = words;
    const [first = "", second = ""] = argumentText.split(",");
    if (name === "malloc") allocate("mallocs", block, Number(first));
    else if (name === "calloc") allocate("callocs", block, Number(first) * Number(second));
    else if (name === "memalign") allocate("aligned", block, Number(second.replace(/^ size /, "")));
    else if (name === "free" || second === "0") counts.frees += release(first) ? 1 : 0;
    else if (name === "realloc" && block !== "0x0") {
      release(first);
      allocate("reallocs", block, Number(second));
    }
  }
  return { ...counts, bytes, peakLiveBytes, endLiveBytes: liveBytes, endLiveBlocks: live.size };
}
