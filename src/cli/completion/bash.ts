/**
 * The completion script for bash, 3.2 and later. It needs nothing else: no bash-completion, and no call of the program,
 * which would take a moment at every key.
 *
 * It gives no file names: `complete -o default` leaves those to readline.
 *
 * @module
 */
import { type CommandWords, typedCommands, type Values } from "./tree.ts";

/** The script, for a command called `program`. */
export function bashScript(program: string, commands: readonly CommandWords[]): string {
  const typed = typedCommands(commands);
  const values = typed.flatMap(([name, command]) => [
    ...command.options.flatMap((option) =>
      option.values === undefined ? [] : [valuesCase(name, option.name, option.values)]
    ),
    ...command.values.map((each, index) => valuesCase(name, String(index + 1), each)),
  ]);
  const options = typed.map(([name, { options }]) =>
    `    '${name}') values='words ${options.map((o) => o.name).join(" ")}' ;;`
  );
  const inner = typed.filter(([name]) => name.includes(" ")).map(([name]) => `'${name}'`).join(" | ");
  const names = commands.map(({ name }) => name).join(" ");
  return `# ${program}: completion for bash

# What may follow an option, or stand at a position, of a command.
_${program}_values() {
  values=
  case "$1 $2" in
${values.join("\n")}
  esac
}

_${program}_options() {
  values='words --help'
  case "$1" in
${options.join("\n")}
  esac
}

# Whether a command has commands of its own, and this is one of them.
_${program}_is_inner() {
  case "$1 $2" in
    ${inner}) ;;
    *) return 1 ;;
  esac
}

_${program}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command= option= position=0 ended= values= word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = ]]; then # bash takes --size=128 for three words
      [[ -n $option ]] || i=$((i + 1))
    elif [[ -n $option ]]; then
      option=
    elif [[ $word == -- ]]; then
      ended=1
    elif [[ -z $ended && $word == -* ]]; then
      _${program}_values "$command" "$word"
      [[ -z $values ]] || option=$word
    elif [[ -z $command ]]; then
      command=$word
    elif [[ $position == 0 ]] && _${program}_is_inner "$command" "$word"; then
      command="$command $word"
    else
      position=$((position + 1))
    fi
  done
  [[ $cur != = ]] || cur=
  if [[ -n $option ]]; then
    _${program}_values "$command" "$option"
  elif [[ -z $ended && $cur == -* ]]; then
    _${program}_options "$command"
  elif [[ -z $command ]]; then
    values='words ${names}'
  else
    _${program}_values "$command" $((position + 1))
  fi
  case $values in
    'words '*) COMPREPLY=($(compgen -W "\${values#words }" -- "$cur")) ;;
    'list '*)
      local before= more=\${values#list * / } # behind the slash is what may follow a comma
      values=\${values#list }
      values=\${values%% / *}
      [[ $cur != *,* ]] || { before=\${cur%,*},; values=$more; }
      COMPREPLY=($(compgen -P "$before" -W "$values" -- "\${cur##*,}"))
      [[ \${COMPREPLY[*]:-} != *= ]] || compopt -o nospace 2> /dev/null || true # a number follows
      ;;
    'name '*)
      values=$(for word in "\${values#name }"/*.json; do word=\${word##*/}; echo "\${word%.json}"; done)
      COMPREPLY=($(compgen -W "\${values/#\\*/}" -- "$cur"))
      ;;
    program*) COMPREPLY=($(compgen -c -- "$cur")) ;;
  esac
}

complete -o default -F _${program} ${program}
`;
}

function valuesCase(command: string, what: string, { kind, words, more, folder = "" }: Values): string {
  const after = more === undefined ? [] : ["/", ...more];
  const value = kind === "name" ? `name ${folder}` : [kind, ...words, ...after].join(" ");
  return `    '${command} ${what}') values='${value.replaceAll("'", "'\\''")}' ;;`;
}
