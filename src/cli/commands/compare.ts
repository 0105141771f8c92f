/**
 * `compare`: reads its options, compares, prints the verdict and gives it as the exit code.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { assertSameWork, baselinePath, lastingName, loadBaseline, saveBaseline } from "../../lab/compare/baseline.ts";
import { compare, type ComparePlan, type CompareRun } from "../../lab/compare/compare.ts";
import { comparingReplays } from "../../lab/replay/replay.ts";
import { resolveSpec } from "../../lab/contest/specs.ts";
import { freshSeed, LOOKS } from "../../measure/mod.ts";
import type { Baseline, CompareFile } from "../../model/mod.ts";
import { shortRevisions } from "../../report/tables/format.ts";
import { renderCompare, renderCompareCsv, renderCompareMarkdown, renderWarnings } from "../../report/mod.ts";
import { assertOfTraces, tracePlan } from "../shared/trace_option.ts";
import { checkThreads, effortOf, measured } from "../shared/bench_plan.ts";
import { type AnyCommand, COMMAND_LINE, type Finish, type OptionsOf, ResultFormats } from "../shared/command.ts";
import { ERROR, VERDICT_CODES } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import type { Outputs } from "../shared/outputs.ts";
import { printError } from "../shared/terminal.ts";
import { libraryPaths, MOST_THREADS, UsageError, wholeNumber } from "../shared/values.ts";
import { withWorkload } from "../shared/workload_options.ts";

const HELP = `
A contestant is a variant (slab-map, or box,integrity=0), a peer (system), a folder with another copy of
this project, or a git revision of it. Folders and revisions may have flags, too: HEAD~1,refill=32.

A regression means that B is slower.
Exit codes: 0 fine, 1 a regression, 2 inconclusive, 3 an error or an interruption.

Examples:
  deno run -P cli.ts compare e3-1 e3-2
  deno run -P cli.ts compare HEAD~1 .
  deno run -P cli.ts compare slab-map slab-map,links=0 --workload larson
  deno run -P cli.ts compare HEAD~1 . --workload larson --threads 2
  deno run -P cli.ts compare HEAD~1 . --trace systemui.zip
  deno run -P cli.ts compare slab-map slab-map --save-baseline release-1
  deno run -P cli.ts compare slab-map --baseline release-1
`;

const FORMATS = new ResultFormats<CompareFile>("write the verdict and every turn (- is stdout)", {
  csv: ["write every round", renderCompareCsv],
  markdown: ["write the table and where it was measured", renderCompareMarkdown],
}, "write a page with charts");

function declare() {
  const command = new Command("compare")
    .description("is B as fast as A? A paired verdict with its interval, from rounds of fresh processes")
    .argument("[A]", "what to compare with; with --baseline, B alone")
    .argument("[B]", "what is compared")
    .option("--quick", "turns of 8 ms and 20 rounds at most: a first look")
    .option("--threads <n>", "threads of each contestant (default: 1)", wholeNumber("--threads", 1, MOST_THREADS))
    .option("--trace <file>", "replay a trace of a real program instead of a workload")
    .option("--baseline <name>", "compare with a saved baseline")
    .option("--save-baseline <name>", "save B, with its revision and flags, under this name");
  return FORMATS.on(withWorkload(command)).addHelpText("after", HELP);
}

/** The command. */
export function compareCommand(finish: Finish): AnyCommand {
  return declare().action(async (a, b, options) => finish(await run(a, b, options)));
}

type CompareOptions = OptionsOf<typeof declare>;

async function run(first: string | undefined, second: string | undefined, options: CompareOptions): Promise<number> {
  const baseline = options.baseline === undefined ? undefined : await loadBaseline(options.baseline);
  const [a, b] = contestants(first, second, baseline);
  const outputs = await FORMATS.outputs(
    options,
    [options.trace, pathOf(options.baseline), ...libraryPaths([a, b])],
    true,
    [{ option: "--save-baseline", path: pathOf(options.saveBaseline) }],
  );
  if (options.trace !== undefined) {
    const { trace, ...others } = options;
    return publish(await compareReplays(a, b, trace, others), undefined, outputs);
  }
  const plan = await planOf(a, b, options);
  if (baseline !== undefined) assertSameWork(baseline, plan);
  const lasting = options.saveBaseline === undefined ? undefined : await lastingName(b, plan.b.spec);
  const result = await interruptible((show, signal) => compare(plan, show, signal));
  try {
    return publish(result, baseline, outputs);
  } finally { // also if something else could not be written
    if (lasting !== undefined && result.interrupted !== true) {
      printError(`saved as ${saveBaseline(options.saveBaseline!, lasting, result)}\n`);
    }
  }
}

function pathOf(baseline: string | undefined): string | undefined {
  return baseline === undefined ? undefined : baselinePath(baseline);
}

function publish(result: CompareRun, baseline: Baseline | undefined, outputs: Outputs<CompareFile>): number {
  const file = fileOf(result, baseline);
  outputs.publish(file, (palette) => renderCompare(file, palette), renderWarnings(file));
  return file.interrupted === true ? ERROR : VERDICT_CODES[file.verdict];
}

function fileOf(run: CompareRun, baseline: Baseline | undefined): CompareFile {
  return {
    schema: "hakmem.compare/1",
    command: COMMAND_LINE,
    ...run,
    ...(baseline === undefined ? {} : { baseline }),
  };
}

/** Which two are compared. */
function contestants(
  first: string | undefined,
  second: string | undefined,
  baseline: Baseline | undefined,
): [string, string] {
  if (baseline === undefined) {
    if (first === undefined || second === undefined) {
      throw new UsageError("compare needs two contestants, A and B: compare e3-1 e3-2; compare HEAD~1 .");
    }
    return [first, second];
  }
  if (first === undefined) throw new UsageError("compare --baseline needs B, which is compared with the baseline");
  if (second !== undefined) throw new UsageError(`with --baseline there is only B: leave ${first} or ${second} out`);
  return [baseline.contestant, first];
}

async function compareReplays(a: string, b: string, path: string, options: CompareOptions): Promise<CompareRun> {
  assertOfTraces(options);
  const { threads = 1 } = options;
  return await comparingReplays(tracePlan(path, threads), 3, async ({ harness, ...work }) => {
    const plan: ComparePlan = {
      ...work,
      threads,
      slotMilliseconds: effortOf(options).slotMilliseconds,
      orderSeed: freshSeed(),
      a: { name: shortRevisions(a), spec: await resolveSpec(a, harness) },
      b: { name: shortRevisions(b), spec: await resolveSpec(b, harness) },
      ...(options.quick === true ? { looks: [LOOKS[0]!] } : {}),
    };
    return await interruptible((show, signal) => compare(plan, show, signal));
  });
}

async function planOf(a: string, b: string, options: CompareOptions): Promise<ComparePlan> {
  const { workload, sizes, effort } = measured(options);
  const { threads = 1 } = options;
  checkThreads(workload, threads);
  return {
    workload,
    sizes,
    threads,
    slotMilliseconds: effort.slotMilliseconds,
    orderSeed: freshSeed(),
    a: { name: shortRevisions(a), spec: await resolveSpec(a) },
    b: { name: shortRevisions(b), spec: await resolveSpec(b) },
    ...(options.quick === true ? { looks: [LOOKS[0]!] } : {}),
  };
}
