/**
 * The completion script for zsh, by its own `_arguments`, with descriptions. It can be sourced, or be a file `_program`
 * in a folder of `fpath`.
 *
 * @module
 */
import type { CommandWords, OptionWords, Values } from "./tree.ts";

/** The script, for a command called `program`. */
export function zshScript(program: string, commands: readonly CommandWords[]): string {
  return `#compdef ${program}
# ${program}: completion for zsh

_${program}() {
  local curcontext=$curcontext state line
  local -a commands
${choice(commands).map((line) => `  ${line}`).join("\n")}
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

/** The lines by which one of some commands is completed, and then what is behind it. */
function choice(commands: readonly CommandWords[]): string[] {
  return [
    "_arguments -C '--help[display help]' '1: :->command' '*:: :->rest'",
    "case $state in",
    "  command)",
    "    commands=(",
    ...commands.map(({ name, description }) => `      ${quoted(`${name}:${description}`)}`),
    "    )",
    "    _describe command commands",
    "    ;;",
    "  rest)",
    "    case $words[1] in",
    ...commands.flatMap(commandCase).map((line) => `      ${line}`),
    "    esac",
    "    ;;",
    "esac",
  ];
}

function commandCase({ name, options, values, commands }: CommandWords): string[] {
  if (commands.length > 0) return [`${name})`, ...["state=", ...choice(commands), ";;"].map((line) => `  ${line}`)];
  const specs = [
    ...options.map(optionSpec),
    ...values.map((each, index) =>
      quoted(
        each.repeats === true
          ? `*${each.kind === "program" ? "::" : ":"}${action(each)}`
          : `${index + 1}::${action(each)}`,
      )
    ),
  ];
  const lines = specs.map((spec, index) => `    ${spec}${index < specs.length - 1 ? " \\" : ""}`);
  return [`${name})`, "  _arguments \\", ...lines, "  ;;"];
}

function optionSpec({ name, description, values }: OptionWords): string {
  const text = description.replaceAll(/[[\]\\]/g, "\\$&");
  return quoted(`${name}[${text}]${values === undefined ? "" : `:${action(values)}`}`);
}

/** A message, and what is offered. */
function action({ kind, words, more = words, folder = "" }: Values): string {
  switch (kind) {
    case "words":
      return `value:(${words.join(" ")})`;
    case "list":
      return more === words
        ? `list:_sequence compadd - ${words.join(" ")}`
        : `list:{ compset -P '*,' && compadd -q -S '' - ${more.join(" ")} || compadd -q -S '' - ${words.join(" ")} }`;
    case "file":
      return "file:_files";
    case "name":
      return `name:{ compadd - ${folder.replaceAll(/[^\w./-]/g, "\\$&")}/*.json(N:t:r) }`;
    case "program":
      return "program:_normal";
    default:
      return "value: ";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
