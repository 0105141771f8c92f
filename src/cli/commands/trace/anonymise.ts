/**
 * `trace anonymise`: a trace that can be given to others.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { anonymisedTrace } from "../../../traces/mod.ts";
import type { AnyCommand, Finish } from "../../shared/command.ts";
import { FINE } from "../../shared/exit_codes.ts";
import { traceOf } from "../../shared/reading.ts";
import { withWritten, WRITERS_HELP, Written } from "./written.ts";

const HELP = `
Removed: names of threads, stacks, addresses, times, and whatever else the file says of the program,
the machine and the day. Kept: calls, sizes, alignments, their order, and which thread made them.
Sizes alone may give a program away. --round-sizes rounds them up, by at most a quarter above 64
bytes: to a multiple of 16 up to 128, then to one of four sizes for each doubling. The name of the
file is up to you.

${WRITERS_HELP}

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts trace anonymise app.trace -o shared.trace
  deno run -P cli.ts trace anonymise app.trace --round-sizes -o shared.trace
`;

/** The command. */
export function anonymiseCommand(finish: Finish): AnyCommand {
  const command = new Command("anonymise")
    .description("writes a trace without anything that says whose it is; calls and sizes stay")
    .argument("<trace>", "a file that is a trace, compressed or not; - is stdin")
    .option("--round-sizes", "round sizes up, by a quarter at most above 64 bytes");
  return withWritten(command).addHelpText("after", HELP).action((path, { roundSizes, ...options }) => {
    const written = new Written("anonymise", path, options);
    const trace = traceOf(path);
    written.publish(anonymisedTrace(trace, roundSizes === true), trace);
    finish(FINE);
  });
}
