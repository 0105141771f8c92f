/**
 * `completion`: prints a script with which a shell completes the command line. It is made from the command tree, and holds
 * all words itself. (Libraries for this call the program at each key, which takes a third of a second here, or need more
 * than a plain shell has.)
 *
 * @module
 */
import { Argument, Command } from "@commander-js/extra-typings";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { type CommandWords, commandWords } from "./tree.ts";
import { zshScript } from "./zsh.ts";
import type { AnyCommand, Finish } from "../shared/command.ts";
import { FINE } from "../shared/exit_codes.ts";
import { renderJson } from "../../report/mod.ts";
import { Outputs } from "../shared/outputs.ts";

/** What the command is called in a shell that completes it. */
const PROGRAM = "hakmem";

const FOLDER = decodeURIComponent(new URL("../../../", import.meta.url).pathname);
const RUN = `deno run -P --config='${FOLDER}deno.json' '${FOLDER}cli.ts'`;

const HELP = `
Completion is for a command called ${PROGRAM}, so make one: in ~/.bashrc or ~/.zshrc

  ${PROGRAM}() { ${RUN} "$@"; }
  source <(${PROGRAM} completion bash)    # or zsh, there after compinit

and in ~/.config/fish/config.fish

  function ${PROGRAM}; ${RUN} $argv; end
  ${PROGRAM} completion fish | source

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts completion bash > ~/.local/share/bash-completion/completions/${PROGRAM}
  deno run -P cli.ts completion fish > ~/.config/fish/completions/${PROGRAM}.fish
`;

type Shell = "bash" | "zsh" | "fish";

const SCRIPTS: Readonly<Record<Shell, (program: string, commands: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The command. */
export function completionCommand(finish: Finish): AnyCommand {
  const command = new Command("completion")
    .description("prints a script that lets a shell complete commands, options and their values")
    .addArgument(new Argument("<shell>", "which one").choices(Object.keys(SCRIPTS) as Shell[]))
    .option("--json <file>", "write it as JSON (- is stdout)")
    .addHelpText("after", HELP);
  return command.action((shell, { json }) => {
    const script = SCRIPTS[shell](PROGRAM, commandWords(command.parent!));
    const outputs = new Outputs([{ option: "--json", path: json, render: renderJson }]);
    outputs.publish({ schema: "hakmem.completion/1", shell, program: PROGRAM, script }, () => script);
    finish(FINE);
  });
}
