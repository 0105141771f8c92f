/**
 * `doctor`: what this machine can measure, and what disturbs it; with `--witness`, whether the lab's own loops in C cost
 * more than plain C.
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
import { renderWitness, renderWitnessCsv, renderWitnessMarkdown } from "../../report/witness.ts";
import { type AnyCommand, COMMAND_LINE, type Finish, type OptionsOf, ResultFormats } from "../shared/command.ts";
import { FAILED, FINE, INCONCLUSIVE } from "../shared/exit_codes.ts";
import { interruptible } from "../shared/interruptible.ts";
import { libraryPaths, peerList, someOf, UsageError, wholeNumber } from "../shared/values.ts";

const SECONDS = 5;

const HELP = `
The noise floor is the difference between two processes that run the same code. Rows with ! disturb
measurements.

--witness compares the loops in C by which native allocators are measured with an independent
program, which takes one to five minutes. A difference of more than 10 % is a defect of this lab.

Exit codes: 0 fine; with --witness 1 a difference, 2 too noisy to tell; 3 an error.

Examples:
  deno run -P cli.ts doctor
  deno run -P cli.ts doctor --seconds 30 --json doctor.json
  deno run -P cli.ts doctor --witness
  deno run -P cli.ts doctor --witness --workload larson --peer system,./libmine.so
`;

const FORMATS = new ResultFormats<DoctorFile>("write it as JSON (- is stdout)", {
  csv: ["write a row for each fact (- is stdout)", renderDoctorCsv],
  markdown: ["write the table as Markdown (- is stdout)", renderDoctorMarkdown],
});
const WITNESS_FORMATS = new ResultFormats<WitnessFile>("", {
  csv: ["", renderWitnessCsv],
  markdown: ["", renderWitnessMarkdown],
});

function declare() {
  const command = new Command("doctor")
    .description("says what this machine can measure, and what disturbs it")
    .option(
      "--seconds <n>",
      `how long to measure the noise floor (default: ${SECONDS})`,
      wholeNumber("--seconds", 1, 3600),
    )
    .option("--witness", "compare the twins in C with an independent program")
    .option("--workload <list>", `with --witness, some of ${WITNESSED.join(", ")}`, someOf("--workload", WITNESSED))
    .option("--peer <list>", "with --witness, native peers (default: system and those installed)", peerList);
  return FORMATS.on(command).addHelpText("after", HELP);
}

/** The command. */
export function doctorCommand(finish: Finish): AnyCommand {
  return declare().action(async (options) =>
    finish(await (options.witness ? runWitness(options) : runDoctor(options)))
  );
}

type DoctorOptions = OptionsOf<typeof declare>;

async function runDoctor({ seconds = SECONDS, workload, peer, ...files }: DoctorOptions): Promise<number> {
  if (workload !== undefined || peer !== undefined) throw new UsageError("--workload and --peer belong to --witness");
  const outputs = await FORMATS.outputs(files);
  const plan = { variant: DEFAULT_VARIANT, seconds };
  const found = await interruptible((show, signal) => doctor(plan, show, signal));
  const file: DoctorFile = { schema: "hakmem.doctor/1", command: COMMAND_LINE, ...found };
  outputs.publish(file, (palette) => renderDoctor(file, palette));
  return FINE;
}

const EXIT_CODES: Readonly<Record<WitnessFile["verdict"], number>> = {
  agrees: FINE,
  differs: FAILED,
  undecided: INCONCLUSIVE,
};

async function runWitness(options: DoctorOptions): Promise<number> {
  const { seconds, workload = WITNESSED, peer = witnessedPeers() } = options;
  if (seconds !== undefined) throw new UsageError("--seconds is for the noise floor, which --witness does not measure");
  const outputs = await WITNESS_FORMATS.outputs(options, libraryPaths(peer), true);
  const plan = { workloads: workload, peers: peer, orderSeed: freshSeed() };
  const found = await interruptible((show, signal) => compareWithWitness(plan, show, signal));
  const file: WitnessFile = { schema: "hakmem.witness/1", command: COMMAND_LINE, ...found };
  outputs.publish(file, (palette) => renderWitness(file, palette));
  return EXIT_CODES[file.verdict];
}
