/**
 * `trace info`: what a trace is like, as far as that can be told without a replay.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import type { TraceFile } from "../../../model/mod.ts";
import { renderTrace, renderTraceCsv, renderTraceMarkdown } from "../../../report/traces/trace.ts";
import { readSummary, traceName } from "../../../traces/mod.ts";
import { type AnyCommand, COMMAND_LINE, type FileOptions, type Finish, ResultFormats } from "../../shared/command.ts";
import { FINE } from "../../shared/exit_codes.ts";

/** Points of the curve of live bytes: two for each column of the chart, and some to spare in the file. */
const SAMPLES = 200;

const HELP = `
Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts trace info systemui.zip
  deno run -P cli.ts trace info trace.rep --json trace.json
`;

const RESULT_FORMATS = new ResultFormats<TraceFile>("write everything (- is stdout)", {
  csv: ["write the histograms", renderTraceCsv],
  markdown: ["write the tables", renderTraceMarkdown],
});

/** The command. */
export function infoCommand(finish: Finish): AnyCommand {
  const command = new Command("info")
    .description("what a trace is like: events, sizes, lifetimes, live bytes over time, threads")
    .argument("<trace>", "a file that is a trace, compressed or not; - is stdin");
  return RESULT_FORMATS.on(command).addHelpText("after", HELP).action(async (path, options) => {
    await run(path, options);
    finish(FINE);
  });
}

async function run(path: string, options: FileOptions): Promise<void> {
  const outputs = await RESULT_FORMATS.outputs(options, [path]);
  const { sizes, lifetimes, live, threadTable, kinds, remarks, ...rest } = readSummary(path, SAMPLES);
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
