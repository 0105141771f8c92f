/**
 * `inspect`: reads its options and the trace, lets the lab replay it up to an event, prints what the heap is like there.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { DEFAULT_VARIANT } from "../../heap/mod.ts";
import { inspect } from "../../lab/inspect/inspect.ts";
import { renderInspect, renderInspectCsv, renderInspectMarkdown } from "../../report/traces/inspect.ts";
import { type InspectFile, readChecked, ResultFileSchema } from "../../model/mod.ts";
import { heapLabel, nameOf } from "../../report/mod.ts";
import { traceName } from "../../traces/mod.ts";
import { variantsOf } from "../shared/bench_plan.ts";
import { type AnyCommand, COMMAND_LINE, type Finish, type OptionsOf, ResultFormats } from "../shared/command.ts";
import { FINE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import { traceOf } from "../shared/reading.ts";
import { readAs } from "../shared/read_text.ts";
import { placeOf, UsageError, wholeNumber } from "../shared/values.ts";

const DEFAULT_FRAMES = 100;

const HELP = `
One thread replays the trace on hakmem's heap; the formats are those of replay. A program can look at
its own heap: heap.snapshot().

Exit codes: 0 fine, 3 an error or an interruption.

Examples:
  deno run -P cli.ts inspect systemui.zip
  deno run -P cli.ts inspect systemui.zip --at 50% --variant phase7
  deno run -P cli.ts inspect systemui.zip --html map.html --replay replay.json
`;

const FORMATS = new ResultFormats<InspectFile>("write everything (- is stdout)", {
  csv: ["write a line for each size class", renderInspectCsv],
  markdown: ["write the table of size classes", renderInspectMarkdown],
}, "write a page: the map with a slider over the trace, and memory as a chart");

function declare() {
  const command = new Command("inspect")
    .description("shows hakmem's heap in the middle of a trace: map, occupancy by class, fragmentation")
    .argument("<trace>", "a file that is a trace, compressed or not; - is stdin")
    .option("--variant <variant>", `a variant of our heap (default: HAKMEM_VARIANT, or ${DEFAULT_VARIANT})`)
    .option(
      "--at <event>",
      "the event to stop after, or a share of all, 50% (default: where most bytes are live)",
      placeOf("--at"),
    )
    .option(
      "--frames <n>",
      `maps over the whole trace, for --html and --json (default: ${DEFAULT_FRAMES})`,
      wholeNumber("--frames", 1, 1000),
    )
    .option("--replay <file>", "what replay --json wrote for the same trace: shows the other allocators' memory, too");
  return FORMATS.on(command).addHelpText("after", HELP);
}

/** The command. */
export function inspectCommand(finish: Finish): AnyCommand {
  return declare().action(async (path, options) => finish(await run(path, options)));
}

type InspectOptions = OptionsOf<typeof declare>;

async function run(path: string, options: InspectOptions): Promise<number> {
  const [variant] = variantsOf(options.variant === undefined ? undefined : [options.variant]);
  const outputs = await FORMATS.outputs(options, [path, options.replay]);
  const plan = {
    trace: traceOf(path),
    file: traceName(path),
    variant: variant!,
    at: options.at,
    frames: options.frames ?? DEFAULT_FRAMES,
  };
  const found = await interruptible((show, signal) => inspect(plan, show, signal));
  const file: InspectFile = {
    schema: "hakmem.inspect/1",
    command: COMMAND_LINE,
    ...found,
    ...(options.replay === undefined ? {} : { contestants: contestantsOf(options.replay, found) }),
  };
  outputs.publish(file, (palette) => renderInspect(file, palette));
  return FINE;
}

/** The memory of all contestants that replayed the trace, except for the variant itself. */
function contestantsOf(path: string, { trace, variant }: Pick<InspectFile, "trace" | "variant">) {
  const file = readAs(
    path,
    `--replay ${path}`,
    "is not what replay writes with --json",
    (text) => readChecked(ResultFileSchema, text),
  );
  if (file.trace?.events !== trace.events) {
    const what = file.trace === undefined ? "no replay" : `a replay of ${file.trace.events} events`;
    throw new UsageError(`--replay ${path} is ${what}: ${trace.file} has ${trace.events} events`);
  }
  return file.results.flatMap((result) =>
    result.footprint === undefined || nameOf(result) === heapLabel(variant)
      ? []
      : [{ name: nameOf(result), events: result.footprint.events, footprintBytes: result.footprint.footprintBytes }]
  );
}
