/**
 * `record`: runs a program with the recorder in it, then makes a recording of what each of its processes left.
 *
 *     FILE          the program that was asked for
 *     FILE.PID      each process that it started, or that those started
 *
 * A process that becomes another program (exec) is recorded anew, and the last program that asked for anything is kept. The
 * recorder's own files lie in a folder beside FILE, on the same disk, while the program runs, and stay if a recording
 * cannot be made of one. The program keeps the terminal's three streams: nothing of ours is in between.
 *
 * @module
 */
import { reasonOf, signalled } from "../../os/mod.ts";
import type { MissingProcess, Outcome, RecordedProcess, RecordFile } from "../../model/mod.ts";
import { type RanFor, readSummary, type StackFacts, TraceError } from "../../traces/mod.ts";
import {
  factsOf,
  type RawHeader,
  RawRecording,
  readRawHeader,
  type Repairs,
} from "../../traces/recording/raw/recording.ts";
import { RecordingWriter } from "../../traces/recording/recording.ts";
import { preloadList, RecordError, Target, unwritable } from "./files.ts";
import { missingFrom, notBegun, type RawFile, Watch } from "./missing.ts";
import { isLauncher, obstacleOf } from "./obstacle.ts";

export { RecordError } from "./files.ts";

/** What to record. */
export interface RecordPlan {
  /** A path, or a name that is looked for in `PATH`. */
  readonly program: string;
  readonly args: readonly string[];
  /** Where the recording goes; a process that is started by the program has its number added to it. */
  readonly file: string;
  /** Whether each process has all its room at the start, after which the recorder makes no system call. */
  readonly isFixed?: boolean;
  /** Whether nothing is recorded until the program gets SIGUSR2, which lets it go on, and pauses it again. */
  readonly isPaused?: boolean;
  /** Who called is recorded, too. */
  readonly stacks?: StackFacts;
}

/** Shows how far the recordings are. */
export type Report = (progress: { phase: string; done: number; total: number; label: string }) => void;

/** What was made of a run. */
export type Recorded = Omit<RecordFile, "schema" | "command" | keyof Outcome>;

/** What a process may record that gets all its room at the start: some 4 million events. */
const FIXED_BYTES = 64 * 2 ** 20;

const PATIENCE = 2000; // ms, for a program to be loaded

/** By which the recorder is told what to do. */
function variablesOf({ isFixed = false, isPaused = false, stacks }: RecordPlan): Record<string, string> {
  return {
    ...(isFixed ? { HAKMEM_RECORDING_ROOM: String(FIXED_BYTES) } : {}),
    ...(isPaused ? { HAKMEM_RECORDING_PAUSED: "1" } : {}),
    ...(stacks === undefined
      ? {}
      : { HAKMEM_RECORDING_STACKS: stacks.by, HAKMEM_RECORDING_DEPTH: String(stacks.depth) }),
    ...(stacks?.sampleBytes === undefined ? {} : { HAKMEM_RECORDING_SAMPLE: String(stacks.sampleBytes) }),
  };
}

/** A running program, whose recordings are made when it has ended. */
export class Recording implements Disposable {
  readonly #plan: RecordPlan;
  readonly #target: Target;
  readonly #folder: string;
  readonly #process: Deno.ChildProcess;
  readonly #watch: Watch;
  readonly #start = performance.now();
  /** How long the program ran, when it has ended. */
  #seconds = 0;
  #isKept = true;

  private constructor(plan: RecordPlan, target: Target, folder: string, process: Deno.ChildProcess) {
    this.#plan = plan;
    this.#target = target;
    this.#folder = folder;
    this.#process = process;
    this.#watch = new Watch(folder);
  }

  /**
   * Starts the program.
   *
   * @throws {RecordError} if that cannot be recorded here; {NativeBuildError} without a compiler.
   */
  static async start(plan: RecordPlan): Promise<Recording> {
    if (Deno.build.os !== "linux") {
      throw new RecordError(`programs are recorded on Linux only; this is ${Deno.build.os}`);
    }
    const obstacle = await obstacleOf(plan.program);
    if (obstacle !== undefined && !isLauncher(obstacle)) {
      throw new RecordError(`${plan.program} cannot be recorded: ${obstacle}`);
    }
    const library = await preloadList(plan.stacks !== undefined);
    const target = new Target(plan.file), folder = target.makeFolder();
    try {
      const command = new Deno.Command(plan.program, {
        args: [...plan.args],
        env: { LD_PRELOAD: library, HAKMEM_RECORDING: folder, ...variablesOf(plan) },
        stdin: "inherit",
        stdout: "inherit",
        stderr: "inherit",
      });
      return new Recording(plan, target, folder, command.spawn());
    } catch (error) {
      Deno.removeSync(folder, { recursive: true });
      // Deno also says so where the program is there and its interpreter is not.
      const reason = error instanceof Deno.errors.NotFound && !plan.program.includes("/")
        ? "no folder of PATH has it"
        : reasonOf(error);
      throw new RecordError(`${plan.program} cannot be started: ${reason}`, { cause: error });
    }
  }

  /** Where the recorder's own files are; undefined when nothing is in them any more that is not in a recording. */
  get kept(): string | undefined {
    return this.#isKept ? this.#folder : undefined;
  }

  /** The number of the program's process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Waits until the recorder is in the program and hears signals; not for long, since it may never be. */
  async isHeard(): Promise<void> {
    for (const end = performance.now() + PATIENCE; performance.now() < end;) {
      const names = [...Deno.readDirSync(this.#folder)].map(({ name }) => name);
      if (names.some((name) => name.startsWith(`${this.pid}.`))) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Passes a signal on to the program. */
  kill(signal: Deno.Signal): void {
    signalled(this.#process, signal);
  }

  /** Waits until the program has ended. */
  async outcome(): Promise<Outcome> {
    const { code, signal } = await this.#process.status;
    this.#seconds = (performance.now() - this.#start) / 1000;
    return { ...(signal === null ? { exitCode: code } : { signal }), seconds: this.#seconds };
  }

  /**
   * Makes the recordings. What one cannot be made of stays in the recorder's folder.
   *
   * @throws {RecordError} if nothing was recorded, or no recording can be written.
   */
  async finish(report: Report, signal: AbortSignal): Promise<Recorded> {
    this.#watch[Symbol.dispose]();
    const running = await this.#watch.look();
    const files = readFolder(this.#folder), failures: MissingProcess[] = [];
    const roomless: MissingProcess[] = [];
    const byProcess = Map.groupBy(files, ({ pid }) => pid);
    const root = this.#process.pid;
    const pids = [root, ...[...byProcess.keys()].filter((pid) => pid !== root).toSorted((a, b) => a - b)];
    const recorded: RecordedProcess[] = [];
    let replaced = 0;
    for (const [index, pid] of pids.entries()) {
      const fileOf = () => this.#target.fileOf(pid, pid === root);
      const pause = async (done: number) => {
        report({ phase: "writing", done: 100 * (index + done), total: 100 * pids.length, label: fileOf() });
        await new Promise((resolve) => setTimeout(resolve)); // lets Ctrl-C in
        signal.throwIfAborted();
      };
      for (const raw of (byProcess.get(pid) ?? []).toSorted((a, b) => b.image - a.image)) {
        try {
          const found = await makeRecording(this.#folder, raw, fileOf, this.#ranFor(raw), pause);
          if (found === undefined) {
            const { program, stopped } = raw.header; // it may have asked for much, had there been room for it
            if (stopped !== 0) roomless.push({ program, pid, count: 1, reason: notBegun(stopped) });
            continue;
          }
          recorded.push({ ...found, running: running.has(pid) });
          replaced += raw.image;
          break;
        } catch (error) {
          signal.throwIfAborted();
          failures.push({ program: raw.header.program, pid, count: 1, reason: unmade(fileOf(), error) });
          break;
        }
      }
    }
    const seen = await this.#watch.missing(new Set(byProcess.keys()), running);
    const told = await missingFrom(files);
    const isTold = (pid?: number) => told.some((each) => each.pid === pid);
    const missing = [...failures, ...roomless, ...told, ...seen.filter(({ pid }) => !isTold(pid))];
    await this.#addProgram(missing, byProcess.has(root));
    this.#isKept = failures.length > 0;
    if (recorded.length === 0) throw new RecordError(this.#nothing(missing, files));
    return {
      program: this.#plan.program,
      pid: root,
      processes: recorded,
      replaced,
      missing,
      ...(this.#isKept ? { kept: this.#folder } : {}),
      notes: this.#notes(files, recorded),
    };
  }

  /** Removes the recorder's own files, if all that is in them is in recordings. */
  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
    if (!this.#isKept) removeQuietly(this.#folder);
  }

  /** Of the program itself the clock is known however it ended. */
  #ranFor({ pid, image, header }: RawFile): RanFor | undefined {
    const isWhole = pid === this.#process.pid && image === 0 && this.#seconds > 0;
    return header.ran ?? (isWhole ? { wallSeconds: this.#seconds } : undefined);
  }

  /** A program that had no recorder in it is missing, even if nothing reported that. */
  async #addProgram(missing: MissingProcess[], hasFile: boolean): Promise<void> {
    const { program } = this.#plan, { pid } = this.#process;
    if (hasFile || missing.some((each) => each.pid === pid)) return;
    missing.unshift({ program: nameOf(program), pid, count: 1, reason: await obstacleOf(program) ?? SHUT_OUT });
  }

  #nothing(missing: readonly MissingProcess[], files: readonly RawFile[]): string {
    const own = files.find(({ pid }) => pid === this.#process.pid);
    const wasPaused = own?.header.stretches === 0 ? own.header.lostSignal ? NO_SIGNAL : PAUSED : undefined;
    const reason = wasPaused ?? (missing[0] === undefined ? NOTHING : missing[0].reason);
    return `${this.#plan.program} was not recorded: ${reason}${
      this.#isKept ? `; what the recorder wrote is kept in ${this.#folder}, whose files are traces themselves` : ""
    }`;
  }

  #notes(files: readonly RawFile[], recorded: readonly RecordedProcess[]): string[] {
    const { file, earlier, replaces } = this.#target, { pid } = this.#process;
    const own = recorded.find((each) => each.pid === pid);
    const stale = earlier.filter((name) => !recorded.some((each) => each.file === name));
    const unseen = files.reduce((sum, { header }) => sum + header.lostNotes, 0);
    return [
      ...(own !== undefined && own.file !== file
        ? [`Another run wrote ${file} meanwhile; this one is ${own.file}`]
        : []),
      ...(own?.file === file && replaces ? [`An earlier ${file} was replaced`] : []),
      ...(stale.length > 0 ? [`Of an earlier run: ${someOf(stale)}`] : []),
      ...(unseen > 0
        ? [`Of ${unseen} more programs that were started it is not known whether they were recorded`]
        : []),
    ];
  }
}

const NOTHING = "neither it nor a process that it started called malloc, or all have a malloc of their own";
const PAUSED = "it was paused all the time; send SIGUSR2 to its process, or to this command, to resume recording";
const NO_SIGNAL = "it was paused all the time, and handles SIGUSR2 itself, which would have resumed recording";
const SHUT_OUT = "it cleared LD_PRELOAD, has a malloc of its own, or could not write beside the recording";

/** The recorder's files, without what somebody else has put there. */
function readFolder(folder: string): RawFile[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isFile }) => {
    if (!isFile || !/^\d+\.\d+$/.test(name)) return [];
    const [pid = 0, image = 0] = name.split(".").map(Number);
    using input = Deno.openSync(`${folder}/${name}`);
    return [{ pid, image, header: readRawHeader((at, length) => readAt(input, at, length)) }];
  });
}

/**
 * Makes a recording of one of the recorder's files.
 *
 * @param fileOf where it goes: what is there is replaced; a link is, too, and what it leads to stays as it was
 * @returns undefined, and makes no file, if there is no event: the process only freed what its parent had allocated.
 */
async function makeRecording(
  folder: string,
  { pid, image }: RawFile,
  fileOf: () => string,
  ran: RanFor | undefined,
  pause: (done: number) => Promise<void>,
): Promise<Omit<RecordedProcess, "running"> | undefined> {
  const source = `${folder}/${pid}.${image}`;
  using input = Deno.openSync(source);
  const raw = new RawRecording((at, length) => readAt(input, at, length));
  const beside = `${source}.made`; // in the recorder's own folder: a link that somebody made at `file` is not followed
  let repairs: Repairs, events: number, file = "";
  try {
    using output = Deno.openSync(beside, { write: true, createNew: true });
    const writer = new RecordingWriter((bytes) => {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(output.writeSync(rest));
    }, factsOf({ ...raw.header, ...(ran === undefined ? {} : { ran }) }));
    const steps = raw.convert(writer);
    let step = steps.next();
    for (; !step.done; step = steps.next()) await pause(step.value);
    repairs = step.value;
    writer.finish();
    events = writer.events;
    if (events > 0) Deno.renameSync(beside, file = fileOf());
  } finally {
    removeQuietly(beside);
  }
  if (events === 0) return undefined;
  const told = { ...toldBy(raw.header), ...(ran === undefined ? {} : { ran }) };
  return { file, fileBytes: Deno.statSync(file).size, ...told, ...repairs, ...summaryOf(file) };
}

/** What the recorder says of itself that concerns the process alone. */
function toldBy(header: RawHeader) {
  const { pid, forked, stopped, lost, program, wasCalling, stretches, lostSignal, stacks, lostStacks } = header;
  return {
    ...{ pid, forked, stopped, lost, program, wasCalling },
    ...(stretches === undefined ? {} : { stretches, lostSignal }),
    ...(stacks === undefined ? {} : { stacks, lostStacks }),
  };
}

function summaryOf(file: string) {
  const { kinds, sizes, lifetimes, ...rest } = readSummary(file, 0);
  const { events, threads, blocks, allocatedBytes, largestBytes, peakLiveBytes, peakLiveBlocks } = rest;
  const { endLiveBytes, endLiveBlocks, crossThreadFrees } = rest;
  const totals = { events, threads, blocks, allocatedBytes, largestBytes, peakLiveBytes, peakLiveBlocks };
  const ends = { endLiveBytes, endLiveBlocks, crossThreadFrees };
  return { ...totals, ...ends, kinds: { ...kinds }, sizes: [...sizes], lifetimes: [...lifetimes] };
}

/** Bytes of a file, and zeros past its end. */
function readAt(file: Deno.FsFile, at: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  file.seekSync(at, Deno.SeekMode.Start);
  for (let used = 0; used < length;) {
    const count = file.readSync(bytes.subarray(used));
    if (count === null) break;
    used += count;
  }
  return bytes;
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch {
    // It was never made; or a process that runs on has made a file in the folder just now.
  }
}

/** Why no recording was made of what the recorder wrote. */
function unmade(file: string, error: unknown): string {
  return error instanceof TraceError ? `what was recorded is damaged: ${error.message}` : unwritable(file, error);
}

/** A list that may be long. */
function someOf(names: readonly string[]): string {
  const rest = names.length - SHOWN_NAMES;
  return `${names.slice(0, SHOWN_NAMES).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

const SHOWN_NAMES = 3;

function nameOf(program: string): string {
  return program.slice(program.lastIndexOf("/") + 1);
}
