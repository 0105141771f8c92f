/**
 * `stress`: random operations against the oracle, or the replay of a list that failed.
 *
 * @module
 */
import { Command, Option } from "@commander-js/extra-typings";
import { DEFAULT_VARIANT } from "../../heap/mod.ts";
import { replayStress, stress } from "../../verify/stress/stress.ts";
import { SCENARIOS } from "../../verify/stress/scenarios.ts";
import { stressThreads } from "../../verify/stress/threads.ts";
import { freshSeed } from "../../measure/mod.ts";
import { readChecked, type StressFile, StressFileSchema } from "../../model/mod.ts";
import { renderStressCsv, renderStressMarkdown } from "../../report/stress.ts";
import { renderStress } from "../../report/mod.ts";
import { variantsOf } from "../shared/bench_plan.ts";
import {
  type AnyCommand,
  buildOption,
  COMMAND_LINE,
  type Finish,
  type OptionsOf,
  ResultFormats,
} from "../shared/command.ts";
import { ERROR, FAILED, FINE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import { readAs } from "../shared/read_text.ts";
import { printError, twoColumns } from "../shared/terminal.ts";
import { buildOf, someOf, UsageError, variantList, wholeNumber } from "../shared/values.ts";

/** The scenario of one thread. */
const DAMAGE = "damage";
/** All that `--scenario` takes. */
export const SCENARIO_NAMES: readonly string[] = [DAMAGE, ...Object.keys(SCENARIOS)];

const HELP = `
Each program is a random list of malloc, calloc, realloc, alignedAlloc, free, collect and audits on a
fresh heap. The oracle knows every live block and fills it with a pattern, so it finds overlaps, lost
contents, blocks given out twice and wrong sums. A failing program is cut down to the shortest list of
operations that still fails. Ctrl-C ends it and prints what ran.

Exit codes: 0 fine, 1 if anything failed, 3 an error.

--scenario damage overwrites words of the heap's state, as C code could, and of freed blocks. From
then on a call may throw a HeapError; but the process must not die or hang, nothing outside the heap
may change, and no live block may be given out again.

With --threads, that many Workers share a heap and an oracle. Each works on the blocks of all, in these
scenarios, which get equal shares of the time:
${twoColumns(Object.entries(SCENARIOS).map(([name, { meaning }]) => ({ name, description: meaning })))}
The footprint of a debug build is not judged, since a debug build keeps more than blocks.
A failure is printed with what each Worker did last. Runs differ, even with the same seed.

Examples:
  deno run -P cli.ts stress
  deno run -P cli.ts stress --seconds 60 --variant slab-map,phase7 --seed 42
  deno run -P cli.ts stress --variant slab-map,capacity=4,refill=1 --json failure.json
  deno run -P cli.ts stress --replay failure.json
  deno run -P cli.ts stress --scenario damage --seconds 60
  deno run -P cli.ts stress --threads 4 --seconds 60
  deno run -P cli.ts stress --threads 2 --build debug --seconds 60
  deno run -P cli.ts stress --threads 2 --scenario succession --seconds 600
`;

const FORMATS = new ResultFormats<StressFile>("write what was found, with the failing list (- is stdout)", {
  csv: ["write a line a variant", renderStressCsv],
  markdown: ["write a table, and what failed", renderStressMarkdown],
});

function declare() {
  const command = new Command("stress")
    .description("runs random operations against an oracle for some time")
    .option(
      "--seconds <n>",
      "how long to run in all; each variant gets its share (default: 10)",
      wholeNumber("--seconds", 1, 86_400),
    )
    .option("--seed <n>", "start of the random programs (default: a new one)", wholeNumber("--seed", 1, 2 ** 32 - 1))
    .option(
      "--threads <n>",
      "how many Workers share a heap (default: one thread, no Workers)",
      wholeNumber("--threads", 1, 64),
    )
    .option(
      "--scenario <list>",
      `${DAMAGE}, or with --threads: only these (see below)`,
      someOf("--scenario", SCENARIO_NAMES),
    )
    .option("--variant <list>", `variants of our heap (default: HAKMEM_VARIANT, or ${DEFAULT_VARIANT})`, variantList)
    .addOption(buildOption())
    .addOption(
      new Option("--replay <file>", "run the failing lists of a file that --json wrote")
        .conflicts(["seconds", "seed", "variant", "build", "threads", "scenario"]),
    );
  return FORMATS.on(command).addHelpText("after", HELP);
}

/** The command. */
export function stressCommand(finish: Finish): AnyCommand {
  return declare().action(async (options) => finish(await run(options)));
}

type StressOptions = OptionsOf<typeof declare>;

async function run(options: StressOptions): Promise<number> {
  const work = options.replay !== undefined
    ? replay(options.replay)
    : (options.threads ?? 1) === 1
    ? fresh(options)
    : shared(options);
  const outputs = await FORMATS.outputs(options, [options.replay], true);
  const { isStopped, ...found } = await interruptible(async (show, signal) => ({
    ...await work(show, signal),
    isStopped: signal.aborted,
  }));
  const file: StressFile = { schema: "hakmem.stress/1", command: COMMAND_LINE, ...found };
  outputs.publish(file, (palette) => renderStress(file, palette));
  if (file.runs.some(({ failure }) => failure !== undefined)) return FAILED;
  if (!isStopped) return FINE;
  printError("interrupted: nothing had failed\n");
  return ERROR;
}

/** What makes the file's contents. */
type Work = (
  report: Parameters<typeof stress>[1],
  signal: AbortSignal,
) => Promise<Omit<StressFile, "schema" | "command">>;

function fresh({ variant, build = "release", seed = freshSeed(), seconds = 10, scenario }: StressOptions): Work {
  if (scenario !== undefined && scenario.join() !== DAMAGE) {
    throw new UsageError(`--scenario without --threads is ${DAMAGE}; for the others give --threads a number from 2`);
  }
  const variants = variantsOf(variant);
  return (report, signal) =>
    stress({ variants, build, seed, seconds, ...(scenario === undefined ? {} : { scenario: DAMAGE }) }, report, signal);
}

function shared(
  { variant, build = "release", seed = freshSeed(), seconds = 10, threads = 2, scenario }: StressOptions,
): Work {
  const variants = variantsOf(variant), scenarios = scenario ?? Object.keys(SCENARIOS);
  if (scenarios.includes(DAMAGE)) throw new UsageError(`--scenario ${DAMAGE} is for one thread: leave --threads out`);
  if (scenarios.length === 0) throw new UsageError("--scenario names no scenario");
  return (report, signal) => stressThreads({ variants, build, scenarios, threads, seed, seconds }, report, signal);
}

function replay(path: string): Work {
  const { build, seed, runs, threads } = readAs(
    path,
    `--replay ${path}`,
    "cannot be read as a file that stress --json wrote",
    (text) => readChecked(StressFileSchema, text),
  );
  const failures = runs.flatMap(({ variant, failure }) =>
    failure !== undefined && "program" in failure ? [{ variant, program: failure.program }] : []
  );
  if (failures.length === 0 && threads !== undefined) {
    throw new UsageError(`--replay ${path} has ${threads} threads, which take different turns each time: run it again`);
  }
  if (failures.length === 0) throw new UsageError(`--replay ${path} holds no failure`);
  const known = buildOf("--replay's build")(build);
  return async (_report, signal) => ({ build, seed, runs: await replayStress(failures, known, signal) });
}
