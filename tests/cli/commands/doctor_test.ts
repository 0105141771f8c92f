import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DoctorFileSchema, readChecked, WitnessFileSchema } from "../../../src/model/mod.ts";
import { cli } from "../helpers.ts";
import { assertFits } from "../../report/fits.ts";
import { interrupted, terminalTest } from "../terminal.ts";

Deno.test("doctor answers in its first line, and explains each fact in 100 columns without escape codes", async () => {
  const { code, stdout, stderr } = await cli(["doctor", "--seconds", "1"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^this machine can tell differences of about [\d.]+ % from noise; /);
  for (const fact of ["processor", "cores", "container limits", "governor", "load", "Deno, V8", "native library"]) {
    assertMatch(stdout, new RegExp(`^ (ok|!)? +${fact} `, "m"));
  }
  assertMatch(stdout, /two processes of hakmem/);
  assertFits(stdout, stdout.split("\n")[0]!);
  assertEquals(stdout.includes("\x1b"), false);
});

Deno.test("doctor --json writes the environment that every result has, the noise and the facts", async () => {
  const { code, stdout, stderr } = await cli(["doctor", "--seconds", "1", "--json", "-"]);
  assertEquals([code, stderr], [0, ""]);
  const { environment, noise, facts, command } = readChecked(DoctorFileSchema, stdout);
  assertEquals([environment.deno, command.at(-1)], [Deno.version.deno, "-"]);
  assert((environment.memoryBytes ?? 0) > 0);
  assertEquals([noise.variant, noise.workload], ["slab-map", "random-mixed"]);
  assertEquals(facts.at(-1)?.fact, "noise floor");
});

Deno.test("doctor --markdown writes the table next to the text", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/doctor.md`;
    const { code, stdout } = await cli(["doctor", "--seconds", "1", "--markdown", path]);
    assertEquals(code, 0);
    assertMatch(stdout, /^this machine can tell /);
    assertMatch(await Deno.readTextFile(path), /^\*\*this machine can tell .*\*\*\n\n\|.*\n\| --- \|/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("doctor works where no command can be found, neither compiler nor perf", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const env = { PATH: folder, HAKMEM_CACHE: `${folder}/cache` };
    const { code, stdout, stderr } = await cli(["doctor", "--seconds", "1"], env);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^ ! +native library +libc instead /m);
    assertMatch(stdout, /^ +perf +not installed /m);
    assertMatch(stdout, /; \d+ things? disturbs? it: .*native\s+library/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("doctor --help has an example, and a bad option ends with 3", async () => {
  const help = await cli(["doctor", "--help"]);
  assertEquals(help.code, 0);
  assertStringIncludes(help.stdout, "deno run -P cli.ts doctor --seconds 30 --json doctor.json");
  for (const line of help.stdout.split("\n")) assert(line.length <= 100, line);
  const bad = await cli(["doctor", "--seconds", "0"]);
  assertEquals([bad.code, bad.stdout], [3, ""]);
  assertMatch(bad.stderr, /^error: --seconds 0 is not allowed/);
  const folder = await cli(["doctor", "--json", "/no/such/folder/file.json"]);
  assertEquals([folder.code, folder.stdout], [3, ""]);
});

terminalTest("doctor says so when it is interrupted, leaves no file, and exits with 3", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const args = ["doctor", "--seconds", "60", "--json", `${folder}/doctor.json`];
    const { code, stdout, stderr, isRestored } = await interrupted(args);
    assertEquals([code, stdout, isRestored], [3, "", true]);
    assertMatch(stderr, /^interrupted: /);
    assertEquals(Array.from(Deno.readDirSync(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const WITNESS_CODES = { agrees: 0, differs: 1, undecided: 2 };

Deno.test("doctor --witness compares the twins with plain C, and its exit code is its verdict", async () => {
  const args = ["doctor", "--witness", "--workload", "hot-pair", "--peer", "system", "--json", "-"];
  const { code, stdout, stderr } = await cli(args);
  const { rows, verdict, environment } = readChecked(WitnessFileSchema, stdout);
  assertEquals([code, stderr], [WITNESS_CODES[verdict], ""]);
  assertEquals(rows.map(({ workload, allocator }) => [workload, allocator]), [["hot-pair", "system"]]);
  assertEquals([rows[0]!.samples.twin.length, rows[0]!.samples.ratio.length], [rows[0]!.rounds, rows[0]!.rounds]);
  assertMatch(rows[0]!.library, /libc|musl/);
  assertEquals(environment.deno, Deno.version.deno);
});

Deno.test("doctor --witness refuses what it cannot measure, and says so where there is no compiler", async () => {
  const cases: [args: string[], says: RegExp][] = [
    [["--witness", "--peer", "ffi"], /ffi has no witness/],
    [["--witness", "--peer", "nobody"], /--peer nobody does not exist/],
    [["--witness", "--workload", "mstress"], /--workload mstress does not exist; choose one of: random-mixed, /],
    [["--witness", "--seconds", "1"], /--seconds is for the noise floor/],
    [["--peer", "system"], /belong to --witness/],
  ];
  for (const [args, says] of cases) {
    const { code, stdout, stderr } = await cli(["doctor", ...args]);
    assertEquals([code, stdout], [3, ""]);
    assertMatch(stderr, says);
  }
  const folder = await Deno.makeTempDir();
  try {
    const env = { PATH: folder, HAKMEM_CACHE: `${folder}/cache` };
    const { code, stderr } = await cli(["doctor", "--witness"], env);
    assertEquals(code, 3);
    assertMatch(stderr, /C compiler/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
