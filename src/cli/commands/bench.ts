/**
 * `bench`: reads its options, runs the measurement, prints the reports.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { DEFAULT_VARIANT } from "../../heap/mod.ts";
import { bench, type BenchRun } from "../../lab/bench/bench.ts";
import { withInstructions } from "../../lab/instructions/instructions.ts";
import { withLatency } from "../../lab/bench/latency.ts";
import { DEFAULT_PEERS, PEERS } from "../../peers/mod.ts";
import { countUnit } from "../../lab/bench/counts.ts";
import type { CountsRow, ResultFile } from "../../model/mod.ts";
import { checkExpectation, renderCsv, renderMarkdown, renderTerminal, renderWarnings } from "../../report/mod.ts";
import { WORKLOADS } from "../../workloads/mod.ts";
import { isAnyMissing } from "../shared/asked_peers.ts";
import { expectation, planOf } from "../shared/bench_plan.ts";
import { type AnyCommand, COMMAND_LINE, type Finish, type OptionsOf, ResultFormats } from "../shared/command.ts";
import { ERROR, FAILED, FINE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import type { Outputs } from "../shared/outputs.ts";
import { printError, twoColumns } from "../shared/terminal.ts";
import {
  libraryPaths,
  MOST_THREADS,
  oneOf,
  peerList,
  threadList,
  UsageError,
  variantList,
  wholeNumber,
} from "../shared/values.ts";
import { withWorkload } from "../shared/workload_options.ts";

const WORKLOAD_NAMES = [...WORKLOADS.keys()];

const mark = (peer: string) => DEFAULT_PEERS.includes(peer) ? "*" : " ";

const HELP = `
Workloads:
${twoColumns([...WORKLOADS.values()])}

Peers; those with * are measured unless --peer chooses others, mimalloc only if installed (see peers):
${twoColumns(PEERS.map(({ name, description }) => ({ name: `${mark(name)} ${name}`, description })))}

Exit codes: 0 fine, 1 an expectation (--expect) is not met, 3 an error, or a peer that was asked for
could not be measured.

Examples:
  deno run -P cli.ts bench
  deno run -P cli.ts bench --quick
  deno run -P cli.ts bench hot-pair --size 16,4096 --peer system,ffi --json hot-pair.json
  deno run -P cli.ts bench --peer system,mimalloc,jemalloc,./libmine.so
  deno run -P cli.ts bench larson --min 8 --max 128 --chunks 1024 --expect '+50%'
  deno run -P cli.ts bench larson --threads 1,2,4
  deno run -P cli.ts bench sh8bench --peer system,mimalloc --latency
  deno run -P cli.ts bench --peer system,mimalloc --instructions
  deno run -P cli.ts bench cache-thrash --threads 2 --own-heaps
`;

const FORMATS = new ResultFormats<ResultFile>("write a result file (- is stdout)", {
  csv: ["write every sample", renderCsv],
  markdown: ["write the table and where it was measured", renderMarkdown],
}, "write a page with charts (- is stdout)");

function declare() {
  const command = new Command("bench")
    .description("measures throughput by size: hakmem and its peers side by side, in one run")
    .argument("[workload]", `${WORKLOAD_NAMES.join(", ")} (default: random-mixed)`, oneOf("workload", WORKLOAD_NAMES))
    .option("--threads <list>", `numbers of threads, each to ${MOST_THREADS} (default: 1)`, threadList)
    .option("--own-heaps", "with several threads, measure each variant with a heap for each thread, too")
    .option("--variant <list>", `variants of our heap (default: HAKMEM_VARIANT, or ${DEFAULT_VARIANT})`, variantList)
    .option("--peer <list>", "peers from the list below, or paths of shared libraries that have malloc", peerList)
    .option("--rounds <n>", "measurement rounds, at least 6 (default: 10)", wholeNumber("--rounds", 6, 1000))
    .option("--quick", "shorter turns, smaller units and 6 rounds: done in 15 s")
    .option(
      "--seconds <n>",
      "every contestant does as much work as system does in this time",
      wholeNumber("--seconds", 1, 3600),
    )
    .option(
      "--counters",
      "count what each variant reaches, in a counting build: share of fast frees, mincore calls, ...",
    )
    .option("--latency", "time single operations, too, with one thread: p50 to p99.99 and the longest, with its cause")
    .option(
      "--instructions",
      "count instructions and cache misses of native peers (by perf, or valgrind), and the bytes of our code",
    )
    .option("--expect <ratio>", "check an expected ratio to system: '+20%', 1.2 or 1.2x", expectation)
    .addHelpText("after", HELP);
  return withWorkload(FORMATS.on(command));
}

/** The command. */
export function benchCommand(finish: Finish): AnyCommand {
  return declare().action(async (workload, options) => {
    if (workload !== undefined && options.workload !== undefined && workload !== options.workload) {
      throw new UsageError(`${workload} and --workload ${options.workload} are two workloads: name one`);
    }
    finish(await run({ ...options, workload: workload ?? options.workload }));
  });
}

type BenchOptions = OptionsOf<typeof declare>;

async function run(options: BenchOptions): Promise<number> {
  const plan = planOf(options);
  const outputs = await FORMATS.outputs(options, libraryPaths(options.peer ?? []), options.expect !== undefined);
  const result: BenchRun = await interruptible(async (show, signal) => {
    const run = await bench(plan, show, signal);
    const timed = options.latency === true ? await withLatency(run, plan, show, signal) : run;
    return options.instructions === true ? await withInstructions(timed, plan, show, signal) : timed;
  });
  const counts: CountsRow[] = [];
  if (options.counters === true && result.rounds.measured > 0) {
    for (const { size, parameters } of plan.sizes) {
      for (const variant of plan.variants) {
        // Where each thread has a heap of its own, it is as with one.
        for (const threads of plan.ownHeaps === true ? [1] : plan.threads ?? [1]) {
          counts.push(await countUnit(variant, plan.workload, size, parameters, threads));
        }
      }
    }
  }
  return publish(result, options, counts, outputs);
}

function publish(
  { isInterrupted, ...run }: BenchRun,
  { expect: expected, peer: asked }: BenchOptions,
  counts: CountsRow[],
  outputs: Outputs<ResultFile>,
): number {
  const { measured, wanted } = run.rounds;
  if (isInterrupted) {
    const rest = measured === 0 ? "there is nothing to show" : "what follows is what they gave";
    printError(`interrupted: ${measured} of ${wanted} rounds measured; ${rest}\n`);
  }
  if (isInterrupted && measured === 0) {
    return ERROR;
  }
  const file: ResultFile = {
    schema: "hakmem.results/1",
    command: COMMAND_LINE,
    ...run,
    expectations: expected === undefined ? [] : checkExpectation(expected, run.results),
    ...(counts.length === 0 ? {} : { counters: counts }),
  };
  const notes = outputs.takeStdout ? file.notes.map((note) => `${note}\n`).join("") : "";
  outputs.publish(file, (palette) => renderTerminal(file, palette), notes + renderWarnings(file));
  if (isInterrupted || isAnyMissing(asked, file)) return ERROR;
  return file.expectations.some(({ verdict }) => verdict === "below") ? FAILED : FINE;
}
