/**
 * The command tree, and what becomes of errors: each ends in one message on stderr and exit code 3. Adding a command:
 * its file in `commands/`, one line below.
 *
 * @module
 */
import { Command, CommanderError } from "@commander-js/extra-typings";
import config from "../../deno.json" with { type: "json" };
import { ContestantError } from "../lab/contest/child.ts";
import { isStdoutClosed } from "../os/mod.ts";
import { benchCommand } from "./commands/bench.ts";
import { compareCommand } from "./commands/compare.ts";
import { completionCommand } from "./completion/completion.ts";
import { doctorCommand } from "./commands/doctor.ts";
import type { AnyCommand, Finish } from "./shared/command.ts";
import { ERROR, FINE } from "./shared/exit_codes.ts";
import { explainCommand } from "./commands/explain.ts";
import { flagsCommand } from "./commands/flags.ts";
import { gateCommand } from "./commands/gate.ts";
import { historyCommand } from "./commands/history.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { Interruption } from "./shared/interruptible.ts";
import { microCommand } from "./commands/micro.ts";
import { peersCommand } from "./commands/peers.ts";
import { recordCommand } from "./commands/record.ts";
import { replayCommand } from "./commands/replay.ts";
import { reportCommand } from "./commands/report.ts";
import { stressCommand } from "./commands/stress.ts";
import { traceCommand } from "./commands/trace/trace.ts";
import { UsageError } from "./shared/values.ts";
import { fitted, isOfSystem, OutputError, palette, printError, printOut } from "./shared/terminal.ts";

/** In the order of `--help`. */
const COMMANDS: readonly ((finish: Finish) => AnyCommand)[] = [
  benchCommand,
  compareCommand,
  explainCommand,
  gateCommand,
  historyCommand,
  recordCommand,
  traceCommand,
  replayCommand,
  inspectCommand,
  reportCommand,
  stressCommand,
  microCommand,
  flagsCommand,
  peersCommand,
  doctorCommand,
  completionCommand,
];

/** Runs a command line; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode = FINE;
  const finish: Finish = (code) => {
    exitCode = code;
  };
  const output = {
    writeOut: (text: string) => {
      if (isStdoutClosed()) throw new OutputError("stdout is closed");
      printOut(fitted(text, Deno.stdout));
    },
    writeErr: printError,
    getOutHelpWidth: () => palette(Deno.stdout).columns,
    getErrHelpWidth: () => palette(Deno.stderr).columns,
  };
  const program = new Command("deno run -P cli.ts")
    .description("hakmem's lab: how fast is the allocator, beside others?")
    .version(config.version)
    .exitOverride()
    .configureOutput(output);
  for (const commandOf of COMMANDS) {
    const command = commandOf(finish);
    for (const each of [command, ...command.commands]) each.exitOverride().configureOutput(output);
    program.addCommand(command);
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? FINE : ERROR; // it has printed its message
    printError(`${describe(error)}\n`);
    return ERROR;
  }
}

/** Errors that people can act on are one message; what nobody foresaw keeps its stack. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${error}`;
  if (error instanceof Interruption) return error.message;
  const { name, message, stack = message } = error;
  const isForeseen = error instanceof UsageError || error instanceof ContestantError || FORESEEN.has(name) ||
    isOfSystem(error); // a full disk, say: it names the file
  return `error: ${isForeseen ? message : stack}`;
}

const FORESEEN = new Set([
  "DisagreementError",
  "InvalidOptionError",
  "NativeBuildError",
  "NativeAccessError",
  "OsError",
  "OutputError",
  "PeerError",
  "RecordError",
  "ReportInputError",
  "TraceError",
]);
