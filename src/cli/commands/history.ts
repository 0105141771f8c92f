/**
 * `history`: reads its options and the range, searches, prints which commits changed throughput, and gives the verdict
 * as the exit code.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { hashesIn, readRange, USUAL_COMMITS } from "../../lab/history/commits.ts";
import { history, type HistoryPlan, type Report } from "../../lab/history/history.ts";
import { ROOT } from "../../lab/contest/specs.ts";
import { comparingReplays } from "../../lab/replay/replay.ts";
import { freshSeed, LOOKS } from "../../measure/mod.ts";
import type { HistoryFile } from "../../model/mod.ts";
import { checksum } from "../../os/mod.ts";
import { renderWarnings } from "../../report/mod.ts";
import { comparisonLine, renderHistory, renderHistoryCsv, renderHistoryMarkdown } from "../../report/history.ts";
import { checkThreads, effortOf, measured } from "../shared/bench_plan.ts";
import { type AnyCommand, COMMAND_LINE, type Finish, type OptionsOf, ResultFormats } from "../shared/command.ts";
import { ERROR, VERDICT_CODES } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import { printError } from "../shared/terminal.ts";
import { assertOfTraces, tracePlan } from "../shared/trace_option.ts";
import { MOST_THREADS, UsageError, wholeNumber } from "../shared/values.ts";
import { withWorkload } from "../shared/workload_options.ts";

const HELP = `
First it compares the ends of the range, as compare does. If they differ, it compares the start with
commits in the middle until it has the first commit that differs from the start, and compares that
one with the commit before it. Then it does the same from there on. For n commits that change what
is measured, finding a change takes at most log2 n comparisons, and two more. Two changes that undo
each other between the ends are not seen: --every 10 also compares every tenth commit.

It follows first parents: a merge is one commit. Commits that change none of the files that are
measured are not compared, and a revision that does not run is left out.

The result of each comparison is kept, in the cache folder or in the file --state. After Ctrl-C or a
kill the same command goes on from there. When it is done, it measures again only what was
inconclusive.

Exit codes: 0 fine, 1 a regression was found, 2 inconclusive, 3 an error or an interruption.

Examples:
  deno run -P cli.ts history
  deno run -P cli.ts history --since v0.1.0 --workload larson --threads 2
  deno run -P cli.ts history --since HEAD~100 --size 128 --every 20 --html history.html
  deno run -P cli.ts history --since main --until my-branch --trace app.trace
`;

const FORMATS = new ResultFormats<HistoryFile>("write commits, comparisons and changes (- is stdout)", {
  csv: ["write a line for each comparison and size", renderHistoryCsv],
  markdown: ["write which commits changed it, and where it was measured", renderHistoryMarkdown],
}, "write a page with the curve");

function declare() {
  const command = new Command("history")
    .description("which commit made it slower? Compares the revisions of a range, by bisection")
    .option(
      "--since <rev>",
      `the revision that the range starts after (default: ${USUAL_COMMITS} commits before the last)`,
    )
    .option("--until <rev>", "its last revision", "HEAD")
    .option("--tree <folder>", "the git repository to examine, a copy of this project (default: this one)")
    .option(
      "--every <n>",
      "also compare every n-th commit, not only the ends",
      wholeNumber("--every", 1, 10_000),
    )
    .option("--skip <revs>", "revisions to leave out, separated by commas")
    .option("--variant <spec>", "run all revisions with this variant and flags (default: each with its own)")
    .option("--quick", "turns of 8 ms and 20 rounds at most: a first look")
    .option("--threads <n>", "threads of each contestant (default: 1)", wholeNumber("--threads", 1, MOST_THREADS))
    .option("--trace <file>", "replay a trace of a real program instead of a workload")
    .option("--state <file>", "keep there what was measured (default: a file in the cache folder)")
    .option("--fresh", "begin anew, whatever was kept");
  return FORMATS.on(withWorkload(command)).addHelpText("after", HELP);
}

/** The command. */
export function historyCommand(finish: Finish): AnyCommand {
  return declare().action(async (options) => finish(await run(options)));
}

type HistoryOptions = OptionsOf<typeof declare>;
/** The options that are left once the range is read: those of a workload, a trace and the files. */
type WorkOptions = Omit<HistoryOptions, "since" | "until" | "tree" | "every" | "skip" | "variant" | "state" | "fresh">;

async function run(options: HistoryOptions): Promise<number> {
  const { since, until, tree = ROOT, every, skip, variant, state, fresh = false, ...work } = options;
  const outputs = await FORMATS.outputs(options, [work.trace], true, [{ option: "--state", path: state }]);
  if (state === "-") throw new UsageError("--state - is not allowed: it is read again, so it needs a file");
  const range = await readRange(tree, since, until);
  const common = {
    range,
    leftOut: skip === undefined ? [] : await hashesIn(range, skip.split(",")),
    fresh,
    ...(every === undefined ? {} : { every }),
    ...(variant === undefined ? {} : { variant }),
    ...(state === undefined ? {} : { state }),
  };
  const told = (report: Report) => {
    if (!Deno.stderr.isTerminal()) printError(`${comparisonLine(report)}\n`); // where the bar is shown, the table is, too
  };
  const result = await withWork(
    work,
    (plan) => interruptible((show, signal) => history({ ...common, ...plan }, show, told, signal)),
  );
  const file: HistoryFile = { schema: "hakmem.history/1", command: COMMAND_LINE, ...result };
  outputs.publish(file, (palette) => renderHistory(file, palette), renderWarnings(file));
  return file.interrupted === true ? ERROR : VERDICT_CODES[file.verdict];
}

type Work = Omit<HistoryPlan, "range" | "leftOut" | "fresh">;

/** What is done to every revision: a workload, or replays of a trace, whose file is there as long as `action` lasts. */
async function withWork<R>(options: WorkOptions, action: (work: Work) => Promise<R>): Promise<R> {
  const { threads = 1, trace: path, ...others } = options;
  const effort = {
    threads,
    slotMilliseconds: effortOf(options).slotMilliseconds,
    orderSeed: freshSeed(),
    looks: options.quick === true ? [LOOKS[0]!] : LOOKS,
  };
  if (path === undefined) {
    const { workload, sizes } = measured(options);
    checkThreads(workload, threads);
    return await action({ ...effort, workload, sizes });
  }
  assertOfTraces(others);
  const isFile = path !== "-" && await Deno.stat(path).then((info) => info.isFile, () => true); // what is not there is said below
  if (!isFile) {
    throw new UsageError(`--trace ${path} is not a file: a history that is continued has to find it again`);
  }
  const plan = tracePlan(path, threads);
  const traceHash = await checksum(await Deno.readFile(path));
  return await comparingReplays(plan, 3, (work) => action({ ...effort, ...work, traceHash }));
}
