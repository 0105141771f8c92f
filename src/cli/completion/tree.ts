/**
 * What a command line can be, for shells to complete: commands, their options, and the values of both, as the command
 * tree has them. Names of workloads, variants and peers come from their tables, since the options that take them check
 * them by parsers of their own, which the tree cannot look into.
 *
 * @module
 */
import type { Argument, CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { FLAGS, VARIANTS } from "../../heap/mod.ts";
import { BASELINE_FOLDER } from "../../lab/compare/baseline.ts";
import { BUILDS } from "../../lab/inspect/flags.ts";
import { PEERS } from "../../peers/mod.ts";
import { WORKLOADS } from "../../workloads/mod.ts";
import { SCENARIO_NAMES } from "../commands/stress.ts";

/**
 * What can follow: one of some words, several of them with commas between, a file, a name that a folder has a JSON file
 * of, a program that the shell finds, or what nobody can know.
 */
export interface Values {
  readonly kind: "words" | "list" | "file" | "name" | "program" | "unknown";
  readonly words: readonly string[];
  /** Of lists: what may stand after a comma, if that is something else. */
  readonly more?: readonly string[];
  /** Of names: where the files are. */
  readonly folder?: string;
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
  /** What stands behind its name, each with options and values of its own; none of most. */
  readonly commands: readonly CommandWords[];
}

const VARIANT_NAMES = Object.keys(VARIANTS);
const PEER_NAMES = PEERS.map(({ name }) => name);
/** Flags with each of their values, or without one where any number will do. */
const FLAG_WORDS = Object.entries(FLAGS).flatMap(([name, { values }]) =>
  "least" in values ? [`${name}=`] : values.map((value) => `${name}=${value}`)
);

const words = (words: readonly string[]): Values => ({ kind: "words", words });
const list = (words: readonly string[], more = words): Values => ({ kind: "list", words, more });
const unknown: Values = { kind: "unknown", words: [] };
const file: Values = { kind: "file", words: [] };

/** A contestant: a variant with flags that differ, or a peer. */
const CONTESTANT = list([...VARIANT_NAMES, ...PEER_NAMES], FLAG_WORDS);
/** A variant, likewise. */
const VARIANT = list(VARIANT_NAMES, FLAG_WORDS);

/** The values that options and arguments of a name have, in whatever command. */
const VALUES: Readonly<Record<string, Values>> = {
  workload: words([...WORKLOADS.keys()]),
  variant: VARIANT,
  other: VARIANT,
  A: CONTESTANT,
  B: CONTESTANT,
  peer: list(PEER_NAMES),
  build: words(BUILDS),
  size: list(Array.from({ length: 9 }, (_, power) => String(16 << power))),
  scenario: list(SCENARIO_NAMES),
  baseline: { kind: "name", words: [], folder: BASELINE_FOLDER },
};

/** Those whose name has another meaning where they are lists, or in a place of their own. */
const LISTS: Readonly<Record<string, Values>> = {
  variant: list(VARIANT_NAMES, [...VARIANT_NAMES, ...FLAG_WORDS]),
  workload: list([...WORKLOADS.keys()]),
};

/** What help calls values that are files. */
const FILES: ReadonlySet<string> = new Set(["file", "results", "trace"]);

/** The commands of a program, `help` among them, or those of a command. */
export function commandWords(program: CommandUnknownOpts): CommandWords[] {
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const names = commands.map((command) => command.name());
  return commands.map((command) => {
    const own = commandWords(command);
    return {
      name: command.name(),
      description: command.description(),
      options: help.visibleOptions(command).map(optionWords),
      values: own.length > 0
        ? [words(own.map(({ name }) => name))]
        : command.registeredArguments.map((argument) => argumentValues(argument, names)),
      commands: own,
    };
  });
}

/** All commands, those of commands behind them, by what is typed: `trace`, `trace info`. */
export function typedCommands(commands: readonly CommandWords[], before = ""): [typed: string, CommandWords][] {
  return commands.flatMap((command): [string, CommandWords][] => {
    const typed = `${before}${command.name}`;
    return [[typed, command], ...typedCommands(command.commands, `${typed} `)];
  });
}

function optionWords({ long, short, description, flags, required, optional, argChoices }: Option): OptionWords {
  const name = long ?? short ?? flags;
  const option = { name, description };
  if (!required && !optional) return option;
  const placeholder = /[<[](.*)[>\]]/.exec(flags)?.[1] ?? "";
  return { ...option, values: valuesOf(name.replace(/^-+/, ""), placeholder, argChoices) };
}

function argumentValues(argument: Argument, commands: readonly string[]): Values {
  const name = argument.name();
  if (name === "program") return { kind: "program", words: [], repeats: true };
  const values = valuesOf(name, name, argument.argChoices ?? (name === "command" ? commands : undefined));
  return argument.variadic ? { ...values, repeats: true } : values;
}

function valuesOf(name: string, placeholder: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return words(choices);
  const known = (placeholder === "list" ? LISTS[name] : undefined) ?? VALUES[name];
  return known ?? (FILES.has(placeholder.toLowerCase()) ? file : unknown);
}
