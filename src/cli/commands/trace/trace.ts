/**
 * `trace`: what can be done with a trace, a command of its own for each. Adding one: its file here, one line below.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { FORMATS } from "../../../traces/mod.ts";
import type { AnyCommand, Finish } from "../../shared/command.ts";
import { twoColumns } from "../../shared/terminal.ts";
import { UsageError } from "../../shared/values.ts";
import { anonymiseCommand } from "./anonymise.ts";
import { convertCommand } from "./convert.ts";
import { cutCommand } from "./cut.ts";
import { flameCommand } from "./flame.ts";
import { infoCommand } from "./info.ts";

/** In the order of `trace --help`. */
const ACTIONS: readonly ((finish: Finish) => AnyCommand)[] = [
  infoCommand,
  flameCommand,
  convertCommand,
  cutCommand,
  anonymiseCommand,
];

const HELP = `
The formats that are read, also as .zip, .gz and .zst; - is stdin:
${twoColumns(FORMATS)}

Each action has its own --help. Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts trace info systemui.zip
  deno run -P cli.ts trace convert systemui.zip -o systemui.json
`;

/** The command. */
export function traceCommand(finish: Finish): AnyCommand {
  const command = new Command("trace")
    .description(
      "looks at traces and rewrites them: summary, who allocates, other formats, a window, without names",
    )
    .usage("<action> <trace> [options]")
    .helpCommand(false)
    .argument("[action]", "one of the commands below")
    .allowExcessArguments()
    .addHelpText("after", HELP)
    .action((action) => {
      if (action === undefined) command.help({ error: true });
      const names = command.commands.map((each) => each.name());
      throw new UsageError(`trace ${action} does not exist; choose one of: ${names.join(", ")}`);
    });
  for (const actionOf of ACTIONS) command.addCommand(actionOf(finish) as Command);
  return command;
}
