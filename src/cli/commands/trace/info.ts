/**
 * `trace info`: what a trace is like, as far as that can be told without a replay; with `--by stack`, who allocates.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { stacksFileOf } from "../../../lab/stacks/file.ts";
import { profileOf } from "../../../lab/stacks/profile.ts";
import type { StacksFile, TraceFile } from "../../../model/mod.ts";
import { renderStacks, renderStacksCsv, renderStacksMarkdown } from "../../../report/traces/stacks.ts";
import { renderTrace, renderTraceCsv, renderTraceMarkdown } from "../../../report/traces/trace.ts";
import { readSummary, STACK_VALUES, type StackValue, traceName } from "../../../traces/mod.ts";
import { type AnyCommand, COMMAND_LINE, type FileOptions, type Finish, ResultFormats } from "../../shared/command.ts";
import { FINE } from "../../shared/exit_codes.ts";
import { interruptible } from "../../shared/interruptible.ts";
import { reading } from "../../shared/reading.ts";
import { oneOf, UsageError, wholeNumber } from "../../shared/values.ts";
import { valueOption } from "./flame.ts";

/** Points of the curve of live bytes: two for each column of the chart, and some to spare in the file. */
const SAMPLES = 200;

const HELP = `
--by stack needs a recording with stacks (record --stacks), and looks up the names of calls by
addr2line and nm. Its columns are what a stack asked for, in bytes and in blocks; how much of that
was live when the whole program had the most live bytes; how many blocks were temporary, that is,
freed before the same thread allocated anything else; and what was never freed. trace flame draws
them.

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts trace info systemui.zip
  deno run -P cli.ts trace info trace.rep --json trace.json
  deno run -P cli.ts trace info program.trace --by stack --value peak
`;

const RESULT_FORMATS = new ResultFormats<TraceFile>("write everything (- is stdout)", {
  csv: ["write the histograms", renderTraceCsv],
  markdown: ["write the tables", renderTraceMarkdown],
});

/** The most stacks that are shown, if it is not said; and at all. */
const TOP = 10, MOST_TOP = 10_000;

/** The files of `--by stack`, by the same options. @param top how many stacks Markdown has */
function stackFormats(top: number): ResultFormats<StacksFile> {
  return new ResultFormats<StacksFile>("", {
    csv: ["", renderStacksCsv],
    markdown: ["", (file) => renderStacksMarkdown(file, top)],
  });
}

function declare() {
  const command = new Command("info")
    .description("summarises a trace: events, sizes, lifetimes, live bytes over time, threads; who allocates")
    .argument("<trace>", "a file that is a trace, compressed or not; - is stdin")
    .option("--by <what>", "stack: who allocates, instead", oneOf("--by", ["stack"]))
    .addOption(valueOption())
    .option("--top <n>", `with --by stack, how many are shown (default: ${TOP})`, wholeNumber("--top", 1, MOST_TOP));
  return RESULT_FORMATS.on(command).addHelpText("after", HELP);
}

/** The command. */
export function infoCommand(finish: Finish): AnyCommand {
  return declare().action(async (path, { by, value, top, ...files }) => {
    if (by === undefined) {
      const other = value !== undefined ? "--value" : top !== undefined ? "--top" : undefined;
      if (other !== undefined) throw new UsageError(`${other} is about stacks: add --by stack`);
      await run(path, files);
    } else {
      await runByStack(path, value ?? STACK_VALUES[0], top ?? TOP, files);
    }
    finish(FINE);
  });
}

async function runByStack(path: string, value: StackValue, top: number, options: FileOptions): Promise<void> {
  const outputs = await stackFormats(top).outputs(options, [path]);
  const found = await interruptible((_show, signal) => profileOf(path, value, signal));
  const file: StacksFile = {
    schema: "hakmem.stacks/1",
    command: COMMAND_LINE,
    file: traceName(path),
    ...stacksFileOf(found, value),
  };
  outputs.publish(file, (palette) => renderStacks(file, top, palette));
}

async function run(path: string, options: FileOptions): Promise<void> {
  const outputs = await RESULT_FORMATS.outputs(options, [path]);
  const { sizes, lifetimes, live, threadTable, kinds, remarks, ...rest } = reading(
    path,
    (report) => readSummary(path, SAMPLES, report),
  );
  const file: TraceFile = {
    schema: "hakmem.trace/1",
    command: COMMAND_LINE,
    file: traceName(path),
    ...rest,
    kinds: { ...kinds },
    sizes: [...sizes],
    lifetimes: [...lifetimes],
    live: { events: [...live.events], liveBytes: [...live.liveBytes] },
    threadTable: [...threadTable],
    remarks: [...remarks],
  };
  outputs.publish(file, (palette) => renderTrace(file, palette));
}
