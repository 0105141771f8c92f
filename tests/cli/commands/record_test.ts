import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readChecked, RecordFileSchema } from "../../../src/model/mod.ts";
import { readTrace } from "../../../src/traces/mod.ts";
import { build, linuxTest } from "../../lab/record/recorded.ts";
import { cli, command, FOLDER, outcome } from "../helpers.ts";

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();
}

linuxTest("record leaves the program its streams and its exit code, and says on stderr what it did", async (folder) => {
  const file = `${folder}/cat.trace`;
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      `echo in | '${Deno.execPath()}' run --quiet -P cli.ts record -o '${file}' -- sh -c 'cat; echo err >&2; exit 7'`,
    ],
    cwd: FOLDER,
  });
  const { code, stdout, stderr } = outcome(await child.output());
  assertEquals([code, stdout], [0, "in\n"]);
  const [first, ...rest] = stderr.split("\n");
  assertEquals(first, "err");
  assertMatch(
    rest.join(" "),
    /^recorded [\d,]+ events of \S+ in \S+cat\.trace \([\d.]+ K?B\);.*; exit code 7 after [\d.]+ s /,
  );
  for (const word of ["program", "peak live", "cross-thread", "Sizes in bytes: ", "never freed", "Lifetimes"]) {
    assertStringIncludes(stderr, word);
  }
  for (const line of rest) assert(line.length <= 100 || line.includes(folder), line);
  assertEquals(stderr.includes("\x1b"), false);
  assertEquals(
    namesIn(folder).filter((name) => !/^cat\.trace(\.\d+)?$/.test(name)),
    [],
    "the recorder's files are gone",
  );
});

linuxTest("record --json, --csv and --markdown have every process, and each recording can be read", async (folder) => {
  const program = await build("forks");
  const files = ["json", "csv", "markdown"].flatMap((name) => [`--${name}`, `${folder}/${name}`]);
  const { code, stdout } = await cli(["record", "-o", `${folder}/forks.trace`, ...files, "--", program]);
  assertEquals([code, stdout], [0, ""]);
  const { processes, exitCode, seconds } = readChecked(RecordFileSchema, await Deno.readTextFile(`${folder}/json`));
  assertEquals([processes.length, exitCode, seconds > 0], [4, 0, true]);
  for (const { file, events, blocks, fileBytes, kinds } of processes) {
    const trace = readTrace(file);
    assertEquals([trace.length - (kinds["thread end"] ?? 0), trace.blockCount], [events, blocks]);
    assertEquals(Deno.statSync(file).size, fileBytes);
  }
  assertEquals((await Deno.readTextFile(`${folder}/csv`)).trimEnd().split("\n").length, 1 + 4);
  assertMatch(await Deno.readTextFile(`${folder}/markdown`), /^\*\*recorded .*\*\*\n\n\| program \|(.*\n){6}\n- /);
});

linuxTest(
  "record --json - follows what the program printed, and the recording is named after the program",
  async (folder) => {
    const { code, stdout, stderr } = outcome(
      await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "-P",
          `--config=${FOLDER}deno.json`,
          `${FOLDER}cli.ts`,
          "record",
          "--json",
          "-",
          "--",
          "/bin/echo",
          "hello",
        ],
        cwd: folder,
      }).output(),
    );
    assertEquals(code, 0, stderr);
    assert(stdout.startsWith("hello\n{"), stdout);
    assertEquals(readChecked(RecordFileSchema, stdout.slice("hello\n".length)).processes[0]?.file, "echo.trace");
    assertEquals(namesIn(folder), ["echo.trace"]);
  },
);

linuxTest("record exits with 3 and says why where not all was recorded", async (folder) => {
  const program = await build("killed");
  const args = ["record", "-o", `${folder}/x.trace`, "--", "sh", "-c", `ulimit -f 600; exec '${program}' 50000`];
  const { code, stderr } = await cli(args);
  assertEquals(code, 3);
  const said = stderr.replaceAll("\n", " "); // where lines end is a matter of the folder's name
  assertMatch(said, /recording stopped before its end: the recording is as long as a file may be \(ulimit -f\)/);
  assertMatch(said, /killed by SIGKILL/);
  const wrong: [args: string[], says: RegExp][] = [
    [["-o", `${folder}/y.trace`, "--", "/no/such/program"], /error: \/no\/such\/program cannot be started: /],
    [["-o", `${folder}/no/y.trace`, "--", "true"], /y\.trace cannot be written: .*; its folder must exist/],
    [[], /missing required argument 'program'/],
    [["-o", `${folder}/y.trace`, "true", "--fast"], /unknown option '--fast'/],
  ];
  for (const [rest, says] of wrong) {
    const failed = await cli(["record", ...rest]);
    assertMatch(failed.stderr, says);
    assertEquals([failed.code, failed.stdout, failed.stderr.includes("    at ")], [3, "", false]);
  }
  assertEquals(namesIn(folder), ["x.trace"]);
});

linuxTest("record leaves Ctrl-C to the program, and passes SIGTERM on to it", async (folder) => {
  const script = "trap 'echo stopped; exit 5' TERM; echo started; while :; do sleep 0.05; done";
  const child = command(["record", "-o", `${folder}/x.trace`, "--", "sh", "-c", script]).spawn();
  const stdout = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const stderr = new Response(child.stderr).text();
  assertEquals((await stdout.read()).value, "started\n");
  child.kill("SIGINT"); // a terminal sends it to both; here the program does not get it
  child.kill("SIGTERM");
  assertEquals((await stdout.read()).value, "stopped\n");
  await stdout.cancel();
  assertEquals((await child.status).code, 0);
  assertMatch(await stderr, /recorded [\d,]+ events of (.|\n)*exit\s+code 5/);
});

Deno.test("record --help says what the exit code means, and has examples", async () => {
  const { code, stdout, stderr } = await cli(["record", "--help"]);
  assertEquals([code, stderr], [0, ""]);
  for (
    const text of [
      "--output <file>",
      "FILE.PID",
      "Exit codes: 0 if everything was recorded",
      "deno run -P cli.ts record -- ",
    ]
  ) {
    assertStringIncludes(stdout, text);
  }
});
