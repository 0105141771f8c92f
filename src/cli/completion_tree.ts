/**
 * What a command line can be, for shells to complete: commands, their options, and the values of both, as the command
 * tree has them. Names of workloads, variants and peers come from their tables, since the options that take them check
 * them by parsers of their own, which the tree cannot look into.
 *
 * @module
 */
import type { Argument, Command, Option } from "@commander-js/extra-typings";
import { VARIANTS } from "../heap/mod.ts";
import { BUILDS } from "../lab/flags.ts";
import { PEERS } from "../peers/mod.ts";
import { WORKLOADS } from "../workloads/mod.ts";
import { TRACE_ACTIONS } from "./trace.ts";

/** What can follow: one of some words, several of them with commas between, a file, or what nobody can know. */
export interface Values {
  readonly kind: "words" | "list" | "file" | "unknown";
  readonly words: readonly string[];
  /** Whether more of them may follow. */
  readonly repeats?: boolean;
}

/** An option. */
export interface OptionWords {
  /** With its dashes. */
  readonly name: string;
  readonly description: string;
  /** Absent if it takes no value. */
  readonly values?: Values;
}

/** A command. */
export interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionWords[];
  /** By their position. */
  readonly values: readonly Values[];
}

const VARIANT_NAMES = Object.keys(VARIANTS);
const PEER_NAMES = PEERS.map(({ name }) => name);

/** What help calls values that are files. */
const FILES: ReadonlySet<string> = new Set(["file", "program", "results", "trace"]);

/** The values that options and arguments of a name have, in whatever command. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  workload: [...WORKLOADS.keys()],
  variant: VARIANT_NAMES,
  other: VARIANT_NAMES,
  A: [...VARIANT_NAMES, ...PEER_NAMES],
  B: [...VARIANT_NAMES, ...PEER_NAMES],
  peer: PEER_NAMES,
  build: BUILDS,
  action: TRACE_ACTIONS,
};

/** The commands of a program, `help` among them. */
export function commandWords(program: Command): CommandWords[] {
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const names = commands.map((command) => command.name());
  return commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    options: help.visibleOptions(command).map(optionWords),
    values: command.registeredArguments.map((argument) => argumentValues(argument, names)),
  }));
}

function optionWords({ long, short, description, flags, required, optional, argChoices }: Option): OptionWords {
  const name = long ?? short ?? flags;
  const option = { name, description };
  if (!required && !optional) return option;
  const placeholder = /[<[](.*)[>\]]/.exec(flags)?.[1] ?? "";
  const words = argChoices ?? VALUES[name.replace(/^-+/, "")];
  return { ...option, values: valuesOf(words, placeholder) };
}

function argumentValues(argument: Argument, commands: readonly string[]): Values {
  const name = argument.name();
  const values = valuesOf(argument.argChoices ?? (name === "command" ? commands : VALUES[name]), name);
  return argument.variadic ? { ...values, repeats: true } : values;
}

function valuesOf(words: readonly string[] | undefined, placeholder: string): Values {
  if (words !== undefined) return { kind: placeholder === "list" ? "list" : "words", words };
  return { kind: FILES.has(placeholder.toLowerCase()) ? "file" : "unknown", words: [] };
}
