/**
 * The completion script for fish: a line for each command, option and argument, with descriptions.
 *
 * @module
 */
import type { CommandWords, OptionWords, Values } from "./tree.ts";

/** The script, for a command called `program`. */
export function fishScript(program: string, commands: readonly CommandWords[]): string {
  const lines = linesOf(commands);
  const head = [`# ${program}: completion for fish`, "", `complete -c ${program} -f`];
  return [...head, ...lines.map((line) => line === "" ? "" : `complete -c ${program} ${line}`), ""].join("\n");
}

/** The lines of commands. @param typed What fish asks of the line where they are those of a command. */
function linesOf(commands: readonly CommandWords[], typed?: string): string[] {
  const none = `not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(" ")}`;
  const isMissing = typed === undefined ? "__fish_use_subcommand" : quoted(`${typed}; and ${none}`);
  return commands.flatMap(({ name, description, options, values, commands }) => {
    const own = `${typed === undefined ? "" : `${typed}; and `}__fish_seen_subcommand_from ${name}`;
    const offered = commands.length > 0 ? [] : values.filter(({ kind }) => kind !== "unknown");
    return [
      "",
      `-n ${isMissing} -a ${name} -d ${quoted(description)}`,
      ...options.map((option) => `-n ${quoted(own)} ${optionFlags(option)}`),
      ...offered.map((values) => `-n ${quoted(own)} ${offer(values)}`),
      ...linesOf(commands, own),
    ];
  });
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
