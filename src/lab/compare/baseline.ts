/**
 * Baselines: a revision and its flags under a name, to be measured again beside what is new. What was measured when it
 * was saved is kept with it, and shown; it is not compared with anything, since the machine changes from hour to hour.
 *
 * They are files in `bench/baselines/`, so that a project commits those that it cares for.
 *
 * @module
 */
import { median } from "simple-statistics";
import { InvalidOptionError } from "../../heap/mod.ts";
import { commandOutput, replaceFile } from "../../os/mod.ts";
import { counted } from "../../report/tables/format.ts";
import { type Baseline, BaselineSchema, readChecked } from "../../model/mod.ts";
import type { ComparePlan, CompareRun } from "./compare.ts";
import type { ResolvedSpec } from "../contest/specs.ts";

const ROOT = decodeURIComponent(new URL("../../../", import.meta.url).pathname);
/** Where they are, a file `NAME.json` each. */
export const BASELINE_FOLDER = `${ROOT}bench/baselines`;
/** What decides how fast a heap is. */
export const SOURCES: readonly string[] = ["mod.ts", "src/heap", "src/os", "native/vm.c", "native/guard"];

/** Where a baseline is. @throws {InvalidOptionError} for what cannot be its name */
export function baselinePath(name: string): string {
  if (!/^[\w.-]+$/.test(name) || name.startsWith(".")) {
    throw new InvalidOptionError(
      `a baseline's name has letters, digits, "-", "_" and "."; "${name}" is not such a name.`,
    );
  }
  return `${BASELINE_FOLDER}/${name}.json`;
}

/**
 * Reads a baseline.
 *
 * @throws {InvalidOptionError} if there is none of that name, or its file is damaged
 */
export async function loadBaseline(name: string): Promise<Baseline> {
  const path = baselinePath(name);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    const names = await savedNames();
    throw new InvalidOptionError(
      `there is no baseline "${name}". ` +
        (names.length === 0
          ? "None was saved: compare A B --save-baseline NAME does."
          : `There are: ${names.join(", ")}.`),
    );
  }
  try {
    return readChecked(BaselineSchema, text);
  } catch (error) {
    throw new InvalidOptionError(`${path} is not a baseline: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Refuses to set a baseline beside what it was not measured with.
 *
 * @throws {InvalidOptionError} if the workload, the number of threads, a size or a parameter is another one
 */
export function assertSameWork(
  { name, rows }: Baseline,
  { workload, sizes, threads = 1 }: Pick<ComparePlan, "workload" | "sizes" | "threads">,
): void {
  for (const { size, parameters } of sizes) {
    const row = rows.find((each) =>
      each.workload === workload.name && each.size === size && (each.threads ?? 1) === threads
    );
    const other = Object.entries(row?.parameters ?? {}).find(([key, value]) => parameters[key] !== value);
    if (row !== undefined && other === undefined) continue;
    const saved = rows.map((each) => `${each.workload} ${each.size} with ${counted(each.threads ?? 1, "thread")}`).join(
      ", ",
    );
    const what = other === undefined
      ? `not of ${workload.name} ${size} with ${counted(threads, "thread")}, but of ${saved}`
      : `of ${other[0]} ${other[1]}, not ${parameters[other[0]] ?? "without it"}`;
    throw new InvalidOptionError(`the baseline ${name} is ${what}: compare the same, or save another.`);
  }
}

async function savedNames(): Promise<string[]> {
  try {
    const names = await Array.fromAsync(Deno.readDir(BASELINE_FOLDER), ({ name }) => name);
    return names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length)).toSorted();
  } catch {
    return [];
  }
}

/**
 * Says how a contestant is named so that it can be run again whatever becomes of the source: by its revision.
 *
 * @throws {InvalidOptionError} for a peer or a folder, and if the source differs from its last revision
 */
export async function lastingName(name: string, { contestant, variant, source }: ResolvedSpec): Promise<string> {
  if (source !== undefined && !source.startsWith("/")) return `${source},${contestant.allocator}`;
  if (variant === undefined) {
    throw new InvalidOptionError(`${name} cannot be a baseline: that is a variant, or a revision of this project.`);
  }
  const revision = (await commandOutput("git", ["-C", ROOT, "rev-parse", "HEAD"]))?.trim();
  if (revision === undefined) throw new InvalidOptionError("a baseline needs a git repository: it is a revision.");
  const changed = await commandOutput("git", ["-C", ROOT, "status", "--porcelain", "--", ...SOURCES]);
  if (changed !== "") {
    throw new InvalidOptionError(`a baseline is a revision: commit first what differs from it.\n${changed ?? ""}`);
  }
  return `${revision},${variant}`;
}

/** Writes what was B in a comparison as a baseline; returns its path. */
export function saveBaseline(name: string, contestant: string, run: CompareRun): string {
  const baseline: Baseline = {
    schema: "hakmem.baseline/1",
    name,
    contestant,
    revision: contestant.split(",")[0]!,
    date: run.environment.date,
    environment: run.environment,
    rows: run.rows.map(({ workload, size, threads, samples, parameters }) => ({
      workload,
      size,
      ...(threads === 1 ? {} : { threads }),
      nsPerOp: median(samples.b),
      parameters,
    })),
  };
  const path = baselinePath(name);
  Deno.mkdirSync(BASELINE_FOLDER, { recursive: true });
  replaceFile(path, `${JSON.stringify(baseline, null, 2)}\n`);
  return path;
}
