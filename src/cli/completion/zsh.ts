/**
 * The completion script for zsh, by its own `_arguments`, with descriptions. It can be sourced, or be a file `_program`
 * in a folder of `fpath`.
 *
 * @module
 */
import type { CommandWords, OptionWords, Values } from "./tree.ts";

/** The script, for a command called `program`. */
export function zshScript(program: string, commands: readonly CommandWords[]): string {
  const described = commands.map(({ name, description }) => `        ${quoted(`${name}:${description}`)}`);
  return `#compdef ${program}
# ${program}: completion for zsh

_${program}() {
  local curcontext=$curcontext state line
  local -a commands
  _arguments -C '--help[display help]' '1: :->command' '*:: :->rest'
  case $state in
    command)
      commands=(
${described.join("\n")}
      )
      _describe command commands
      ;;
    rest)
      case $words[1] in
${commands.map(commandCase).join("\n")}
      esac
      ;;
  esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

function commandCase({ name, options, values }: CommandWords): string {
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
  return `        ${name})\n          _arguments \\\n${
    specs.map((spec) => `            ${spec}`).join(" \\\n")
  }\n          ;;`;
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
