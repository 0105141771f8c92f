/**
 * `report`: reads result files, writes one page. What draws the charts is loaded here and nowhere else, when it is
 * needed: the other commands start without it.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import type { ReportInput, ReportPage } from "../../report/html/mod.ts";
import { renderJson } from "../../report/mod.ts";
import type { AnyCommand, Finish } from "../shared/command.ts";
import { FINE } from "../shared/exit_codes.ts";
import { Outputs } from "../shared/outputs.ts";
import { readText } from "../shared/read_text.ts";
import { openProgress, printError } from "../shared/terminal.ts";
import { UsageError } from "../shared/values.ts";

const DEFAULT_OUTPUT = "hakmem-report.html";

const HELP = `
The page has a part for each file. It is one file that loads nothing: charts, tables, and the data to
download again.

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts bench --json bench.json
  deno run -P cli.ts report bench.json
  deno run -P cli.ts report bench.json compare.json explain.json -o page.html --open
`;

interface Options {
  readonly output: string;
  readonly open?: true | undefined;
  readonly json?: string | undefined;
}

/** The command. */
export function reportCommand(finish: Finish): AnyCommand {
  return new Command("report")
    .description("makes one HTML page from result files: charts, tables, and the data")
    .argument("<results...>", "files that bench, compare, explain, history, replay or inspect wrote with --json")
    .option("-o, --output <file>", "where to write the page (- is stdout)", DEFAULT_OUTPUT)
    .option("--open", "show it in the browser")
    .option("--json <file>", "what is in the page, as JSON (- is stdout)")
    .addHelpText("after", HELP)
    .action(async (paths, options) => {
      await run(paths, options);
      finish(FINE);
    });
}

async function run(paths: readonly string[], { output, open, json }: Options): Promise<void> {
  if (open === true && output === "-") throw new UsageError("--open needs a file: -o - is stdout");
  const outputs = new Outputs<ReportPage>([
    { option: "--output", path: output, render: ({ html }) => html },
    {
      option: "--json",
      path: json,
      render: ({ html: _html, ...page }) => renderJson({ schema: "hakmem.report/1", output, ...page }),
    },
  ], paths);
  const { parseReportInput, renderPage } = await import("../../report/html/mod.ts");
  const page = pageOf(paths, parseReportInput, renderPage);
  const line = `${output === "-" ? "stdout" : output}: ${describe(page)}\n`;
  const warning = page.warning === undefined ? "" : `warning: ${page.warning}\n`;
  outputs.publish(page, () => line, `${outputs.takeStdout ? line : ""}${warning}`);
  if (open === true) await show(output);
}

/** Reads and draws; a page of many samples takes some seconds, in which a terminal shows what is done. */
function pageOf(
  paths: readonly string[],
  parse: (path: string, text: string) => ReportInput,
  render: (inputs: readonly ReportInput[]) => ReportPage,
): ReportPage {
  using progress = openProgress();
  const total = paths.length;
  const inputs = paths.map((path, done) => {
    progress.show({ phase: "reading", done, total, label: path });
    return parse(path, readText(path));
  });
  progress.show({ phase: "drawing", done: 0, total, label: "" });
  return render(inputs);
}

/** What is in the page, in one line. */
function describe({ parts }: ReportPage): string {
  return parts.map(({ path, schema, sections }) => `${path} (${schema}, ${sections.length} sections)`).join(", ");
}

/** Hands a page to the system, and waits for no browser: some openers last until it is closed. */
async function show(path: string): Promise<void> {
  const opener = Deno.build.os === "darwin" ? "open" : "xdg-open";
  try {
    const child = new Deno.Command(opener, { args: [path], stdin: "null", stdout: "null", stderr: "null" }).spawn();
    child.unref();
    const patience = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), PATIENCE));
    const status = await Promise.race([child.status, patience]);
    if (status?.success !== false) return;
    printError(`${opener} could not show ${path}: open it in a browser\n`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    printError(`${opener} is not installed, so --open cannot show the page: open ${path} in a browser\n`);
  }
}

const PATIENCE = 2000; // ms, by when an opener that fails has failed
