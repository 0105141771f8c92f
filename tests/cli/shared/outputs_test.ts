import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { BASELINE_FOLDER, baselinePath } from "../../../src/lab/compare/baseline.ts";
import { compareFixture } from "../../report/compare_fixture.ts";
import { cli, FOLDER, mallocLabText, outcome } from "../helpers.ts";

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What each command that reads a file reads, and the options by which it could be told to write over it. */
const READERS: readonly { args: string[]; text: string; options: string[] }[] = [
  { args: ["trace", "info", "INPUT"], text: mallocLabText(8), options: ["--json", "--csv", "--markdown"] },
  { args: ["trace", "convert", "INPUT"], text: mallocLabText(8), options: ["--output"] },
  { args: ["trace", "cut", "INPUT", "-o", "-"], text: mallocLabText(8), options: ["--json"] },
  { args: ["trace", "anonymise", "INPUT"], text: mallocLabText(8), options: ["--output"] },
  { args: ["replay", "INPUT", "--quick"], text: mallocLabText(8), options: ["--json", "--csv", "--markdown"] },
  { args: ["inspect", "INPUT"], text: mallocLabText(8), options: ["--json", "--csv", "--markdown", "--html"] },
  { args: ["inspect", "deno.json", "--replay", "INPUT"], text: "{}", options: ["--json"] },
  { args: ["gate", "INPUT"], text: "{}", options: ["--json", "--csv", "--markdown"] },
  { args: ["report", "INPUT"], text: "{}", options: ["--json", "--output"] },
  { args: ["bench", "--quick", "--peer", "INPUT"], text: "no library", options: ["--json"] },
  { args: ["compare", "slab-map", "INPUT"], text: "no library", options: ["--json", "--html"] },
];

Deno.test("no command writes over what it reads, whatever the file is called", async (t) => {
  for (const { args, text, options } of READERS) {
    await t.step(args.join(" "), () =>
      withFolder(async (folder) => {
        const input = `${folder}/input.so`; // a library's path ends in .so
        await Deno.writeTextFile(input, text);
        await Deno.symlink("input.so", `${folder}/link`);
        await Deno.link(input, `${folder}/hard`);
        const command = args.map((arg) => arg === "INPUT" ? input : arg);
        const names = [input, `${folder}/../${folder.split("/").at(-1)}/input.so`, `${folder}/link`, `${folder}/hard`];
        for (const [index, option] of options.entries()) {
          const { code, stdout, stderr } = await cli([...command, option, names[index % names.length]!]);
          assertMatch(stderr, /: .* would be overwritten by what is made of it/, option);
          assertEquals([code, stdout], [3, ""], option);
        }
        assertEquals(await Deno.readTextFile(input), text);
      }));
  }
});

Deno.test("record writes over neither the program that it runs nor its own recording", () =>
  withFolder(async (folder) => {
    const program = `${folder}/program`, recording = `${folder}/recording`;
    await Deno.copyFile("/bin/ls", program);
    const before = await Deno.readFile(program);
    await Deno.symlink("program", `${folder}/link`);
    const overwritten = /: .*program would be overwritten by what is made of it/, same = /are the same file/;
    const lines: [string[], RegExp][] = [
      [["-o", program], overwritten],
      [["-o", `${folder}/link`], overwritten],
      [["-o", recording, "--json", program], overwritten],
      [["-o", recording, "--csv", recording], same],
    ];
    for (const [options, says] of lines) {
      const { code, stdout, stderr } = await cli(["record", ...options, "--", program]);
      assertMatch(stderr, says, options.join(" "));
      assertEquals([code, stdout], [3, ""], options.join(" "));
    }
    assertEquals(await Deno.readFile(program), before);
  }));

Deno.test("a baseline is an input of what compares with it, and an output of what saves it", () =>
  withFolder(async (folder) => {
    const name = `test-${crypto.randomUUID()}`, path = baselinePath(name), gate = `${folder}/gate.json`;
    const threshold = { name: "a", kind: "regression", workload: "hot-pair", baseline: name, most: 0.1 };
    await Deno.writeTextFile(gate, JSON.stringify({ thresholds: [threshold] }));
    await Deno.mkdir(BASELINE_FOLDER, { recursive: true });
    const overwritten = /: .* would be overwritten by what is made of it/;
    const lines: [string[], RegExp][] = [
      [["compare", "slab-map", "--baseline", name, "--json", path], overwritten],
      [["compare", "slab-map", "--baseline", name, "--save-baseline", name], overwritten],
      [["gate", gate, "--csv", path], overwritten],
      [["compare", "slab-map", "slab-map", "--save-baseline", name, "--json", path], /are the same file/],
    ];
    const text = JSON.stringify({ ...compareFixture().baseline!, name });
    try {
      await Deno.writeTextFile(path, text);
      for (const [args, says] of lines) {
        const { code, stdout, stderr } = await cli(args);
        assertMatch(stderr, says, args.join(" "));
        assertEquals([code, stdout], [3, ""], args.join(" "));
      }
      assertEquals(await Deno.readTextFile(path), text);
    } finally {
      await Deno.remove(path);
    }
  }));

Deno.test("two outputs cannot be one file", () =>
  withFolder(async (folder) => {
    await Deno.symlink("same", `${folder}/link`);
    for (const other of [`${folder}/same`, `${folder}/link`]) {
      const { code, stdout, stderr } = await cli(["flags", "--json", `${folder}/same`, "--csv", other]);
      assertMatch(stderr, /--json and --csv .* are the same file/);
      assertEquals([code, stdout], [3, ""]);
    }
    const null2 = await cli(["flags", "--json", "/dev/null", "--csv", "/dev/null"]);
    assertEquals([null2.code, null2.stderr], [0, ""]);
  }));

Deno.test("a result that nobody could see is refused before it is measured: stdout is closed, and there is no file", () =>
  withFolder(async (folder) => {
    const cli = `'${Deno.execPath()}' run --quiet -P cli.ts`;
    const lines = [
      `${cli} bench --rounds 1000 >&-; echo "$? bench" >&2`,
      `${cli} flags --json - >&-; echo "$? flags" >&2`,
      `${cli} flags --json '${folder}/flags.json' >&-; echo "$? file" >&2`,
      `${cli} flags > /dev/null; echo "$? null" >&2`,
      `${cli} bench --help >&-; echo "$? help" >&2`,
    ];
    const { stderr } = outcome(
      await new Deno.Command("bash", { args: ["-c", lines.join("\n")], cwd: FOLDER }).output(),
    );
    const says = "error: stdout is closed, so the result would go nowhere: give a file to ";
    assertEquals(stderr.split("\n"), [
      `${says}--json, --csv, --markdown, or to stdout`,
      "3 bench",
      `${says}--json, --csv, --markdown, or to stdout`,
      "3 flags",
      "0 file",
      "0 null",
      "error: stdout is closed",
      "3 help",
      "",
    ]);
    assertMatch(await Deno.readTextFile(`${folder}/flags.json`), /hakmem\.flags/);
  }));

Deno.test("a run that fails leaves an old file as it was, and no new one", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/old`, "old");
    const { code } = await cli(["trace", "info", "deno.json", "--json", `${folder}/old`, "--csv", `${folder}/new`]);
    assertEquals(code, 3);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["old"]);
    assertEquals(await Deno.readTextFile(`${folder}/old`), "old");
  }));

/** Runs the command line in a shell, after some of its commands. */
async function inShell(before: string, args: string, after = "") {
  const command = new Deno.Command("sh", {
    args: ["-c", `${before} exec "${Deno.execPath()}" run --quiet -P cli.ts ${args} ${after}`],
    cwd: FOLDER,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  });
  return outcome(await command.output());
}

Deno.test("what does not fit on the disk leaves the old file, is one line of error, and loses no other output", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/flags.json`, "old");
    // A limit of 3 KiB for files says no in the middle of a write, as a full disk does; the CSV fits.
    const { code, stdout, stderr } = await inShell(
      "trap '' XFSZ; ulimit -f 6;",
      `flags phase7 --json ${folder}/flags.json --csv ${folder}/flags.csv`,
    );
    assertEquals(code, 3);
    assertMatch(stderr, /^error: --json \S+ cannot be written: File too large \(os error 27\)\n$/);
    assertStringIncludes(stdout, "phase7");
    assertEquals(await Deno.readTextFile(`${folder}/flags.json`), "old");
    assertStringIncludes(await Deno.readTextFile(`${folder}/flags.csv`), "phase7");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).toSorted(), ["flags.csv", "flags.json"]);
  }));

Deno.test("a disk that is full for what a command keeps meanwhile is one line of error, too", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/input.rep`, mallocLabText(2000));
    const args = `replay ${folder}/input.rep --quick --peer system --json ${folder}/result.json`;
    const { code, stdout, stderr } = await inShell(`TMPDIR=${folder}; export TMPDIR; trap '' XFSZ; ulimit -f 4;`, args);
    assertEquals([code, stdout], [3, ""]);
    assertMatch(
      stderr,
      /^input.rep has 3,000 events, too few .*\nerror: File too large \(os error 27\): writefile '\S+'\n$/,
    );
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["input.rep"]);
  }));

Deno.test({
  name: "a stdout that cannot be written is one line of error, and loses no file",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withFolder(async (folder) => {
      const { code, stderr } = await inShell("", `flags --json ${folder}/flags.json`, "> /dev/full");
      assertEquals(code, 3);
      assertMatch(stderr, /^error: stdout cannot be written: No space left on device \(os error 28\)\n$/);
      assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/flags.json`)).schema, "hakmem.flags/1");
      const help = await inShell("", "--help", "> /dev/full");
      assertEquals([help.code, help.stderr.split("\n").length], [3, 2], help.stderr);
    }),
});
