/**
 * `flags`: what a variant is built with, and what two of them differ in.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { DEFAULT_VARIANT, VARIANTS } from "../../heap/mod.ts";
import { describeFlags } from "../../lab/inspect/flags.ts";
import { hakmemVariant } from "../../os/mod.ts";
import type { FlagsFile } from "../../model/mod.ts";
import { renderFlagsCsv, renderFlagsMarkdown } from "../../report/flags.ts";
import { renderFlags, wrap } from "../../report/mod.ts";
import { type AnyCommand, buildOption, type Finish, ResultFormats } from "../shared/command.ts";
import { FINE } from "../shared/exit_codes.ts";

const HELP = `
A variant is a name, followed by flags that differ from it: slab-map, or slab-map,refill=32. The names:
${wrap(Object.keys(VARIANTS).join(", "), 98).map((line) => `  ${line}`).join("\n")}

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts flags
  deno run -P cli.ts flags slab-map,refill=32
  deno run -P cli.ts flags phase7 slab-map
  deno run -P cli.ts flags phase7 --build debug --json flags.json
`;

const FORMATS = new ResultFormats<FlagsFile>("write them as JSON (- is stdout)", {
  csv: ["write every flag", renderFlagsCsv],
  markdown: ["write the table", renderFlagsMarkdown],
});

/** The command. */
export function flagsCommand(finish: Finish): AnyCommand {
  const command = new Command("flags")
    .description("shows the flags of a variant, or how two variants differ")
    .argument("[variant]", `default: HAKMEM_VARIANT, or ${DEFAULT_VARIANT}`)
    .argument("[other]", "show only where the two differ")
    .addOption(buildOption());
  return FORMATS.on(command).addHelpText("after", HELP).action(async (variant, other, options) => {
    const variants = [variant ?? hakmemVariant() ?? DEFAULT_VARIANT, ...(other === undefined ? [] : [other])];
    const file = await describeFlags(variants, options.build ?? "release");
    const outputs = await FORMATS.outputs(options);
    outputs.publish(file, (palette) => renderFlags(file, palette));
    finish(FINE);
  });
}
