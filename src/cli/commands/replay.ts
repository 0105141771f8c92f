/**
 * `replay`: reads its options and the trace, lets the lab replay it, prints what it found.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { DEFAULT_VARIANT } from "../../heap/mod.ts";
import { replay, type ReplayPlan } from "../../lab/replay/replay.ts";
import { freshSeed } from "../../measure/mod.ts";
import { defaultPeers } from "../../peers/find.ts";
import type { ResultFile } from "../../model/mod.ts";
import { renderCsv, renderReplay, renderReplayMarkdown, renderWarnings, tooFew } from "../../report/mod.ts";
import { FORMATS, traceName } from "../../traces/mod.ts";
import { MOST_MEMBERS } from "../../traces/replay_words.ts";
import { effortOf, variantsOf } from "../shared/bench_plan.ts";
import { isAnyMissing } from "../shared/asked_peers.ts";
import { type AnyCommand, COMMAND_LINE, type Finish, type OptionsOf, ResultFormats } from "../shared/command.ts";
import { ERROR, FINE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import { traceOf } from "../shared/reading.ts";
import { printError, twoColumns } from "../shared/terminal.ts";
import { libraryPaths, peerList, variantList, wholeNumber } from "../shared/values.ts";

const HELP = `
Every allocator serves every event of the trace, and every block is written and read, so an
allocator that loses a block is found out. A peer that does so, hangs or dies is left out. The
formats, also as .zip, .gz and .zst:
${twoColumns(FORMATS)}

Exit codes: 0 fine, 3 an error, or a peer that was asked for could not be measured.

Examples:
  deno run -P cli.ts replay systemui.zip
  deno run -P cli.ts replay systemui.zip --peer system,assemblyscript --json replay.json
  deno run -P cli.ts replay trace.rep --variant slab-map,phase7 --peer system --quick
  deno run -P cli.ts replay systemui.zip --threads 2 --peer system
`;

/** Milliseconds after which a peer that nobody asked for is left out. */
const REPLAY_DEADLINES = { normal: 10_000, quick: 1_000 };

const RESULT_FORMATS = new ResultFormats<ResultFile>("write a result file (- is stdout)", {
  csv: ["write every sample", renderCsv],
  markdown: ["write the table and where it was measured", renderReplayMarkdown],
}, "write a page with charts (- is stdout)");

function declare() {
  const command = new Command("replay")
    .description("replays the trace of a real program on hakmem and native allocators: time and memory")
    .argument("<trace>", "a file that is a trace, compressed or not; - is stdin")
    .option("--variant <list>", `variants of our heap (default: HAKMEM_VARIANT, or ${DEFAULT_VARIANT})`, variantList)
    .option("--peer <list>", "peers (see the command peers), or paths of shared libraries that have malloc", peerList)
    .option(
      "--threads <n>",
      "spread the trace's threads over this many threads (default: 1)",
      wholeNumber("--threads", 1, MOST_MEMBERS),
    )
    .option("--no-latency", "do not time single operations")
    .option("--rounds <n>", "measurement rounds, at least 6 (default: 10)", wholeNumber("--rounds", 6, 1000))
    .option("--quick", "6 rounds, no single operations, and without allocators that take over a second for a replay");
  return RESULT_FORMATS.on(command).addHelpText("after", HELP);
}

/** The command. */
export function replayCommand(finish: Finish): AnyCommand {
  return declare().action(async (path, options) => finish(await run(path, options)));
}

type ReplayOptions = OptionsOf<typeof declare>;

async function run(path: string, options: ReplayOptions): Promise<number> {
  const effort = effortOf(options);
  const variants = variantsOf(options.variant);
  const outputs = await RESULT_FORMATS.outputs(options, [path, ...libraryPaths(options.peer ?? [])]);
  const plan: ReplayPlan = {
    trace: traceOf(path),
    file: traceName(path),
    variants,
    peers: options.peer ?? defaultPeers(),
    threads: options.threads ?? 1,
    rounds: options.rounds ?? effort.rounds,
    slotMilliseconds: effort.slotMilliseconds,
    latency: options.latency && options.quick !== true,
    orderSeed: freshSeed(),
    unitDeadline: options.peer === undefined
      ? REPLAY_DEADLINES[options.quick === true ? "quick" : "normal"]
      : undefined,
    foresee: ({ events }) => {
      const why = tooFew(events);
      if (why !== undefined) printError(`${traceName(path)} has ${why}\n`);
    },
  };
  const { isInterrupted, ...found } = await interruptible((show, signal) => replay(plan, show, signal));
  if (isInterrupted) printError("interrupted: not all single operations are timed; what follows was measured before\n");
  const file: ResultFile = {
    schema: "hakmem.results/1",
    command: COMMAND_LINE,
    ...found,
    expectations: [],
  };
  outputs.publish(file, (palette) => renderReplay(file, palette), renderWarnings(file));
  return isInterrupted || isAnyMissing(options.peer, file) ? ERROR : FINE;
}
