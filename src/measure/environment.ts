/**
 * Where a measurement was made: what a reader needs to judge its figures, or to repeat it. Every result file has it, and
 * `doctor` explains it.
 *
 * @module
 */
import { cpus } from "node:os";
import { commandOutput, openVirtualMemory } from "../os/mod.ts";
import { parseSystemFacts, SYSTEM_FILES, type SystemFacts } from "./system_facts.ts";

/** The machine, the runtime and the source, when the run started. */
export interface Environment extends SystemFacts {
  readonly date: string;
  readonly deno: string;
  readonly v8: string;
  readonly os: string;
  readonly arch: string;
  readonly cpu: string;
  readonly cores: number;
  /** The load averages of 1, 5 and 15 minutes. */
  readonly loadAverage: readonly number[];
  /** The source's revision; `-dirty` if it is not committed, `unknown` outside a repository. */
  readonly revision: string;
  readonly memoryBytes: number;
  /** Of a page; absent if the C library cannot be reached. */
  readonly pageBytes?: number;
  /** Where memory and clocks come from: the compiled library, or libc's own functions; absent if neither works. */
  readonly nativeLibrary?: "native" | "libc";
  /** Why it is not the compiled library, or what is wrong with it. */
  readonly nativeNote?: string;
  /** Absent if `perf` is not installed. */
  readonly perf?: "hardware counters" | "no hardware counters";
}

/** Takes down the environment: some tens of milliseconds, and the first time on a machine a compilation. */
export async function captureEnvironment(): Promise<Environment> {
  return {
    date: new Date().toISOString(),
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    arch: Deno.build.arch,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: navigator.hardwareConcurrency,
    loadAverage: Deno.loadavg().map((load) => Math.round(load * 100) / 100),
    revision: await revision(),
    memoryBytes: Deno.systemMemoryInfo().total,
    ...await nativeLibrary(),
    ...await perf(),
    ...await systemFacts(),
  };
}

/** Deno does not read these files without all permissions; `grep` does, and prints each line after its file's name. */
async function systemFacts(): Promise<SystemFacts> {
  if (Deno.build.os !== "linux") return {};
  return parseSystemFacts((await run("grep", ["-s", "", ...SYSTEM_FILES]))?.stdout ?? "");
}

async function nativeLibrary(): Promise<Pick<Environment, "nativeLibrary" | "nativeNote" | "pageBytes">> {
  try {
    const { source, note, pageSize, close } = await openVirtualMemory();
    close();
    return { nativeLibrary: source, pageBytes: pageSize, ...(note === undefined ? {} : { nativeNote: note }) };
  } catch (error) {
    return { nativeNote: error instanceof Error ? error.message : String(error) };
  }
}

/** Asks `perf` to count the cycles of a program that does nothing. */
async function perf(): Promise<Pick<Environment, "perf">> {
  const result = await run("perf", ["stat", "-x", ",", "-e", "cycles:u", "true"]);
  if (result === undefined) return {};
  return { perf: /^\d/m.test(result.stderr) ? "hardware counters" : "no hardware counters" };
}

async function revision(): Promise<string> {
  const folder = decodeURIComponent(new URL("../../", import.meta.url).pathname);
  const text = await commandOutput("git", ["-C", folder, "describe", "--always", "--dirty", "--abbrev=12"]);
  return text?.trim() || "unknown";
}

/**
 * The time that the machine's host gave to others, and all time, in ticks of all cores since it started; undefined where
 * the system does not say. Deno does not read `/proc/stat` without all permissions, `cat` does.
 */
export async function readSteal(): Promise<{ stolen: number; total: number } | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const fields = (await commandOutput("cat", ["/proc/stat"]))?.split("\n", 1)[0]?.trim().split(/\s+/).slice(1, 9).map(
    Number,
  );
  const stolen = fields?.[7];
  if (fields === undefined || stolen === undefined) return undefined;
  return { stolen, total: fields.reduce((sum, field) => sum + field, 0) };
}

/** Runs a command to its end; undefined if it cannot be started. */
async function run(
  command: string,
  args: string[],
): Promise<{ success: boolean; stdout: string; stderr: string } | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
    const decoder = new TextDecoder();
    return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch {
    return undefined; // the command is not installed
  }
}
