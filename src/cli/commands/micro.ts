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
import { renderJson, renderMicro } from "../../report/mod.ts";
import { ERROR, FINE } from "../shared/exit_codes.ts";
import { Outputs } from "../shared/outputs.ts";
import { openProgress, printError } from "../shared/terminal.ts";
import { wholeNumber } from "../shared/values.ts";

const SLOT_MILLISECONDS = 10;

const HELP = `
Each stage is added to a loop that has all those before it; what it costs is the difference. Small differences can be
negative: the processor does several things at once, and an added store may even help. The default heap's stages come
first, then what stands behind them: large blocks, slabs, carving, spilling, magazines, remote frees, realloc and the
system's pages, each from the innermost function to malloc and free themselves. Then come the stages of the designs
before it, with a header in front of each block, and of their slow paths.

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts micro
  deno run -P cli.ts micro --rounds 40 --json micro.json
`;

/** The command. */
export function microCommand(finish: (exitCode: number) => void): Command {
  const command = new Command("micro")
    .description(
      "what each stage of malloc, free and realloc costs, in nanoseconds and ticks of the processor's counter",
    )
    .option("--rounds <n>", "measurement rounds, at least 6 (default: 20)", wholeNumber("--rounds", 6, 1000))
    .option("--json <file>", "write the rows as JSON (- is stdout)")
    .option("--csv <file>", "write the rows")
    .option("--markdown <file>", "write the tables")
    .addHelpText("after", HELP);
  // The typed command is wider than what the tree needs to know.
  return command.action(async ({ rounds = 20, ...files }) => finish(await run(rounds, files))) as unknown as Command;
}

/** Where the rows go besides the terminal. */
interface Files {
  json?: string | undefined;
  csv?: string | undefined;
  markdown?: string | undefined;
}

async function run(rounds: number, { json, csv, markdown }: Files): Promise<number> {
  const outputs = new Outputs<MicroFile>([
    { option: "--json", path: json, render: renderJson },
    { option: "--csv", path: csv, render: renderMicroCsv },
    { option: "--markdown", path: markdown, render: renderMicroMarkdown },
  ]);
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  const progress = openProgress();
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    const plan = { rounds, slotMilliseconds: SLOT_MILLISECONDS, seed: freshSeed() };
    const file = await micro(plan, (state) => progress.show(state), controller.signal);
    progress[Symbol.dispose]();
    outputs.publish(file, (palette) => renderMicro(file, palette));
    return FINE;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    progress[Symbol.dispose]();
    printError("interrupted: no row is complete before the last round\n");
    return ERROR;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}
