/**
 * `trace convert`: a trace in another format.
 *
 * @module
 */
import { Command, Option } from "@commander-js/extra-typings";
import { WRITERS } from "../../../traces/mod.ts";
import type { AnyCommand, Finish } from "../../shared/command.ts";
import { FINE } from "../../shared/exit_codes.ts";
import { traceOf } from "../../shared/reading.ts";
import { withWritten, WRITERS_HELP, Written } from "./written.ts";

const NAMES = WRITERS.map(({ name }) => name);

const HELP = `
${WRITERS_HELP}

Each has every event, so it is the same trace when it is read back; only hakmem's has stacks. Traces
have no times, so a microsecond in chrome's is one event. Open it in https://ui.perfetto.dev.

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts trace convert systemui.zip -o systemui.trace
  deno run -P cli.ts trace convert ls.trace -o ls.json.gz
  deno run -P cli.ts trace convert - --to android -o - < ls.trace
`;

/** The command. */
export function convertCommand(finish: Finish): AnyCommand {
  const command = new Command("convert")
    .description("writes a trace in another format: ours, Android's text, or JSON for ui.perfetto.dev")
    .argument("<trace>", "a file that is a trace, compressed or not; - is stdin")
    .addOption(
      new Option("--to <format>", "which one (default: by the ending of --output, or hakmem)").choices(NAMES),
    );
  return withWritten(command).addHelpText("after", HELP).action((path, { to, ...options }) => {
    const written = new Written("convert", path, options, to);
    const trace = traceOf(path);
    written.publish(trace, trace);
    finish(FINE);
  });
}
