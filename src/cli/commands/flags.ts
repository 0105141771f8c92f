/**
 * `flags`: what a variant is built with, and what two of them differ in.
 *
 * @module
 */
import { Command, Option } from "@commander-js/extra-typings";
import { DEFAULT_VARIANT, VARIANTS } from "../../heap/mod.ts";
import { type Build, BUILDS, describeFlags } from "../../lab/inspect/flags.ts";
import { hakmemVariant } from "../../os/mod.ts";
import type { FlagsFile } from "../../model/mod.ts";
import { renderFlagsCsv, renderFlagsMarkdown } from "../../report/flags.ts";
import { renderFlags, renderJson, wrap } from "../../report/mod.ts";
import { FINE } from "../shared/exit_codes.ts";
import { Outputs } from "../shared/outputs.ts";
import { buildOf } from "../shared/values.ts";

const HELP = `
A variant is a name, and flags that differ: slab-map, or slab-map,refill=32. The names:
${wrap(Object.keys(VARIANTS).join(", "), 98).map((line) => `  ${line}`).join("\n")}

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts flags
  deno run -P cli.ts flags slab-map,refill=32
  deno run -P cli.ts flags phase7 slab-map
  deno run -P cli.ts flags phase7 --build debug --json flags.json
`;

/** The command. */
export function flagsCommand(finish: (exitCode: number) => void): Command {
  const command = new Command("flags")
    .description("the flags a variant is built with, or what two variants differ in")
    .argument("[variant]", `default: HAKMEM_VARIANT, else ${DEFAULT_VARIANT}`)
    .argument("[other]", "show only what differs between the two")
    .addOption(
      new Option("--build <build>", `${BUILDS.join(" or ")} (default: release)`).argParser(buildOf("--build")),
    )
    .option("--json <file>", "write them as JSON (- is stdout)")
    .option("--csv <file>", "write every flag")
    .option("--markdown <file>", "write the table")
    .addHelpText("after", HELP);
  // The typed command is wider than what the tree needs to know.
  return command.action(async (variant, other, { build = "release", ...files }) => {
    const variants = [variant ?? hakmemVariant() ?? DEFAULT_VARIANT, ...(other === undefined ? [] : [other])];
    await run(variants, build, files);
    finish(FINE);
  }) as unknown as Command;
}

/** Where the flags go besides the terminal. */
interface Files {
  json?: string | undefined;
  csv?: string | undefined;
  markdown?: string | undefined;
}

async function run(variants: readonly string[], build: Build, { json, csv, markdown }: Files): Promise<void> {
  const file = await describeFlags(variants, build);
  const outputs = new Outputs<FlagsFile>([
    { option: "--json", path: json, render: renderJson },
    { option: "--csv", path: csv, render: renderFlagsCsv },
    { option: "--markdown", path: markdown, render: renderFlagsMarkdown },
  ]);
  outputs.publish(file, (palette) => renderFlags(file, palette));
}
