/**
 * `gate`: reads thresholds from a file, lets the lab measure them, prints go or no-go and gives it as the exit code.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { relative, resolve } from "node:path";
import { DEFAULT_VARIANT, InvalidOptionError, parseVariant } from "../../heap/mod.ts";
import { baselinePath } from "../../lab/compare/baseline.ts";
import { gate } from "../../lab/gate/gate.ts";
import type { GatePlan, GateRule } from "../../lab/gate/plan.ts";
import { libraryBeside, parseThresholds, threadsOf, type Threshold } from "../../lab/gate/thresholds.ts";
import { QUICK_FACTOR } from "../../lab/gate/verdict.ts";
import { freshSeed } from "../../measure/mod.ts";
import { githubStepSummary, githubWorkspace, hakmemVariant } from "../../os/mod.ts";
import { renderGate, renderGateCsv, renderGateMarkdown } from "../../report/gate.ts";
import { failureAnnotation, gateAnnotations, gateSummary } from "../../report/github.ts";
import type { GateFile, GateVerdict } from "../../model/mod.ts";
import { renderWarnings } from "../../report/mod.ts";
import { checkOwnHeaps, checkThreads, type Measured, measured } from "../shared/bench_plan.ts";
import { type AnyCommand, COMMAND_LINE, type FileOptions, type Finish, ResultFormats } from "../shared/command.ts";
import { ERROR, FAILED, FINE, INCONCLUSIVE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import type { Destination } from "../shared/outputs.ts";
import { readText } from "../shared/read_text.ts";
import { printData, printError } from "../shared/terminal.ts";
import { libraryPaths, UsageError } from "../shared/values.ts";

const HELP = `
The file is JSON: { "$schema": "gate.schema.json", "thresholds": [...] }. Each threshold has a name, a
kind, a workload and a bound. bench/gates/ has examples, and a schema that lets editors complete.

Kinds:
  ratio            throughput over that of a peer, at least
  net-ns           nanoseconds of an operation without the loop around it, at most
  scaling          throughput with several threads over that with one, at least
  sharing          throughput of one heap for several threads over that of a heap for each, at least
  fast-free-share  the share of frees that the hot path ends, at least or at most; counted
  regression       the share of throughput that is lost against a contestant or a baseline, at most
  footprint        bytes in memory over bytes asked for and not freed, at most; counted

A row is GO or NO-GO if its whole interval is on one side of the threshold, otherwise UNDECIDED;
nanoseconds are NO-GO only on a quiet machine. With --quick, what is timed is NO-GO only if it is a
ratio of less than 1/${QUICK_FACTOR} of what is asked for, which noise alone does not cause.

Exit codes: 0 all go, 1 any no-go, 2 none no-go but any undecided, 3 an error, or a peer that could
not be measured. --github does not change them: it prints an error to GitHub Actions for each
threshold that is NO-GO, a warning for each that is UNDECIDED, and adds the table to the summary of
the step.

Examples:
  deno run -P cli.ts gate bench/gates/performance.json
  deno run -P cli.ts gate bench/gates/performance.json --quick --json gate.json
  deno run -P cli.ts gate bench/gates/change.json
  deno run -P cli.ts gate bench/gates/threads.json
  deno run -P cli.ts gate bench/gates/performance.json --quick --github
`;

const FORMATS = new ResultFormats<GateFile>("write the rows and the verdict (- is stdout)", {
  csv: ["write the rows", renderGateCsv],
  markdown: ["write the table and where it was measured", renderGateMarkdown],
});

/** The command. */
export function gateCommand(finish: Finish): AnyCommand {
  const command = new Command("gate")
    .description("checks the thresholds in a file: go or no-go")
    .argument("<FILE>", "the thresholds, JSON")
    .option("--quick", "shorter turns and fewer rounds; noise alone never makes it fail")
    .option("--github", "annotations for GitHub Actions on stdout, and a summary where it is asked for");
  return FORMATS.on(command).addHelpText("after", HELP)
    .action(async (path, { quick = false, github = false, ...files }) =>
      finish(await (github ? withAnnotations(path, quick, files) : run(path, quick, files)))
    );
}

const EXIT_CODES: Readonly<Record<GateVerdict, number>> = { "go": FINE, "no-go": FAILED, "undecided": INCONCLUSIVE };

/** Also says to GitHub what it found, and why it found nothing. */
async function withAnnotations(path: string, quick: boolean, files: FileOptions): Promise<number> {
  if (Object.values(files).includes("-")) {
    throw new UsageError("--github writes to stdout: give every other output a file, not -");
  }
  const place = placeInRepository(path), summary = githubStepSummary();
  // Other steps have written there before: what they have is kept.
  const render = (file: GateFile) => `${textOf(summary!)}${gateSummary(file)}`;
  const others = summary === undefined ? [] : [{ option: "GITHUB_STEP_SUMMARY", path: summary, render }];
  try {
    return await run(path, quick, files, others, (file) => {
      printData(gateAnnotations(file, { path: place, text: readText(path) }));
    });
  } catch (error) {
    printData(failureAnnotation(error instanceof Error ? error.message : String(error), place));
    throw error;
  }
}

/** What a file has; nothing if it is not there. */
function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** A path as GitHub knows it: from the folder of the repository, which is this one if nobody says. */
function placeInRepository(path: string): string {
  const place = relative(resolve(githubWorkspace() ?? "."), resolve(path));
  return place.startsWith("..") ? path : place;
}

async function run(
  path: string,
  quick: boolean,
  files: FileOptions,
  others: readonly Destination<GateFile>[] = [],
  tell: (file: GateFile) => void = () => {},
): Promise<number> {
  const outputs = await FORMATS.outputs(files, [path], true, others);
  const thresholds = parseThresholds(readText(path), path).map((each) => libraryBeside(path, each));
  outputs.assertNoneIs(thresholds.flatMap(filesOf));
  const plan = planOf(path, thresholds, quick);
  const file: GateFile = {
    schema: "hakmem.gate/1",
    command: COMMAND_LINE,
    gate: path,
    ...await interruptible((show, signal) => gate(plan, show, signal)),
  };
  try {
    outputs.publish(file, (palette) => renderGate(file, palette), renderWarnings(file));
  } finally { // also if a file could not be written
    tell(file);
  }
  if (file.failures === undefined) return EXIT_CODES[file.verdict];
  printError(
    `error: in the thresholds, but not measured: ${file.failures.map(({ allocator }) => allocator).join(", ")}\n`,
  );
  return ERROR;
}

/** What a threshold reads: a peer's library, or a baseline. */
function filesOf(threshold: Threshold): string[] {
  if (threshold.kind === "ratio") return libraryPaths([threshold.peer]);
  return threshold.kind === "regression" && threshold.baseline !== undefined ? [baselinePath(threshold.baseline)] : [];
}

function planOf(path: string, thresholds: readonly Threshold[], quick: boolean): GatePlan {
  const rules = thresholds.map((threshold, index): GateRule => {
    const { workload, sizes } = settingOf(threshold, quick, `${path}: thresholds.${index} (${threshold.name})`);
    return { threshold, workload, sizes, variant: variantOf(threshold) };
  });
  const { effort } = measured({ quick });
  return { rules, rounds: effort.rounds, slotMilliseconds: effort.slotMilliseconds, orderSeed: freshSeed(), quick };
}

function variantOf({ variant }: Threshold): string {
  return parseVariant(variant ?? hakmemVariant() ?? DEFAULT_VARIANT).name;
}

/**
 * The workload, its sizes and parameters, as for the options of `bench`. What is counted is the same in the quick form.
 */
function settingOf(threshold: Threshold, quick: boolean, where: string): Measured {
  const { kind, workload, sizes, parameters = {} } = threshold;
  const isCounted = kind === "fast-free-share" || kind === "footprint";
  try {
    const setting = measured({
      workload,
      size: sizes,
      cycles: parameters.cycles,
      workingSet: parameters["working-set"],
      seed: parameters.seed,
      min: parameters.min,
      max: parameters.max,
      chunks: parameters.chunks,
      larsonRounds: parameters["larson-rounds"],
      quick: quick && !isCounted,
    });
    checkThreads(setting.workload, threadsOf(threshold));
    if (kind === "sharing") checkOwnHeaps(setting.workload, [threshold.threads]);
    return setting;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new InvalidOptionError(`${where}: ${error.message}`);
  }
}
