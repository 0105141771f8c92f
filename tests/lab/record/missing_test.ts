/** What a recorder may miss: it does not, or says what is missing and why. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { Recording, type RecordPlan } from "../../../src/lab/record/record.ts";
import { freeName, RecordError } from "../../../src/lab/record/files.ts";
import { recordHeadline, renderRecord } from "../../../src/report/traces/record.ts";
import { readSummary, readTrace } from "../../../src/traces/mod.ts";
import { build, linuxTest } from "./recorded.ts";

/** A test with the program and a folder. */
function programTest(name: string, fn: (program: string, folder: string) => Promise<void>): void {
  linuxTest(name, async (folder) => await fn(await build("missing"), folder));
}

/** Runs a program and makes its recordings; `during` runs between, as other things happen at the same time. */
async function record(plan: RecordPlan, during: () => void = () => {}) {
  using recording = await Recording.start(plan);
  const outcome = await recording.outcome();
  during();
  return { ...outcome, ...await recording.finish(() => {}, new AbortController().signal) };
}

type Found = Awaited<ReturnType<typeof record>>;

function mallocsOf({ processes }: Found): number {
  return processes.reduce((sum, { kinds }) => sum + (kinds["malloc"] ?? 0), 0);
}

/** What is said to be missing, `program: reason` each. */
function missingOf({ missing = [] }: Found): string[] {
  return missing.map(({ program, reason }) => `${program.replace(/^recorded-/, "").replace(/-.*/, "")}: ${reason}`);
}

function textOf(found: Found): string {
  return renderRecord({ schema: "hakmem.record/1", command: [], ...found }).replaceAll("\n", " ");
}

programTest(
  "a program that asks for nothing itself does not cost its children their recordings",
  async (program, folder) => {
    const file = `${folder}/x.trace`, found = await record({ program, args: ["kids"], file });
    assertEquals([found.processes.length, mallocsOf(found), missingOf(found)], [20, 100, []]);
    for (const process of found.processes) assertEquals(readTrace(`${file}.${process.pid}`).length, 10);
    assertMatch(
      recordHeadline({ schema: "hakmem.record/1", command: [], ...found }),
      /^recorded 200 events of 20 processes that recorded-missing\S+ started in \S+x\.trace\.PID/,
    );
  },
);

programTest("a static program that starts others is named, and they are recorded", async (_, folder) => {
  const program = await build("missing", "executable", "-static").catch((error) => {
    if (!/cannot find -lc/.test(String(error))) throw error; // a system without the static library
  });
  if (program === undefined) return console.error("there is no static libc: nothing to start");
  const file = `${folder}/x.trace`;
  const found = await record({ program, args: ["start", await build("single")], file });
  assertEquals(found.processes.length, 1);
  assertEquals(missingOf(found), ["missing: it is linked statically, and its malloc is its own"]);
  const child = await record({ program: await build("missing"), args: ["start", program], file });
  assertEquals([child.processes[0]?.file, missingOf(child)], [file, missingOf(found)]);
  await assertRejects(
    () => record({ program, args: [], file }),
    RecordError,
    "was not recorded: it is linked statically",
  );
});

programTest(
  "who goes into a sandbox is recorded whole, and a hidden one with all room at the start",
  async (program, folder) => {
    for (const [what, isFixed] of [["strict", false], ["filter", false], ["hidden", true]] as const) {
      const found = await record({ program, args: [what], file: `${folder}/x.trace`, isFixed });
      if (found.exitCode === 77) return console.error("there is no seccomp here: nothing to try");
      assertEquals([found.exitCode, mallocsOf(found), found.processes[0]?.stopped], [0, 50_001, 0], what);
    }
    const killed = await record({ program, args: ["hidden"], file: `${folder}/x.trace` });
    assertEquals([killed.signal, killed.processes[0]?.wasCalling], ["SIGSYS", true]);
    assertStringIncludes(textOf(killed), "--no-grow");
  },
);

programTest(
  "limits that a program sets before its first block do not keep it from being recorded",
  async (program, folder) => {
    const file = `${folder}/x.trace`;
    const files = await record({ program, args: ["files"], file });
    assertEquals([mallocsOf(files), files.processes[0]?.stopped], [50_000, 0]);
    const length = await record({ program, args: ["length"], file });
    assert(mallocsOf(length) > 1000, `${mallocsOf(length)}`);
    assertEquals([length.exitCode, length.processes[0]?.stopped], [0, 27]); // EFBIG
    // Limits that a shell sets before it becomes the program: that is named, and the limit is.
    for (const [limit, says] of [["-f 1", "ulimit -f"], ["-n 3", "ulimit -n"]] as const) {
      const args = ["-c", `ulimit ${limit}; exec '${program}' nap`];
      assertMatch(
        missingOf(await record({ program: "sh", args, file })).join(),
        new RegExp(`^missing: [^:]*: .*\\(${says}\\)`),
      );
    }
  },
);

programTest(
  "what is started without the recorder's variables, or as another user, is named",
  async (program, folder) => {
    const file = `${folder}/x.trace`;
    const cleared = await record({ program, args: ["cleared"], file });
    assertEquals(missingOf(cleared), ["true: it was started without LD_PRELOAD and HAKMEM_RECORDING, as env -i does"]);
    const emptied = await record({ program: "env", args: ["-i", "true"], file });
    assertEquals(missingOf(emptied), missingOf(cleared));
    const failed = await record({ program, args: ["start", "/no/such/program"], file });
    assertEquals(missingOf(failed), [], "what could not be started is not missing");
    if (Deno.uid() !== 0) return console.error("not root: nobody else to be");
    const user = await record({ program, args: ["user"], file });
    assertEquals([mallocsOf(user), user.missing?.length, user.missing?.[0]?.count], [50_000, 1, 1]);
    assertStringIncludes(textOf(user), "a fork may no longer write beside the recording: it is another user's");
  },
);

programTest("a process that runs on and had asked for nothing is named", async (program, folder) => {
  const script = `'${program}' daemon 3> '${folder}/pid'`;
  const found = await record({ program: "sh", args: ["-c", script], file: `${folder}/x.trace` });
  const pid = Number(await Deno.readTextFile(`${folder}/pid`));
  Deno.kill(pid, "SIGKILL"); // throws if there is none
  assertEquals(found.missing?.map((each) => each.pid), [pid]);
  assertStringIncludes(textOf(found), "it is still running");
});

programTest(
  "what cannot be written leaves the recorder's files, which are traces, and says where",
  async (program, folder) => {
    const file = `${folder}/x.trace`;
    const error = await assertRejects(() => record({ program, args: ["folder", file], file }), RecordError);
    const kept = /is kept in (\S+),/.exec(error.message)?.[1] ?? "";
    const traces = [...Deno.readDirSync(kept)].map(({ name }) => readTrace(`${kept}/${name}`));
    assertEquals(traces.map(({ length }) => length), [20]);
    // Of several, the others are written.
    const other = `${folder}/y.trace`;
    const script = `mkdir '${other}' '${other}.'$$; '${program}' nap; :`;
    const found = await record({ program: "sh", args: ["-c", script], file: other });
    assertEquals([mallocsOf(found) >= 50_000, found.missing?.length], [true, 1]);
    const said = textOf(found).replaceAll(" ", ""); // a long path is broken into lines anywhere
    assertStringIncludes(said, `What the recorder wrote is kept in ${found.kept}`.replaceAll(" ", ""));
  },
);

programTest("a recording overwrites no other silently, and no other run's at all", async (program, folder) => {
  const plan = { program, args: ["nap"], file: `${folder}/a:b c.trace` };
  const first = await record(plan);
  assertEquals([first.processes[0]?.file, first.notes], [plan.file, []]);
  await Deno.writeTextFile(`${plan.file}.123456789`, "");
  const second = await record(plan);
  assertEquals(second.notes, [`An earlier ${plan.file} was replaced`, `Of an earlier run: ${plan.file}.123456789`]);
  // Another run that ends before this one.
  const [third] = await Promise.all([record(plan, () => {
    Deno.renameSync(plan.file, `${plan.file}.old`);
    Deno.writeTextFileSync(plan.file, "another's");
  })]);
  assertEquals(third.processes[0]?.file, `${plan.file}.${third.pid}`);
  assertStringIncludes(textOf(third), "Another run wrote");
  assertEquals(await Deno.readTextFile(plan.file), "another's");
});

Deno.test("a recording that is given no name takes one that is free", async () => {
  const folder = await Deno.makeTempDir(), before = Deno.cwd();
  try {
    Deno.chdir(folder);
    assertEquals(freeName("/bin/ls"), "ls.trace");
    await Deno.writeTextFile("ls.trace", "");
    assertEquals(freeName("ls"), "ls-2.trace");
  } finally {
    Deno.chdir(before);
    await Deno.remove(folder, { recursive: true });
  }
});

programTest(
  "a recording keeps how long its program ran, if it exited by itself or is the one that was run",
  async (program, folder) => {
    const file = `${folder}/x.trace`;
    await record({ program, args: ["nap"], file });
    const { wallSeconds = 0, processorSeconds = 0 } = readSummary(file, 0).ran ?? {};
    assert(wallSeconds >= 0.02 && processorSeconds > 0 && processorSeconds < wallSeconds, `${wallSeconds}`);
    await record({ program: "sh", args: ["-c", "kill -9 $$"], file });
    const killed = readSummary(file, 0).ran;
    assertEquals([killed!.wallSeconds > 0, killed!.processorSeconds], [true, undefined]);
  },
);
