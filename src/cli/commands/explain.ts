/**
 * `explain`: reads its options, lets the lab find the cause of a difference, prints it.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { explain, type ExplainPlan, type ExplainRun } from "../../lab/explain/explain.ts";
import { comparingReplays } from "../../lab/replay/replay.ts";
import { freshSeed, LOOKS } from "../../measure/mod.ts";
import type { ExplainFile } from "../../model/mod.ts";
import { renderExplain, renderExplainCsv, renderExplainMarkdown, renderWarnings } from "../../report/mod.ts";
import { effortOf, measured } from "../shared/bench_plan.ts";
import { type AnyCommand, COMMAND_LINE, type Finish, type OptionsOf, ResultFormats } from "../shared/command.ts";
import { FINE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import { assertOfTraces, tracePlan } from "../shared/trace_option.ts";
import { withWorkload } from "../shared/workload_options.ts";

const HELP = `
A and B are variants of this source, with flags: phase7, or box,integrity=1. For each flag in which
they differ, builds that differ in that flag alone are measured, from A's side and from B's. So the
report says what each flag does, not what it should do.

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts explain phase7 e3-1
  deno run -P cli.ts explain phase7-1.3 phase7-1.2 --size 128 --markdown report.md
  deno run -P cli.ts explain box e3-1 --workload larson --json explain.json
  deno run -P cli.ts explain slab-map,magazines=0 slab-map --trace systemui.zip
`;

const FORMATS = new ResultFormats<ExplainFile>("write everything that was found (- is stdout)", {
  csv: ["write a row for each flag", renderExplainCsv],
  markdown: ["write the report", renderExplainMarkdown],
}, "write a page with charts");

function declare() {
  const command = new Command("explain")
    .description("finds which flags make B slower or faster than A, and by how much, with evidence")
    .argument("<A>", "a variant")
    .argument("<B>", "the variant to explain")
    .option("--trace <file>", "replay a trace of a real program instead of a workload")
    .option("--quick", "turns of 8 ms and 20 rounds at most: a first look");
  return FORMATS.on(withWorkload(command)).addHelpText("after", HELP);
}

/** The command. */
export function explainCommand(finish: Finish): AnyCommand {
  return declare().action(async (a, b, options) => finish(await run(a, b, options)));
}

type ExplainOptions = OptionsOf<typeof declare>;

async function run(a: string, b: string, options: ExplainOptions): Promise<number> {
  const outputs = await FORMATS.outputs(options, [options.trace]);
  const common = { a, b, orderSeed: freshSeed(), ...(options.quick === true ? { looks: [LOOKS[0]!] } : {}) };
  const found = options.trace === undefined
    ? await explained({ ...common, ...workOf(options) })
    : await explainReplays(common, options.trace, options);
  const file: ExplainFile = {
    schema: "hakmem.explain/1",
    command: COMMAND_LINE,
    ...found,
  };
  outputs.publish(file, (palette) => renderExplain(file, palette), renderWarnings(file));
  return FINE;
}

/** What the options say of the workload. */
function workOf(options: ExplainOptions): Pick<ExplainPlan, "workload" | "sizes" | "slotMilliseconds"> {
  const { workload, sizes, effort } = measured(options);
  return { workload, sizes, slotMilliseconds: effort.slotMilliseconds };
}

function explained(plan: ExplainPlan): Promise<ExplainRun> {
  return interruptible((show, signal) => explain(plan, show, signal));
}

async function explainReplays(
  common: Pick<ExplainPlan, "a" | "b" | "orderSeed" | "looks">,
  path: string,
  options: ExplainOptions,
): Promise<ExplainRun> {
  assertOfTraces(options);
  const { slotMilliseconds } = effortOf(options);
  return await comparingReplays(tracePlan(path, 1), MOST_BUILDS, async ({ trace, ...work }) => {
    const run = await explained({ ...common, ...work, slotMilliseconds });
    return { ...run, workload: `the replay of ${trace.file}` };
  });
}

/** Builds that are measured at a time, about: each flag alone, from both sides. */
const MOST_BUILDS = 8;
