/**
 * `trace`: what can be known of a trace without replaying it.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import type { TraceFile } from "../../model/mod.ts";
import { renderJson } from "../../report/mod.ts";
import { renderTrace, renderTraceCsv, renderTraceMarkdown } from "../../report/traces/trace.ts";
import { FORMATS, readSummary } from "../../traces/mod.ts";
import { FINE } from "../shared/exit_codes.ts";
import { Outputs } from "../shared/outputs.ts";
import { oneOf } from "../shared/values.ts";

/** Points of the curve of live bytes: two for each column of the chart, and some to spare in the file. */
const SAMPLES = 200;

const HELP = `
The formats, also as .zip, .gz and .zst:
${FORMATS.map(({ name, description }) => `  ${name.padEnd(10)} ${description}`).join("\n")}

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts trace info systemui.zip
  deno run -P cli.ts trace info trace.rep --json trace.json
`;

interface InfoOptions {
  json?: string | undefined;
  csv?: string | undefined;
  markdown?: string | undefined;
}

/** What can be done with a trace. */
export const TRACE_ACTIONS: readonly string[] = ["info"];

/** The command. */
export function traceCommand(finish: (exitCode: number) => void): Command {
  const command = new Command("trace")
    .description("what a trace is like: events, sizes, lifetimes, live bytes over time, threads")
    .argument("<action>", TRACE_ACTIONS.join(", "), oneOf("trace", TRACE_ACTIONS))
    .argument("<trace>", "a file that is a trace, compressed or not")
    .option("--json <file>", "write everything (- is stdout)")
    .option("--csv <file>", "write the histograms")
    .option("--markdown <file>", "write the tables")
    .addHelpText("after", HELP);
  // The typed command is wider than what the tree needs to know.
  return command.action((_action, path, options) => {
    run(path, options);
    finish(FINE);
  }) as unknown as Command;
}

function run(path: string, options: InfoOptions): void {
  const outputs = new Outputs<TraceFile>([
    { option: "--json", path: options.json, render: renderJson },
    { option: "--csv", path: options.csv, render: renderTraceCsv },
    { option: "--markdown", path: options.markdown, render: renderTraceMarkdown },
  ], [path]);
  const { sizes, lifetimes, live, threadTable, kinds, remarks, ...rest } = readSummary(path, SAMPLES);
  const file: TraceFile = {
    schema: "hakmem.trace/1",
    command: ["deno", "run", "-P", "cli.ts", ...Deno.args],
    file: path.split("/").at(-1) ?? path,
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
