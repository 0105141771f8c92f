/**
 * A process of `stress` as the command sees it: started, listened to, and ended if it falls silent.
 *
 * @module
 */
import { cacheForChildren, signalled } from "../../os/mod.ts";
import type { StressFailure, StressThreadsFailure } from "../../model/mod.ts";
import { heapLabel } from "../../report/mod.ts";
import type { StressMessage, StressRequest, StressSums } from "./child.ts";
import type { ThreadsRequest } from "./threads_child.ts";

const CONFIG = new URL("../../../deno.json", import.meta.url);
const START_MILLISECONDS = 10_000;
const STEP_MILLISECONDS = 50;
const NOTHING: StressSums = { programs: 0, operations: 0, counts: {} };

/** What ends a process, and the shrinking of a program that does not end by itself. Milliseconds. */
export interface StressLimits {
  /** Of silence; no operation takes that long, not on a busy machine. */
  readonly silence: number;
  /** Of silence, for programs that failed before. */
  readonly retry: number;
  readonly shrinking: number;
}

/** What processes run, what ends them, and what is told how they are. */
export interface Processes {
  readonly entry: URL;
  readonly signal: AbortSignal;
  readonly tick?: (label: string) => void;
}

/** What a process left. */
export interface ChildOutcome {
  /** The shortest that it found. */
  readonly failure?: StressFailure | StressThreadsFailure;
  /** How it ended, if not by itself. */
  readonly death?: string;
  /** The program that it began last. */
  readonly seed?: number;
  readonly sums: StressSums;
}

/**
 * Runs a process to its end, which comes after `silence` milliseconds without a message at the latest, and at once when
 * it is aborted: that is not a death.
 */
export async function runChild(
  request: StressRequest | ThreadsRequest,
  silence: number,
  { entry, signal, tick }: Processes,
): Promise<ChildOutcome> {
  if (signal.aborted) return { sums: NOTHING };
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-P", `--config=${decodeURIComponent(CONFIG.pathname)}`, entry.href],
    env: { ...await cacheForChildren() },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const label = heapLabel(request.variant);
  let isSilent = false;
  const kill = () => signalled(process);
  const hang = () => {
    isSilent = true;
    kill();
  };
  signal.addEventListener("abort", kill);
  // In steps: while this process gets no processor, the other one gets none either.
  let left = START_MILLISECONDS / STEP_MILLISECONDS;
  const timer = setInterval(() => {
    if (--left < 0) hang();
  }, STEP_MILLISECONDS);
  let outcome: ChildOutcome = { sums: NOTHING };
  let isDone = false;
  try {
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(request))).then(() => writer.close()).catch(() => {});
    for await (const message of messagesOf(process.stdout)) {
      left = silence / STEP_MILLISECONDS;
      if (message.sums !== undefined) outcome = { ...outcome, sums: message.sums };
      if (message.kind === "program") outcome = { ...outcome, seed: message.seed };
      if (message.kind === "failed") outcome = { ...outcome, failure: message.failure };
      if (message.kind === "done") isDone = true;
      tick?.(outcome.failure === undefined ? label : `${label}: shrinking`);
    }
  } finally {
    clearInterval(timer);
    signal.removeEventListener("abort", kill);
    kill();
  }
  const { code, signal: killer } = await process.status;
  // Ctrl-C reaches every process of the terminal, this one maybe later than those that it has started.
  if (isDone || signal.aborted || killer === "SIGINT") return outcome;
  const how = killer === null ? `exit code ${code}` : killer;
  return { ...outcome, death: isSilent ? "the heap hangs: an operation does not end" : `the process died: ${how}` };
}

async function* messagesOf(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<StressMessage> {
  let rest = "";
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as StressMessage;
  }
}
