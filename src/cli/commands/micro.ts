/**
 * `micro`: what each stage of the hot path costs, and each step of what stands behind it.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { micro } from "../../lab/micro/micro.ts";
import { freshSeed } from "../../measure/mod.ts";
import type { MicroFile } from "../../model/mod.ts";
import { renderMicroCsv, renderMicroMarkdown } from "../../report/micro.ts";
import { renderMicro } from "../../report/mod.ts";
import { type AnyCommand, type Finish, ResultFormats } from "../shared/command.ts";
import { FINE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import { wholeNumber } from "../shared/values.ts";

const EFFORT = {
  normal: { rounds: 20, slotMilliseconds: 10 },
  quick: { rounds: 6, slotMilliseconds: 1 },
};

const HELP = `
Each stage is added to a loop that has all those before it; what it costs is the difference. Small
differences can be negative: the processor does several things at once, and an added store may even
help. The default heap's stages come first, then what stands behind them: large blocks, slabs,
carving, spilling, magazines, remote frees, realloc and the system's pages, each from the innermost
function to malloc and free themselves. Then come the stages of the designs before it, with a header
in front of each block, and of their slow paths.

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts micro
  deno run -P cli.ts micro --quick
  deno run -P cli.ts micro --rounds 40 --json micro.json
`;

const FORMATS = new ResultFormats<MicroFile>("write the rows as JSON (- is stdout)", {
  csv: ["write the rows", renderMicroCsv],
  markdown: ["write the tables", renderMicroMarkdown],
});

/** The command. */
export function microCommand(finish: Finish): AnyCommand {
  const command = new Command("micro")
    .description(
      "prices each stage of malloc, free and realloc, in nanoseconds and ticks of the processor's counter",
    )
    .option("--quick", "turns of 1 ms, not 10, and 6 rounds: a first look")
    .option("--rounds <n>", "measurement rounds, at least 6 (default: 20)", wholeNumber("--rounds", 6, 1000));
  return FORMATS.on(command).addHelpText("after", HELP).action(async ({ quick, rounds, ...files }) => {
    const outputs = await FORMATS.outputs(files);
    const effort = quick === true ? EFFORT.quick : EFFORT.normal;
    const plan = { ...effort, ...(rounds === undefined ? {} : { rounds }), seed: freshSeed() };
    const file = await interruptible(
      (show, signal) => micro(plan, show, signal),
      "no row is complete before the last round",
    );
    outputs.publish(file, (palette) => renderMicro(file, palette));
    finish(FINE);
  });
}
