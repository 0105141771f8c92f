/**
 * Where a measurement was made: what a reader needs to judge its figures, or to repeat it.
 *
 * @module
 */
import { cpus } from "node:os";

/** The machine, the runtime and the source, when the run started. */
export interface Environment {
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
}

/** Takes down the environment. */
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
  };
}

async function revision(): Promise<string> {
  const folder = decodeURIComponent(new URL("../../", import.meta.url).pathname);
  const text = await output("git", ["-C", folder, "describe", "--always", "--dirty", "--abbrev=12"]);
  return text?.trim() || "unknown";
}

/**
 * The time that the machine's host gave to others, and all time, in ticks of all cores since it started; undefined where
 * the system does not say. Deno does not read `/proc/stat` without all permissions, `cat` does.
 */
export async function readSteal(): Promise<{ stolen: number; total: number } | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const fields = (await output("cat", ["/proc/stat"]))?.split("\n", 1)[0]?.trim().split(/\s+/).slice(1, 9).map(Number);
  const stolen = fields?.[7];
  if (fields === undefined || stolen === undefined) return undefined;
  return { stolen, total: fields.reduce((sum, field) => sum + field, 0) };
}

async function output(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined; // the command is not installed
  }
}
