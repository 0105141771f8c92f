/**
 * `doctor`: what this machine can measure, and what disturbs it.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { DEFAULT_VARIANT } from "../heap/mod.ts";
import { doctor } from "../lab/doctor.ts";
import { type DoctorFile, renderDoctor, renderDoctorCsv, renderDoctorMarkdown } from "../report/doctor.ts";
import { renderJson } from "../report/mod.ts";
import { FINE } from "./exit_codes.ts";
import { interruptible } from "./interruptible.ts";
import { Outputs } from "./outputs.ts";
import { wholeNumber } from "./values.ts";

const SECONDS = 5;

const HELP = `
The noise floor is what two processes of the same code differ by. Rows with ! disturb measurements.

Examples:
  deno run -P cli.ts doctor
  deno run -P cli.ts doctor --seconds 30 --json doctor.json
`;

/** The command. */
export function doctorCommand(finish: (exitCode: number) => void): Command {
  const command = new Command("doctor")
    .description("what this machine can measure, and what disturbs it")
    .option(
      "--seconds <n>",
      `how long the noise floor is measured (default: ${SECONDS})`,
      wholeNumber("--seconds", 1, 3600),
    )
    .option("--json <file>", "write it as JSON (- is stdout)")
    .option("--csv <file>", "write a row for each fact (- is stdout)")
    .option("--markdown <file>", "write the table as Markdown (- is stdout)")
    .addHelpText("after", HELP);
  // The typed command is wider than what the tree needs to know.
  return command.action(async ({ seconds = SECONDS, json, csv, markdown }) => {
    const outputs = new Outputs<DoctorFile>([
      { option: "--json", path: json, render: renderJson },
      { option: "--csv", path: csv, render: renderDoctorCsv },
      { option: "--markdown", path: markdown, render: renderDoctorMarkdown },
    ]);
    finish(await run(seconds, outputs));
  }) as unknown as Command;
}

async function run(seconds: number, outputs: Outputs<DoctorFile>): Promise<number> {
  const plan = { variant: DEFAULT_VARIANT, seconds };
  const found = await interruptible((show, signal) => doctor(plan, show, signal));
  const file: DoctorFile = {
    schema: "hakmem.doctor/1",
    command: ["deno", "run", "-P", "cli.ts", ...Deno.args],
    ...found,
  };
  outputs.publish(file, (palette) => renderDoctor(file, palette));
  return FINE;
}
