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
import type { AnyCommand, Finish } from "./shared/command.ts";
import { ERROR, FINE } from "./shared/exit_codes.ts";
import { Interruption } from "./shared/interruptible.ts";
import { UsageError } from "./shared/values.ts";
import { helpText, isOfSystem, OutputError, palette, printError, printOut } from "./shared/terminal.ts";

/** Makes a command. */
type Make = (finish: Finish) => AnyCommand;

/** By name, in the order of `--help`. What is not asked for is not loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Make>>> = {
  bench: async () => (await import("./commands/bench.ts")).benchCommand,
  compare: async () => (await import("./commands/compare.ts")).compareCommand,
  explain: async () => (await import("./commands/explain.ts")).explainCommand,
  gate: async () => (await import("./commands/gate.ts")).gateCommand,
  history: async () => (await import("./commands/history.ts")).historyCommand,
  record: async () => (await import("./commands/record.ts")).recordCommand,
  trace: async () => (await import("./commands/trace/trace.ts")).traceCommand,
  replay: async () => (await import("./commands/replay.ts")).replayCommand,
  inspect: async () => (await import("./commands/inspect.ts")).inspectCommand,
  report: async () => (await import("./commands/report.ts")).reportCommand,
  stress: async () => (await import("./commands/stress.ts")).stressCommand,
  micro: async () => (await import("./commands/micro.ts")).microCommand,
  flags: async () => (await import("./commands/flags.ts")).flagsCommand,
  peers: async () => (await import("./commands/peers.ts")).peersCommand,
  doctor: async () => (await import("./commands/doctor.ts")).doctorCommand,
  completion: async () => (await import("./completion/completion.ts")).completionCommand,
};

/** The commands that a command line needs: the one that it begins with, or all, to list them or to complete them. */
function neededFor([first = ""]: readonly string[]): Promise<Make[]> {
  const isAlone = Object.hasOwn(COMMANDS, first) && first !== "completion";
  return Promise.all((isAlone ? [COMMANDS[first]!] : Object.values(COMMANDS)).map((load) => load()));
}

/** Runs a command line; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode = FINE;
  const finish: Finish = (code) => {
    exitCode = code;
  };
  const output = {
    writeOut: (text: string) => {
      if (isStdoutClosed()) throw new OutputError("stdout is closed");
      printOut(helpText(text, Deno.stdout));
    },
    writeErr: (text: string) => printError(helpText(text, Deno.stderr)),
    getOutHelpWidth: () => palette(Deno.stdout).columns,
    getErrHelpWidth: () => palette(Deno.stderr).columns,
  };
  const program = new Command("deno run -P cli.ts")
    .description("hakmem's lab: how fast is the allocator, compared with others?")
    .version(config.version)
    .exitOverride()
    .configureOutput(output)
    .showHelpAfterError("deno run -P cli.ts --help lists the commands");
  for (const commandOf of await neededFor(args)) {
    const command = commandOf(finish);
    program.addCommand(command);
    for (const each of [command, ...command.commands]) {
      each.exitOverride().configureOutput(output).showHelpAfterError(`${nameOf(each)} --help says what it takes`);
    }
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

/** A command as it is typed: `deno run -P cli.ts trace info`. */
function nameOf(command: AnyCommand): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
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
