/**
 * `doctor`: what this machine can measure, and what disturbs it; with `--witness`, whether the lab's own loops in C
 * disturb it.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { DEFAULT_VARIANT } from "../../heap/mod.ts";
import { doctor } from "../../lab/doctor/doctor.ts";
import { compareWithWitness, WITNESSED, witnessedPeers } from "../../lab/doctor/witness.ts";
import { freshSeed } from "../../measure/mod.ts";
import type { DoctorFile, WitnessFile } from "../../model/mod.ts";
import { renderDoctor, renderDoctorCsv, renderDoctorMarkdown } from "../../report/doctor.ts";
import { renderJson } from "../../report/mod.ts";
import { renderWitness, renderWitnessCsv, renderWitnessMarkdown } from "../../report/witness.ts";
import { FAILED, FINE, INCONCLUSIVE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import { Outputs } from "../shared/outputs.ts";
import { libraryPaths, peerList, someOf, UsageError, wholeNumber } from "../shared/values.ts";

const SECONDS = 5;

const HELP = `
The noise floor is what two processes of the same code differ by. Rows with ! disturb measurements.

--witness compares the loops in C, with which native allocators are measured, with an independent
program: it takes up to a minute. A difference of more than 10 % is a defect of this lab.

Exit codes: 0 fine; with --witness 1 a difference, 2 too noisy to tell; 3 an error.

Examples:
  deno run -P cli.ts doctor
  deno run -P cli.ts doctor --seconds 30 --json doctor.json
  deno run -P cli.ts doctor --witness
  deno run -P cli.ts doctor --witness --workload larson --peer system,./libmine.so
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
    .option("--witness", "compare the twins in C with an independent program")
    .option("--workload <list>", `with --witness, some of ${WITNESSED.join(", ")}`, someOf("--workload", WITNESSED))
    .option("--peer <list>", "with --witness, native ones (default: system and those installed)", peerList)
    .option("--json <file>", "write it as JSON (- is stdout)")
    .option("--csv <file>", "write a row for each fact (- is stdout)")
    .option("--markdown <file>", "write the table as Markdown (- is stdout)")
    .addHelpText("after", HELP);
  // The typed command is wider than what the tree needs to know.
  return command.action(async ({ witness = false, ...options }) => {
    finish(await (witness ? runWitness(options) : runDoctor(options)));
  }) as unknown as Command;
}

interface DoctorOptions {
  seconds?: number;
  workload?: string[];
  peer?: string[];
  json?: string;
  csv?: string;
  markdown?: string;
}

const COMMAND = ["deno", "run", "-P", "cli.ts", ...Deno.args];

async function runDoctor({ seconds = SECONDS, workload, peer, json, csv, markdown }: DoctorOptions): Promise<number> {
  if (workload !== undefined || peer !== undefined) throw new UsageError("--workload and --peer belong to --witness");
  const outputs = new Outputs<DoctorFile>([
    { option: "--json", path: json, render: renderJson },
    { option: "--csv", path: csv, render: renderDoctorCsv },
    { option: "--markdown", path: markdown, render: renderDoctorMarkdown },
  ]);
  const plan = { variant: DEFAULT_VARIANT, seconds };
  const found = await interruptible((show, signal) => doctor(plan, show, signal));
  const file: DoctorFile = { schema: "hakmem.doctor/1", command: COMMAND, ...found };
  outputs.publish(file, (palette) => renderDoctor(file, palette));
  return FINE;
}

const EXIT_CODES: Readonly<Record<WitnessFile["verdict"], number>> = {
  agrees: FINE,
  differs: FAILED,
  undecided: INCONCLUSIVE,
};

async function runWitness(options: DoctorOptions): Promise<number> {
  const { seconds, workload = WITNESSED, peer = witnessedPeers(), json, csv, markdown } = options;
  if (seconds !== undefined) throw new UsageError("--seconds is of the noise floor, which --witness does not measure");
  const outputs = new Outputs<WitnessFile>(
    [
      { option: "--json", path: json, render: renderJson },
      { option: "--csv", path: csv, render: renderWitnessCsv },
      { option: "--markdown", path: markdown, render: renderWitnessMarkdown },
    ],
    libraryPaths(peer),
    true,
  );
  const plan = { workloads: workload, peers: peer, orderSeed: freshSeed() };
  const found = await interruptible((show, signal) => compareWithWitness(plan, show, signal));
  const file: WitnessFile = { schema: "hakmem.witness/1", command: COMMAND, ...found };
  outputs.publish(file, (palette) => renderWitness(file, palette));
  return EXIT_CODES[file.verdict];
}
