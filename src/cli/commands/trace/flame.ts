/**
 * `trace flame`: who allocates, as a page with a flame graph, or as a file for another program's viewer.
 *
 * @module
 */
import { Command, Option } from "@commander-js/extra-typings";
import { profileOf } from "../../../lab/stacks/profile.ts";
import { PROFILE_FORMATS, type StackProfile, toFolded, toSpeedscope } from "../../../profile/mod.ts";
import { counted, withCommas, wrap } from "../../../report/mod.ts";
import { STACK_VALUES, type StackValue, traceName } from "../../../traces/mod.ts";
import type { AnyCommand, Finish } from "../../shared/command.ts";
import { FINE } from "../../shared/exit_codes.ts";
import { interruptible } from "../../shared/interruptible.ts";
import { Outputs } from "../../shared/outputs.ts";
import { twoColumns } from "../../shared/terminal.ts";
import { oneOf, UsageError } from "../../shared/values.ts";

/** What each value is. */
const MEANINGS: Readonly<Record<StackValue, string>> = {
  allocated: "bytes that were asked for",
  blocks: "allocations",
  peak: "bytes that were live when most were",
  temporary: "blocks freed before the same thread allocated anything else",
  left: "bytes never freed",
};

const HELP = `
Needs a recording with stacks (record --stacks). addr2line and nm look up the names of calls, if
they are installed and the files are still those that were recorded; otherwise a call is shown as
module+offset.

Formats, by the file's extension:
  .html             a page with a flame graph, which needs nothing else
  .pb.gz            pprof: go tool pprof, Grafana, Parca
  .speedscope.json  https://www.speedscope.app
  .folded           a line for each stack: flamegraph.pl, inferno

Values:
${twoColumns(Object.entries(MEANINGS).map(([name, description]) => ({ name, description })))}

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts trace flame program.trace -o flame.html
  deno run -P cli.ts trace flame program.trace -o program.pb.gz --value peak
`;

/** What is made of a trace, and where it goes. */
interface Drawn {
  /** Of the trace. */
  readonly name: string;
  readonly profile: StackProfile;
  readonly value: StackValue;
  readonly headline: string;
  readonly notes: readonly string[];
}

type Write = (drawn: Drawn) => string | Iterable<Uint8Array>;

/** The formats by the endings of files. */
async function writers(output: string): Promise<readonly (readonly [ending: string, write: Write])[]> {
  const page: Write = output.endsWith(".html") ? await pageWriter() : () => "";
  const { pprof, speedscope, folded } = PROFILE_FORMATS;
  return [
    [".html", page],
    [pprof.ending, ({ profile }) => [pprof.write(profile)]],
    [speedscope.ending, ({ profile, name }) => [toSpeedscope(profile, name)]],
    [folded.ending, ({ profile, value }) => [toFolded(profile, value)]],
  ];
}

async function pageWriter(): Promise<Write> {
  const { renderFlame } = await import("../../../report/html/mod.ts");
  return ({ profile, value, headline, notes }) =>
    renderFlame(profile, value, { headline, meanings: MEANINGS, remarks: notes });
}

/** `--value`: what of each stack counts. */
export function valueOption(): Option<"--value <value>", undefined, undefined, StackValue> {
  const parse = (text: string) => oneOf("--value", STACK_VALUES)(text) as StackValue;
  return new Option("--value <value>", `${STACK_VALUES.join(", ")} (default: ${STACK_VALUES[0]})`).argParser(parse);
}

/** The command. */
export function flameCommand(finish: Finish): AnyCommand {
  return new Command("flame")
    .description("draws who allocates as a flame graph, or writes it for pprof, speedscope and others")
    .argument("<trace>", "a recording with stacks, compressed or not; - is stdin")
    .requiredOption("-o, --output <file>", "where it goes; the extension chooses the format")
    .addOption(valueOption())
    .addHelpText("after", HELP)
    .action(async (path, { output, value = STACK_VALUES[0] }) => {
      await run(path, output, value);
      finish(FINE);
    });
}

async function run(path: string, output: string, value: StackValue): Promise<void> {
  const all = await writers(output), found = all.find(([ending]) => output.endsWith(ending));
  if (found === undefined) {
    const endings = all.map(([ending]) => ending).join(", ");
    throw new UsageError(
      `--output ${output}: its ending does not say which format to write; that is one of ${endings}`,
    );
  }
  const [, render] = found;
  const outputs = new Outputs<Drawn>([{ option: "--output", path: output, render }], [path], true);
  const { profile, totals, notes } = await interruptible((_show, signal) => profileOf(path, value, signal));
  const { sampleBytes } = totals.stacks;
  const rate = sampleBytes === undefined ? "" : `, estimated from a sample for each ${withCommas(sampleBytes)} bytes`;
  const counts = `${counted(profile.samples.length, "stack")} of ${counted(totals.events, "event")}`;
  const headline = `${traceName(path)}: ${counts}${rate}`;
  outputs.publish(
    { name: traceName(path), profile, value, headline, notes },
    ({ columns }) =>
      [`${headline}; ${value} (${MEANINGS[value]}) in ${output}`, ...notes.map((note) => `note: ${note}`)]
        .flatMap((line) => wrap(line, columns)).join("\n") + "\n",
  );
}
