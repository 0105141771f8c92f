/**
 * The completion script for fish: a line for each command, option and argument, with descriptions.
 *
 * @module
 */
import type { CommandWords, OptionWords, Values } from "./tree.ts";

/** The script, for a command called `program`. */
export function fishScript(program: string, commands: readonly CommandWords[]): string {
  const lines = commands.flatMap((command) => {
    const seen = `-n ${quoted(`__fish_seen_subcommand_from ${command.name}`)}`;
    return [
      "",
      `-n __fish_use_subcommand -a ${command.name} -d ${quoted(command.description)}`,
      ...command.options.map((option) => `${seen} ${optionFlags(option)}`),
      ...command.values.filter(({ kind }) => kind !== "unknown").map((values) => `${seen} ${offer(values)}`),
    ];
  });
  const head = [`# ${program}: completion for fish`, "", `complete -c ${program} -f`];
  return [...head, ...lines.map((line) => line === "" ? "" : `complete -c ${program} ${line}`), ""].join("\n");
}

function optionFlags({ name, description, values }: OptionWords): string {
  const flag = name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`;
  const value = values === undefined ? "" : ` -r ${offer(values)}`;
  return `${flag}${value} -d ${quoted(description)}`;
}

function offer({ kind, words, more = words, folder = "" }: Values): string {
  switch (kind) {
    case "words":
      return `-f -a ${quoted(words.join(" "))}`;
    case "list":
      return more === words ? `-f -a ${quoted(`(__fish_append , ${words.join(" ")})`)}` : `-f -a ${
        quoted(
          `(set -l before (commandline -ct | string match -r '.*,'); and printf '%s\\n' $before{${more.join(",")}}; ` +
            `or printf '%s\\n' ${words.join(" ")})`,
        )
      }`;
    case "file":
      return "-F";
    case "name": {
      const path = folder.replaceAll(/[^\w./-]/g, "\\$&");
      return `-f -a ${quoted(`(set -l files ${path}/*.json; string replace -r '.*/(.*)[.]json$' '$1' $files)`)}`;
    }
    case "program":
      return `-f -a ${quoted("(__fish_complete_command)")}`;
    default:
      return "-f";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
