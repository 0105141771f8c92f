import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseDoctorFile } from "../../src/report/doctor.ts";
import { cli, command, outcome } from "./helpers.ts";

Deno.test("doctor answers in its first line, and explains each fact in 100 columns without escape codes", async () => {
  const { code, stdout, stderr } = await cli(["doctor", "--seconds", "1"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^this machine can tell differences of about [\d.]+ % from noise; /);
  for (const fact of ["processor", "cores", "container limits", "governor", "load", "Deno, V8", "native library"]) {
    assertMatch(stdout, new RegExp(`^ (ok|!)? +${fact} `, "m"));
  }
  assertMatch(stdout, /two processes of slab-map/);
  for (const line of stdout.split("\n")) assert(line.length <= 100, line);
  assertEquals(stdout.includes("\x1b"), false);
});

Deno.test("doctor --json writes the environment that every result has, the noise and the facts", async () => {
  const { code, stdout, stderr } = await cli(["doctor", "--seconds", "1", "--json", "-"]);
  assertEquals([code, stderr], [0, ""]);
  const { environment, noise, facts, command } = parseDoctorFile(stdout);
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

Deno.test("doctor says so when it is interrupted, leaves no file, and exits with 3", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const child = command(["doctor", "--seconds", "60", "--json", `${folder}/doctor.json`]).spawn();
    const timer = setTimeout(() => child.kill("SIGINT"), 2500);
    const { code, stdout, stderr } = outcome(await child.output());
    clearTimeout(timer);
    assertEquals([code, stdout], [3, ""]);
    assertMatch(stderr, /^interrupted: /);
    assertEquals(Array.from(Deno.readDirSync(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
