/**
 * `record`: the allocation trace of a real program.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { RecordError, Recording, type RecordPlan } from "../../lab/record/record.ts";
import { alreadyRunning } from "../../lab/record/running.ts";
import { freeName } from "../../lab/record/files.ts";
import { programPath } from "../../lab/record/obstacle.ts";
import type { Outcome, RecordFile } from "../../model/mod.ts";
import { renderRecord, renderRecordCsv, renderRecordMarkdown } from "../../report/traces/record.ts";
import { type StackFacts, STACKS_BY } from "../../traces/mod.ts";
import {
  type AnyCommand,
  COMMAND_LINE,
  type FileOptions,
  type Finish,
  type OptionsOf,
  ResultFormats,
} from "../shared/command.ts";
import { ERROR, FINE } from "../shared/exit_codes.ts";
import { interruptible, Interruption } from "../shared/interruptible.ts";
import { palette, printError } from "../shared/terminal.ts";
import { oneOf, UsageError, wholeNumber } from "../shared/values.ts";

const HELP = `
Records each malloc, calloc, realloc, free and aligned allocation of a program: the calls of all
threads in one order, with sizes and numbers of blocks, but without contents or addresses. Each
process that the program starts or forks is recorded to FILE.PID; one that is killed is recorded up
to its last call. stdin and stdout are the program's; the summary goes to stderr. "Left live" was
never freed; "cross-thread" is the share of frees by a thread that did not allocate the block.

If a program becomes another one (exec), recording starts over, and only the last one is kept.

With --stacks, trace info --by stack and trace flame say who allocates. A stack is found by frame
pointers where these are right, which is checked the first time that they lead to it, and otherwise
by the unwinder, which takes some microseconds. For long programs, --sample 524288 gives a stack to
only some allocations. With --paused nothing is recorded until this command or the program's
process, whose number it prints, gets SIGUSR2; the next SIGUSR2 pauses again.

Linux only, and not for setuid programs. Of statically linked programs only the processes that they
start are recorded. Exit codes: 0 if everything was recorded, whatever the program's own exit code
is, which is printed; 3 if something was not: a process that was started without LD_PRELOAD, is
setuid, static or another user's, is still running, or did not fit. The summary names it. If a
recording cannot be written (a full disk), the recorder's own files are kept, and named.

Examples:
  deno run -P cli.ts record -- ls -l
  deno run -P cli.ts record -o python.trace -- python3 -c 'import json'
  deno run -P cli.ts record --json recorded.json -- gcc -c hello.c
  deno run -P cli.ts record --stacks -o sort.trace -- sort /etc/services
  deno run -P cli.ts record --paused --sample 524288 -- ./server --port 8080
`;

const FORMATS = new ResultFormats<RecordFile>("write the summary as JSON (- is stdout)", {
  csv: ["write a row for each process (- is stdout)", renderRecordCsv],
  markdown: ["write the summary as Markdown (- is stdout)", renderRecordMarkdown],
});

/** What is done with stdout: it is the program's. */
const STDOUT = "-";

/** The most callers of a stack, if it is not said; and at all. */
const DEPTH = 64, MOST_DEPTH = 128;

function declare() {
  const command = new Command("record")
    .description("records the allocations of a real program as a trace: record -- COMMAND ARGS")
    .argument("[program...]", "what to run, with its arguments; put -- before it")
    .option("-o, --output <file>", "where the recording goes (default: PROGRAM.trace, or PROGRAM-2.trace)")
    .option("--stacks", "record who called, too")
    .option("--sample <bytes>", "record a stack for one allocation per this many bytes, on average", SAMPLE)
    .option("--stacks-by <way>", `${STACKS_BY.join(", ")}: how stacks are found (default: ${STACKS_BY[0]})`, BY)
    .option("--depth <n>", `the most callers of a stack (default: ${DEPTH}, at most ${MOST_DEPTH})`, OF_DEPTH)
    .option("--paused", "record nothing until SIGUSR2; the next SIGUSR2 pauses again")
    .option("--pid <pid>", "say how to record a program that is already running", wholeNumber("--pid", 1, 2 ** 31 - 1))
    .option(
      "--no-grow",
      "take all memory at the start (64 MiB a process) and make no system calls later: for sandboxes",
    );
  return FORMATS.on(command).addHelpText("after", HELP);
}

const SAMPLE = wholeNumber("--sample", 1, 2 ** 40);
const OF_DEPTH = wholeNumber("--depth", 1, MOST_DEPTH);
const BY = (text: string) => oneOf("--stacks-by", STACKS_BY)(text) as StackFacts["by"];

/** The command. */
export function recordCommand(finish: Finish): AnyCommand {
  return declare().action(async ([program, ...args], options) => {
    const { output, grow, paused = false, pid, stacks: _, sample: __, stacksBy: ___, depth: ____, ...files } = options;
    if (pid !== undefined) throw new RecordError(await alreadyRunning(pid));
    if (program === undefined) throw new UsageError("missing required argument 'program': record -- COMMAND ARGS");
    const file = output ?? freeName(program), stacks = stacksOf(options);
    if (file === STDOUT) throw new UsageError("-o - is not possible, since stdout is the program's: name a file");
    const plan = { program, args, file, isFixed: !grow, isPaused: paused };
    finish(await run({ ...plan, ...(stacks === undefined ? {} : { stacks }) }, files));
  });
}

/** How stacks are to be found; undefined if there are to be none. */
function stacksOf({ stacks, sample, stacksBy, depth }: OptionsOf<typeof declare>): StackFacts | undefined {
  if (stacks === undefined && sample === undefined && stacksBy === undefined && depth === undefined) return undefined;
  const rate = sample === undefined ? {} : { sampleBytes: sample };
  return { by: stacksBy ?? STACKS_BY[0], depth: depth ?? DEPTH, ...rate };
}

async function run(plan: RecordPlan, files: FileOptions): Promise<number> {
  const program = await programPath(plan.program);
  const outputs = await FORMATS.outputs(files, [program], true, [{ option: "--output", path: plan.file }]);
  const { recording, outcome } = await watched(plan);
  using _ = recording;
  const found = await interruptible((show, signal) => recording.finish(show, signal)).catch((error) => {
    if (error instanceof Interruption) printError(`what the recorder wrote is kept in ${recording.kept}\n`);
    throw error;
  });
  const file: RecordFile = {
    schema: "hakmem.record/1",
    command: COMMAND_LINE,
    ...outcome,
    ...found,
  };
  outputs.publish(file, () => "", renderRecord(file, palette(Deno.stderr))); // stdout is the program's
  const isWhole = file.processes.every(({ stopped, cut, running, lost, wasCalling }) =>
    stopped === 0 && !cut && !running && lost === 0 && !wasCalling
  );
  return isWhole && found.missing?.length === 0 ? FINE : ERROR;
}

/**
 * Runs the program. Ctrl-C is for it alone, and the terminal tells it; what would end this command ends the program. Both
 * hold from before it starts.
 */
async function watched(plan: RecordPlan): Promise<{ recording: Recording; outcome: Outcome }> {
  let recording: Recording | undefined, isEnding = false;
  const ignore = () => {};
  const passOn = () => {
    isEnding = true;
    recording?.kill("SIGTERM");
  };
  let isHeard = false, isWanted = false; // what comes too early would end the program
  const toggle = () => {
    if (isHeard) recording?.kill("SIGUSR2");
    else isWanted = !isWanted;
  };
  if (plan.isPaused) Deno.addSignalListener("SIGUSR2", toggle);
  Deno.addSignalListener("SIGINT", ignore);
  Deno.addSignalListener("SIGTERM", passOn);
  try {
    recording = await Recording.start(plan);
    if (isEnding) recording.kill("SIGTERM");
    if (plan.isPaused) {
      await recording.isHeard();
      isHeard = true;
      if (isWanted) toggle();
      printError(`recording is paused: kill -USR2 ${recording.pid} resumes it, and the same again pauses it\n`);
    }
    return { recording, outcome: await recording.outcome() };
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
    Deno.removeSignalListener("SIGTERM", passOn);
    if (plan.isPaused) Deno.removeSignalListener("SIGUSR2", toggle);
  }
}
