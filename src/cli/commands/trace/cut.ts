/**
 * `trace cut`: a window of a trace.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { cutTrace, EVENT, eventAt, type Place, traceName } from "../../../traces/mod.ts";
import type { AnyCommand, Finish } from "../../shared/command.ts";
import { FINE } from "../../shared/exit_codes.ts";
import { traceOf } from "../../shared/reading.ts";
import { placeOf } from "../../shared/values.ts";
import { withWritten, WRITERS_HELP, Written } from "./written.ts";

const HELP = `
Blocks that are live where the window begins are allocated first, so that it can be replayed; the
result says how many. Events are counted as trace info counts them, without the ends of threads.

${WRITERS_HELP}

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts trace cut systemui.zip --from 100000 --to 200000 -o part.trace
  deno run -P cli.ts trace cut systemui.zip --from 90% -o end.trace
`;

/** The command. */
export function cutCommand(finish: Finish): AnyCommand {
  const command = new Command("cut")
    .description("cuts a window out of a trace that can be replayed: what is live at its start is allocated first")
    .argument("<trace>", "a file that is a trace, compressed or not; - is stdin")
    .option("--from <event>", "the event after which it begins, or a share of all, 50% (default: 0)", placeOf("--from"))
    .option("--to <event>", "the event after which it ends, or a share of all (default: 100%)", placeOf("--to"));
  return withWritten(command).addHelpText("after", HELP).action((path, { from = START, to = END, ...options }) => {
    const written = new Written("cut", path, options);
    const whole = traceOf(path), name = traceName(path);
    const events = whole.kinds.reduce((count, kind) => count + Number(kind !== EVENT.THREAD_END), 0);
    const [first, last] = [from, to].map((place) => eventAt(place, events, name)) as [number, number];
    const { trace, before } = cutTrace(whole, first, last);
    written.publish(trace, whole, [
      `events ${first + 1} to ${last} of ${events}${
        before === 0 ? "" : `, after ${before} allocations of what is live there`
      }`,
    ]);
    finish(FINE);
  });
}

const START: Place = { event: 0 }, END: Place = { share: 1 };
