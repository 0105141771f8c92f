/**
 * What V8's compilers did to a workload's loop: the analogue of `nm` and `objdump` for code that is made while it runs.
 * Was malloc inlined into the loop, by which compiler, was optimised code left again, how long is it?
 *
 * A contestant like those that are measured runs the workload with V8's log and its dump of machine code on, in a
 * folder of its own that is removed afterwards. Tracing slows compiling down, not the code: times of this run are not
 * used. It costs half a second to six.
 *
 * The log has no times, so the end of the warm-up has to be said in it: another workload's loop is asked to run
 * once, and V8 notes that its caller is never to be optimised (see `keepUnoptimised`).
 *
 * A V8 that lacks one of the flags is asked without it, and its answer is missing: `unknown`, empty, or undefined.
 *
 * @module
 */
import { signalled } from "../../../os/mod.ts";
import { openAllocator } from "../../../peers/mod.ts";
import { completeParameters, type Parameters, type Workload, WORKLOADS } from "../../../workloads/mod.ts";
import { type ChildCommand, ContestantError, deadlineFor } from "../../contest/child.ts";
import { enter } from "../../contest/contestants.ts";
import { codeBytesOf, parseJitDump } from "./dump.ts";
import {
  countDeopts,
  countOptimisations,
  type Deopt,
  type Inlining,
  lastInlining,
  logLines,
  refusedFlags,
} from "./log.ts";
import {
  formatRequest,
  parseTurn,
  ProtocolError,
  type Request,
  type Tier,
  type Turn,
} from "../../contestant/protocol.ts";

export type { Deopt, Inlining } from "./log.ts";

/** What the JIT did to one variant's loop. */
export interface JitEvidence {
  readonly variant: string;
  /** The function that the time is spent in: `mixedChunk`. */
  readonly loop: string;
  /** The compiler whose code ran it at the end. */
  readonly tier: Tier;
  /**
   * What TurboFan made part of the loop when it last compiled it, and what it left as calls: malloc and free first.
   * Empty where V8 does not say. What is not called often enough to be considered is not in it.
   */
  readonly inlined: readonly Inlining[];
  /** After the warm-up, of the loop (with all that is inlined there), malloc and free. */
  readonly deopts: readonly Deopt[];
  /** How often Maglev or TurboFan compiled the loop. */
  readonly optimisations: number;
  /** Machine code of the loop's last optimised version; undefined where there is none, or V8 does not say. */
  readonly codeBytes: number | undefined;
}

/** What V8 is asked to tell. */
const FLAGS: readonly string[] = [
  "--allow-natives-syntax",
  "--trace-turbo-inlining",
  "--trace-opt",
  "--trace-deopt",
  "--perf-prof",
];

const SLOT_NANOSECONDS = 50e6;
const FEWEST_SLOTS = 6;
const MOST_TURNS = 60;
const MOST_NANOSECONDS = 5e9;
const STEADY_SLOTS = 3; // in the best code, one after the other: warm
const MEASURED_TURNS = 4;
const MOST_UNITS = 10_000;

const COMPILERS: Partial<Record<Tier, string>> = { turbofan: "*", maglev: "+" };

/**
 * Runs a variant and says what V8 did.
 *
 * @param parameters Complete, or defaults for the rest.
 * @param signal Ends the run.
 * @param flags V8's; those that it does not have are left out.
 * @throws ContestantError if the contestant cannot run; what `signal` says if it is aborted.
 */
export async function jitEvidence(
  variant: string,
  workload: Workload,
  parameters: Parameters,
  signal?: AbortSignal,
  flags: readonly string[] = FLAGS,
): Promise<JitEvidence> {
  const complete = completeParameters(workload, parameters);
  const loop = await openAllocator("none", "", (allocator) => workload.prepare(allocator, complete).hot.name);
  const contestant = (await enter([variant], [])).contestants.find(({ runtime }) => runtime === "deno");
  if (contestant === undefined) throw new ContestantError(variant, "is not a contestant");
  const { turn, stdout, stderr, dump } = await runLogged(contestant.command, flags, workload, complete, signal);
  if (turn !== undefined) return evidenceOf(variant, loop, turn.tier, stdout, dump);
  const refused = refusedFlags(stderr);
  const left = flags.filter((flag) => !refused.includes(flag));
  if (left.length === flags.length) throw new ContestantError(variant, "ended before it answered", stderr);
  return await jitEvidence(variant, workload, parameters, signal, left);
}

/** The evidence in what a logged contestant left. */
export function evidenceOf(
  variant: string,
  loop: string,
  tier: Tier,
  stdout: string,
  dump: Uint8Array<ArrayBuffer>,
): JitEvidence {
  const lines = logLines(stdout);
  const optimisations = countOptimisations(lines, loop);
  const loads = parseJitDump(dump);
  const compiler = COMPILERS[tier];
  return {
    variant,
    loop,
    tier,
    inlined: optimisations === 0 ? [] : withMallocAndFree(lastInlining(lines, loop)),
    deopts: countDeopts(lines, [loop, "malloc", "free"]),
    optimisations,
    codeBytes: compiler === undefined
      ? codeBytesOf(loads, loop, "*") ?? codeBytesOf(loads, loop, "+")
      : codeBytesOf(loads, loop, compiler),
  };
}

function withMallocAndFree(rows: readonly Inlining[] | undefined): Inlining[] {
  const missing = rows === undefined ? "TurboFan did not compile the loop" : "not considered";
  const two = ["malloc", "free"].map((callee) =>
    rows?.find((row) => row.callee === callee) ?? { callee, inlined: false, reason: missing }
  );
  return [...two, ...(rows ?? []).filter((row) => !two.includes(row))];
}

interface LoggedRun {
  /** The last one; undefined if the process ended before it answered. */
  readonly turn: Turn | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly dump: Uint8Array<ArrayBuffer>;
}

async function runLogged(
  { label, path, args }: ChildCommand,
  flags: readonly string[],
  workload: Workload,
  parameters: Parameters,
  signal: AbortSignal | undefined,
): Promise<LoggedRun> {
  signal?.throwIfAborted();
  const cwd = await Deno.makeTempDir({ prefix: "hakmem-jit-" });
  try {
    const v8Flags = flags.length === 0 ? [] : [`--v8-flags=${flags.join(",")}`];
    const logged = args.flatMap((arg) => arg.startsWith("--v8-flags=") ? v8Flags : [arg]);
    const command = new Deno.Command(path, { args: logged, cwd, stdin: "piped", stdout: "piped", stderr: "piped" });
    await using child = new LoggedChild(label, command.spawn(), signal);
    const turn = await warmUpAndRun(child, workload, parameters);
    const { stdout, stderr } = await child.end();
    signal?.throwIfAborted();
    return { turn, stdout, stderr, dump: await readDump(cwd) };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** Runs turns until the loop stays in TurboFan's code, says in the log that it is warm, and runs some more. */
async function warmUpAndRun(
  child: LoggedChild,
  workload: Workload,
  parameters: Parameters,
): Promise<Turn | undefined> {
  const request = { workload: workload.name, parameters };
  let turn = await child.run({ ...request, units: 1 });
  let steady = 0, nanoseconds = 0;
  const isWarm = (done: number) => done >= FEWEST_SLOTS && (steady >= STEADY_SLOTS || nanoseconds > MOST_NANOSECONDS);
  for (let done = 0; turn !== undefined && done < MOST_TURNS && !isWarm(done); done++) {
    turn = await child.run({ ...request, units: unitsFor(turn) });
    steady = turn?.tier === "turbofan" || turn?.tier === "unknown" ? steady + 1 : 0;
    nanoseconds += turn?.nanoseconds ?? 0;
  }
  const other = [...WORKLOADS.values()].find(({ name, parameters }) =>
    name !== workload.name && "cycles" in parameters
  );
  if (other !== undefined) await child.run({ workload: other.name, parameters: { cycles: 1 }, units: 1 });
  for (let done = 0; turn !== undefined && done < MEASURED_TURNS; done++) {
    turn = await child.run({ ...request, units: unitsFor(turn) });
  }
  return turn;
}

function unitsFor({ nanoseconds, units }: Turn): number {
  return Math.min(MOST_UNITS, Math.max(1, Math.ceil(SLOT_NANOSECONDS * units / Math.max(1, nanoseconds))));
}

/** The one dump in a folder; empty if V8 wrote none. */
async function readDump(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  for await (const { name } of Deno.readDir(folder)) {
    if (/^jit-\d+\.dump$/.test(name)) return await Deno.readFile(`${folder}/${name}`);
  }
  return new Uint8Array();
}

/** A contestant whose answers stand among V8's lines. */
class LoggedChild implements AsyncDisposable {
  readonly #label: string;
  readonly #process: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;
  readonly #signal: AbortSignal | undefined;
  readonly #kill: () => void;
  #stdout = "";
  #read = 0;

  constructor(label: string, process: Deno.ChildProcess, signal: AbortSignal | undefined) {
    this.#label = label;
    this.#process = process;
    this.#requests = process.stdin.getWriter();
    this.#output = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#stderr = new Response(process.stderr).text();
    this.#signal = signal;
    this.#kill = () => signalled(process);
    signal?.addEventListener("abort", this.#kill);
    if (signal?.aborted) this.#kill();
  }

  /** Runs a turn; undefined if the process has ended, which it has to if it takes too long. */
  async run(request: Request): Promise<Turn | undefined> {
    // A write to a dead process fails; the read below finds out.
    this.#requests.write(new TextEncoder().encode(`${formatRequest(request)}\n`)).catch(() => {});
    const late = setTimeout(this.#kill, deadlineFor(0));
    try {
      return await this.#answer(request);
    } finally {
      clearTimeout(late);
    }
  }

  async #answer(request: Request): Promise<Turn | undefined> {
    const answer = /(ok nanoseconds=\d+ .*? tier=\w+|error .*)\n/g;
    for (;;) {
      answer.lastIndex = this.#read;
      const match = answer.exec(this.#stdout);
      if (match !== null) {
        this.#read = answer.lastIndex;
        return this.#turnOf(match[1] as string, request);
      }
      if (!(await this.#more())) return undefined;
    }
  }

  /** Lets the process end, and gives all that it wrote. */
  async end(): Promise<{ stdout: string; stderr: string }> {
    await this.#requests.close().catch(() => {});
    while (await this.#more());
    return { stdout: this.#stdout, stderr: await this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#kill);
    this.#kill();
    await this.#requests.close().catch(() => {});
    await this.#output.cancel().catch(() => {});
    await this.#stderr.catch(() => {});
    await this.#process.status;
  }

  #turnOf(line: string, request: Request): Turn {
    try {
      return parseTurn(line, request.units);
    } catch (error) {
      if (error instanceof ProtocolError) throw new ContestantError(this.#label, `failed: ${error.message}`);
      throw error;
    }
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#output.read();
    if (done) return false;
    this.#stdout += value;
    return true;
  }
}
