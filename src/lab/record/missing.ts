/**
 * What was not recorded of a program and its processes. It is known from three sides:
 *
 *     the recorder    notes each program that a process becomes, and whether its own variables are passed on; a program
 *                     that has the recorder in it makes a file before its main, so one without a file had none
 *     forks           one that cannot make a file of its own is counted in its parent's
 *     /proc           says of a process that has the variables what it is and whether it runs, recorder or not
 *
 * @module
 */
import { commandOutput } from "../../os/mod.ts";
import type { MissingProcess } from "../../model/mod.ts";
import type { RawHeader } from "../../traces/recording/raw/recording.ts";
import { obstacleOf } from "./obstacle.ts";

/** One of the recorder's files. */
export interface RawFile {
  readonly pid: number;
  /** How many programs the process was before. */
  readonly image: number;
  readonly header: RawHeader;
}

const CLEARED = "it was started without LD_PRELOAD and HAKMEM_RECORDING, as env -i does";
const NO_ROOM =
  "the recorder could not begin: it may write no file that long (ulimit -f), the disk is full, or something emptied its file";
const SHORTENED = "something else made the recorder's file shorter while it was written";
const SHUT_OUT =
  "the recorder could not begin: the program is another user's, may not write beside the recording, or may " +
  "open no file (ulimit -n)";

/** Why there is nothing in a recorder's file that it could begin. @param error the system's number */
export function notBegun(error: number): string {
  if (error === ESTALE) return SHORTENED;
  return error === EFBIG || error === ENOSPC ? NO_ROOM : `the recorder could not go on: the system's error ${error}`;
}

const EFBIG = 27, ENOSPC = 28, ESTALE = 116;

/** What the recorder's files tell of programs and forks that have none. */
export async function missingFrom(files: readonly RawFile[]): Promise<MissingProcess[]> {
  const began = new Map(files.map(({ pid, image, header }) => [`${pid}.${image}`, header.pid > 0]));
  const missing: MissingProcess[] = [], named = new Set<string>();
  for (const { pid, image, header } of files) {
    for (const started of header.started) {
      const next = `${started.pid}.${started.pid === pid ? image + 1 : 0}`, hasBegun = began.get(next);
      named.add(next);
      if (hasBegun === true) continue;
      const notBegun = started.hasRecorder ? await obstacleOf(started.path) ?? SHUT_OUT : CLEARED;
      const reason = hasBegun === undefined ? notBegun : NO_ROOM;
      missing.push({ program: nameOf(started.path), pid: started.pid, count: 1, reason });
    }
    if (header.lostForks > 0) {
      missing.push({
        program: header.program,
        count: header.lostForks,
        reason: FORK_REASONS[header.lostForkError] ?? `the system's error ${header.lostForkError}`,
      });
    }
  }
  for (const [name, hasBegun] of began) {
    if (hasBegun || named.has(name)) continue;
    missing.push({ program: "a program", pid: Number.parseInt(name), count: 1, reason: NO_ROOM });
  }
  return missing;
}

/** By the system's error number. */
const FORK_REASONS: Readonly<Record<number, string>> = {
  1: "a fork of a process that is in a sandbox makes no file",
  2: "a fork found the folder of the recording gone, or out of its sight",
  13: "a fork may no longer write beside the recording: it is another user's now",
  24: "a fork had as many files open as it may (ulimit -n)",
  27: "a fork may write no longer files (ulimit -f)",
  28: "the disk was full",
};

/**
 * Watches in `/proc` the processes that have the recorder's variables: those of one recording. Through a shell, since Deno
 * reads nothing there for a program that may not do everything.
 */
export class Watch implements Disposable {
  readonly #mark: string;
  /** Each process that was seen, and which program it was last. */
  readonly #seen = new Map<number, string>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** What the timer began. */
  #looking: Promise<unknown> = Promise.resolve();

  /** @param folder where the recorder writes to */
  constructor(folder: string) {
    this.#mark = `HAKMEM_RECORDING=${folder}`;
    this.#timer = setInterval(() => this.#looking = this.look(), LOOK_EVERY);
  }

  /** Looks now; gives those that run. */
  async look(): Promise<Set<number>> {
    const running = new Set<number>();
    const lines = (await commandOutput("sh", ["-c", LOOK, "sh", this.#mark]))?.split("\n") ?? [];
    for (const line of lines) {
      const [, pid, program] = /^(\d+) (.+)$/.exec(line) ?? [];
      if (program === undefined) continue; // it has just ended, or waits for its parent to hear of its end
      running.add(Number(pid));
      this.#seen.set(Number(pid), program.replace(/ \(deleted\)$/, ""));
    }
    return running;
  }

  /** What was seen and is not among those that are known. The watch has been disposed of. */
  async missing(known: ReadonlySet<number>, running: ReadonlySet<number>): Promise<MissingProcess[]> {
    await this.#looking; // otherwise its `sh` would outlive the recording
    const missing: MissingProcess[] = [];
    for (const [pid, program] of this.#seen) {
      if (known.has(pid)) continue;
      const obstacle = await obstacleOf(program);
      const reason = obstacle ?? (running.has(pid) ? RUNNING : undefined); // otherwise a fork that asked for nothing
      if (reason !== undefined) missing.push({ program: nameOf(program), pid, count: 1, reason });
    }
    return missing;
  }

  /** Stops looking. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

const LOOK = 'grep -lasF -- "$1" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do ' +
  'echo "$pid $(readlink "/proc/$pid/exe")"; done';
const LOOK_EVERY = 2000; // ms: it takes some milliseconds of a processor
const RUNNING = "it is still running, and had asked for nothing yet; what it does later is not recorded";

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1) || "a program";
}
