/**
 * `record`: runs a program with the recorder in it, then makes a recording of what each of its processes left.
 *
 *     FILE          the program that was asked for
 *     FILE.PID      each process that it started, or that those started
 *
 * A process that becomes another program (exec) is recorded anew, and the last one is kept. The recorder's own files lie in
 * a folder beside FILE, on the same disk, while the program runs. Its three streams are the terminal's: nothing of ours is
 * in between.
 *
 * @module
 */
import { buildNative, commandOutput, type NativeTarget, preload } from "../os/mod.ts";
import type { Outcome, RecordedProcess, RecordFile } from "../report/record.ts";
import { readSummary } from "../traces/mod.ts";
import { RawRecording, type Repairs } from "../traces/raw_recording.ts";
import { RecordingWriter } from "../traces/recording.ts";
import { obstacleOf } from "./record_obstacle.ts";

/** What to record. */
export interface RecordPlan {
  /** A path, or a name that is looked for in `PATH`. */
  readonly program: string;
  readonly args: readonly string[];
  /** Where the recording goes; a process that is started by the program has its number added to it. */
  readonly file: string;
}

/** Nothing could be recorded. The message says why, and what can be done. */
export class RecordError extends Error {
  override name = "RecordError";
}

/** Shows how far the recordings are. */
export type Report = (progress: { phase: string; done: number; total: number; label: string }) => void;

/** The library that is preloaded. */
export const RECORDER: NativeTarget = {
  name: "recorder",
  sources: [new URL("../../native/recorder.c", import.meta.url)],
  kind: "library",
  // Without built-ins, because the compiler would make a calloc of malloc and memset, within malloc.
  flags: ["-fvisibility=hidden", "-fno-builtin", "-pthread", "-ldl"],
};

/** A running program, whose recordings are made when it has ended. */
export class Recording implements Disposable {
  readonly #plan: RecordPlan;
  readonly #folder: string;
  readonly #process: Deno.ChildProcess;
  readonly #start: number;

  private constructor(plan: RecordPlan, folder: string, process: Deno.ChildProcess, start: number) {
    this.#plan = plan;
    this.#start = start;
    this.#folder = folder;
    this.#process = process;
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
    if (obstacle !== undefined) throw new RecordError(`${plan.program} cannot be recorded: ${obstacle}`);
    const library = await recorderPath();
    const folder = makeFolder(plan.file);
    try {
      const others = preload();
      const command = new Deno.Command(plan.program, {
        args: [...plan.args],
        env: { LD_PRELOAD: others === undefined ? library : `${library}:${others}`, HAKMEM_RECORDING: folder },
        stdin: "inherit",
        stdout: "inherit",
        stderr: "inherit",
      });
      const start = performance.now();
      return new Recording(plan, folder, command.spawn(), start);
    } catch (error) {
      Deno.removeSync(folder, { recursive: true });
      throw new RecordError(`${plan.program} cannot be started: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Passes a signal on to the program. */
  kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended by itself.
    }
  }

  /** Waits until the program has ended. */
  async outcome(): Promise<Outcome> {
    const { code, signal } = await this.#process.status;
    return {
      ...(signal === null ? { exitCode: code } : { signal }),
      seconds: (performance.now() - this.#start) / 1000,
    };
  }

  /**
   * Makes the recordings.
   *
   * @throws {RecordError} if nothing was recorded, or a recording cannot be written.
   */
  async finish(report: Report, signal: AbortSignal): Promise<Pick<RecordFile, "processes" | "replaced">> {
    const { processes, replaced } = findProcesses(this.#folder);
    const root = this.#process.pid;
    const pids = [root, ...[...processes.keys()].filter((pid) => pid !== root).toSorted((a, b) => a - b)];
    const running = await runningOf(pids);
    const recorded: RecordedProcess[] = [];
    for (const [index, pid] of pids.entries()) {
      const source = processes.get(pid);
      const file = pid === root ? this.#plan.file : `${this.#plan.file}.${pid}`;
      const process = source && await makeRecording(`${this.#folder}/${source}`, file, async (done) => {
        report({ phase: "writing", done: 100 * (index + done), total: 100 * pids.length, label: file });
        await new Promise((resolve) => setTimeout(resolve)); // lets Ctrl-C in
        signal.throwIfAborted();
      });
      if (process) recorded.push({ ...process, running: running.has(pid) });
      else if (pid === root) throw new RecordError(`${this.#plan.program} was not recorded: ${NOTHING}`);
    }
    return { processes: recorded, replaced };
  }

  /** Removes the recorder's own files. */
  [Symbol.dispose](): void {
    removeQuietly(this.#folder);
  }
}

async function recorderPath(): Promise<string> {
  const { path } = await buildNative(RECORDER);
  if (!/[\s:]/.test(path)) return path;
  throw new RecordError(`LD_PRELOAD takes no path with a space or a colon, as in ${path}: set HAKMEM_CACHE to another`);
}

function makeFolder(file: string): string {
  const slash = file.lastIndexOf("/") + 1;
  const dir = file.slice(0, slash) || ".";
  try {
    if (exists(file)) {
      Deno.openSync(file, { write: true }).close(); // it may be a folder, or not ours
      if (!Deno.statSync(file).isFile) throw new Error("it is there, and is not a file"); // a device would be renamed over
    }
    const folder = Deno.makeTempDirSync({ dir, prefix: `${file.slice(slash)}.`, suffix: ".recording" });
    return Deno.realPathSync(folder);
  } catch (error) {
    throw new RecordError(`${file} cannot be written: ${reasonOf(error)}; its folder must exist`, { cause: error });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The recorder's last file of each process, and how many earlier ones there are. */
function findProcesses(folder: string): { processes: Map<number, string>; replaced: number } {
  const last = new Map<number, number>();
  let files = 0;
  for (const { name } of Deno.readDirSync(folder)) {
    const [pid = 0, image = 0] = name.split(".").map(Number);
    last.set(pid, Math.max(image, last.get(pid) ?? 0));
    files++;
  }
  const processes = new Map([...last].map(([pid, image]) => [pid, `${pid}.${image}`]));
  return { processes, replaced: files - processes.size };
}

/** Which of these processes have not ended. */
async function runningOf(pids: readonly number[]): Promise<Set<number>> {
  const script = 'for pid do kill -0 "$pid" 2> /dev/null && echo "$pid"; done; true';
  const output = await commandOutput("sh", ["-c", script, "sh", ...pids.map(String)]);
  return new Set(output?.trim().split("\n").map(Number));
}

const NOTHING = "it allocated nothing, has a malloc of its own, cleared LD_PRELOAD, became a program that cannot be " +
  "recorded, or could not write beside the recording";

/**
 * Makes a recording of one of the recorder's files.
 *
 * @param file what is there is replaced; a link is, too, and what it leads to stays as it was
 * @returns undefined, and makes none, if there is no event: the process only freed what its parent had allocated.
 */
async function makeRecording(
  source: string,
  file: string,
  pause: (done: number) => Promise<void>,
): Promise<Omit<RecordedProcess, "running"> | undefined> {
  using input = Deno.openSync(source);
  const raw = new RawRecording((at, length) => readAt(input, at, length));
  const beside = `${source}.made`; // in the recorder's own folder: a link that somebody made at `file` is not followed
  let repairs: Repairs, events: number;
  try {
    using output = Deno.openSync(beside, { write: true, createNew: true });
    const writer = new RecordingWriter((bytes) => {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(output.writeSync(rest));
    });
    const steps = raw.convert(writer);
    let step = steps.next();
    for (; !step.done; step = steps.next()) await pause(step.value);
    repairs = step.value;
    writer.finish();
    events = writer.events;
    if (events > 0) Deno.renameSync(beside, file);
  } catch (error) {
    throw new RecordError(`${file} cannot be written: ${reasonOf(error)}`, { cause: error });
  }
  if (events === 0) return undefined;
  return { file, fileBytes: Deno.statSync(file).size, ...raw.header, ...repairs, ...summaryOf(file) };
}

function summaryOf(file: string) {
  const { kinds, sizes, lifetimes, ...rest } = readSummary(file, 0);
  const { events, threads, blocks, allocatedBytes, largestBytes, peakLiveBytes, peakLiveBlocks } = rest;
  const { endLiveBytes, endLiveBlocks, crossThreadFrees } = rest;
  const totals = { events, threads, blocks, allocatedBytes, largestBytes, peakLiveBytes, peakLiveBlocks };
  const ends = { endLiveBytes, endLiveBlocks, crossThreadFrees };
  return { ...totals, ...ends, kinds: { ...kinds }, sizes: [...sizes], lifetimes: [...lifetimes] };
}

/** Bytes of a file, and zeros behind its end. */
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

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
