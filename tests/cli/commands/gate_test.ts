import { assert, assertEquals, assertMatch } from "@std/assert";
import { GateFileSchema, readChecked } from "../../../src/model/mod.ts";
import { CAN_PRELOAD, compile, WHOLE } from "../../peers/libraries.ts";
import { assertNarrow } from "../../report/fits.ts";
import { cli } from "../helpers.ts";

const FAST = { name: "fast frees", kind: "fast-free-share", workload: "random-mixed", sizes: [128], least: 0.9 };
const FIT = { name: "memory", kind: "footprint", workload: "random-mixed", sizes: [128], most: 100 };
const TIMED = {
  name: "times the garbage collector",
  kind: "ratio",
  workload: "hot-pair",
  sizes: [128],
  peer: "uint8array",
  least: 0.001,
  parameters: { cycles: 5000 },
};

/** Runs `gate` on a file with these thresholds. */
function gate(thresholds: unknown, ...options: string[]) {
  return gateWith(thresholds, options);
}

async function gateWith(thresholds: unknown, options: string[], env: Record<string, string> = {}) {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, typeof thresholds === "string" ? thresholds : JSON.stringify({ thresholds }));
    return { path, ...await cli(["gate", path, ...options], env) };
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("gate exits with 0 and GO where all hold", async () => {
  const { code, stdout } = await gate([FAST, TIMED, FIT], "--quick");
  assertMatch(stdout, /^GO: 3 of 3 thresholds hold\n/);
  assertEquals(code, 0);
  assertNarrow(stdout);
});

Deno.test("gate exits with 1 for a no-go, and --json is the public file", async () => {
  const { code, stdout, path } = await gate([{ ...FAST, variant: "phase7-macro-bug" }, FIT], "--json", "-");
  assertEquals(code, 1);
  const { rows, verdict, quick, gate: name, command } = readChecked(GateFileSchema, stdout);
  assertEquals([verdict, quick, name], ["no-go", false, path]);
  assertEquals(rows.map(({ name, measured, threshold, verdict }) => [name, measured, threshold, verdict]), [
    ["fast frees", 0, 0.9, "no-go"],
    ["memory", rows[1]?.measured, 100, "go"],
  ]);
  assertEquals(command.slice(0, 6), ["deno", "run", "-P", "cli.ts", "gate", path]);
});

Deno.test("gate exits with 2 for what is undecided, and writes Markdown and CSV", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const empty = { ...FIT, name: "no memory", workload: "hot-pair" };
    const files = ["--markdown", `${folder}/gate.md`, "--csv", `${folder}/gate.csv`];
    const { code, stdout } = await gate([FIT, empty], ...files);
    assertMatch(stdout, /^UNDECIDED: 1 of 2 thresholds is undecided; the first: no memory at 128, nothing is live/);
    assertEquals(code, 2);
    assertMatch(await Deno.readTextFile(`${folder}/gate.md`), /\| GO \| memory \| 128 \| 1 \|/);
    assertMatch(await Deno.readTextFile(`${folder}/gate.csv`), /^name,kind,.*\nmemory,footprint,random-mixed,128,1,/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("gate leaves undecided what a peer is missing for, and says why", async () => {
  const folder = await Deno.makeTempDir(); // no compiler is there
  try {
    const env = { PATH: folder, HAKMEM_CACHE: `${folder}/cache` };
    const { code, stdout } = await gateWith([{ ...TIMED, peer: "system" }], ["--quick"], env);
    assertMatch(stdout, /^UNDECIDED: 1 of 1 .*system was not measured\n/);
    assertMatch(stdout, /native peers are left out .*no C compiler/);
    assertEquals(code, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("gate exits with 3 for a file that is missing or damaged, and names the first wrong field", async () => {
  const cases: [thresholds: unknown, says: RegExp][] = [
    ["{", /is not JSON/],
    [[{ ...FAST, leest: 1 }], /is not a gate file: thresholds\.0\.leest: /],
    [[{ ...FAST, sizes: [100] }], /thresholds\.0 \(fast frees\): --size 100 is not allowed: .*power of two/],
    [
      [{ ...TIMED, workload: "xmalloc-test", sizes: undefined, parameters: {}, threads: 3 }],
      /thresholds\.0 \(times the garbage collector\): --threads 3 is not allowed in xmalloc-test: as many/,
    ],
    [
      [{ name: "own", kind: "sharing", workload: "larson", threads: 2, least: 1 }],
      /thresholds\.0 \(own\): --own-heaps means nothing to larson/,
    ],
    [[FAST, FIT, FAST], /thresholds: two are called "fast frees": rows are told apart by their names/],
    [[{ ...FAST, parameters: { chunks: 9 } }], /thresholds\.0 \(fast frees\): --chunks means nothing to random-mixed/],
  ];
  for (const [thresholds, says] of cases) {
    const { code, stdout, stderr, path } = await gate(thresholds);
    assertEquals([code, stdout], [3, ""]);
    assert(stderr.includes(path), stderr);
    assertMatch(stderr, says);
    assertEquals(stderr.includes("    at "), false, stderr);
  }
  const missing = await cli(["gate", "/no/such/file.json"]);
  assertEquals([missing.code, missing.stdout], [3, ""]);
  assertMatch(missing.stderr, /\/no\/such\/file\.json cannot be read/);
  const none = await cli(["gate"]);
  assertEquals(none.code, 3);
});

Deno.test("gate --help has an example", async () => {
  const { code, stdout } = await cli(["gate", "--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /deno run -P cli\.ts gate bench\/gates\/performance\.json\n/);
});

Deno.test({
  name: CAN_PRELOAD
    ? "gate takes the path of a library as a peer, relative to its file"
    : "gate takes the path of a library (skipped: needs Linux and a C compiler)",
  ignore: !CAN_PRELOAD,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const peer = (await compile(folder, "libwhole.so", WHOLE))!;
      const [whole, beside] = [peer, "./libwhole.so"].map((peer, index) => (
        { ...TIMED, name: String(index), parameters: { cycles: 200 }, peer }
      ));
      const file = `${folder}/gate.json`;
      await Deno.writeTextFile(file, JSON.stringify({ thresholds: [whole, beside] }));
      const { code, stdout } = await cli(["gate", file, "--quick", "--json", `${folder}/result.json`]);
      const { rows } = readChecked(GateFileSchema, await Deno.readTextFile(`${folder}/result.json`));
      assertEquals(rows.map(({ name }) => name), ["0", "1"]);
      // It was measured, too, where so short a run was disturbed, and nothing is left without the loops.
      const unknown = rows.filter(({ verdict }) => verdict !== "go");
      for (const { because } of unknown) assertMatch(because, /^the loops differ, .* with \S+\/libwhole\.so$/);
      assertMatch(stdout, unknown.length === 0 ? /^GO: 2 of 2 thresholds hold\n/ : /^UNDECIDED: /);
      assertEquals(code, unknown.length === 0 ? 0 : 2);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("gate finds out that a peer is not there before it measures, and exits with 3", async () => {
  const { code, stdout, stderr } = await gate([FIT, { ...TIMED, peer: "./none.so" }], "--quick");
  assertMatch(stderr, /^error: \/.*\/none\.so does not exist\n$/);
  assertEquals([code, stdout], [3, ""]);
});

Deno.test("gate --github annotates the lines of thresholds, and adds to the summary of the step", async () => {
  const folder = await Deno.makeTempDir(), summary = `${folder}/summary.md`;
  try {
    await Deno.writeTextFile(summary, "What another step said.\n");
    const env = { GITHUB_STEP_SUMMARY: summary, GITHUB_WORKSPACE: folder };
    const empty = { ...FIT, name: "no: memory", workload: "hot-pair" };
    const thresholds = { thresholds: [FIT, { ...FAST, variant: "phase7-macro-bug" }, empty] };
    await Deno.mkdir(`${folder}/gates`);
    await Deno.writeTextFile(`${folder}/gates/gate.json`, JSON.stringify(thresholds, null, 2));
    const { code, stdout } = await cli(["gate", `${folder}/gates/gate.json`, "--github"], env);
    assertEquals(code, 1);
    assertMatch(stdout, /^NO-GO: 1 of 3 thresholds fails, 1 undecided; /);
    assertEquals(stdout.split("\n").filter((line) => line.startsWith("::")), [
      "::error file=gates/gate.json,line=13,title=NO-GO%3A fast frees::" +
      "random-mixed 128: 0.0 %25, at least 90.0 %25; counted: 0 of 25012 frees",
      "::warning file=gates/gate.json,line=23,title=UNDECIDED%3A no%3A memory::" +
      "hot-pair 128: nothing is live at the end of a unit",
    ]);
    const text = await Deno.readTextFile(summary);
    assertMatch(text, /^What another step said\.\n### gate \S+gate\.json\n\n\*\*NO-GO: /);
    assertMatch(text, /\| NO-GO \| fast frees \| 128 \|/);
    await Deno.writeTextFile(`${folder}/gates/gate.json`, "{");
    const damaged = await cli(["gate", `${folder}/gates/gate.json`, "--github"], env);
    assertEquals(damaged.code, 3);
    assertMatch(damaged.stdout, /^::error file=gates\/gate\.json,title=the gate was not measured::\S+ is not JSON/);
    assertMatch(damaged.stderr, /^error: \S+ is not JSON/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("gate --github without a summary to add to only annotates, and needs stdout for itself", async () => {
  const { code, stdout } = await gate([FIT], "--github");
  assertMatch(stdout, /^GO: 1 of 1 threshold holds\n/);
  assertEquals([code, stdout.includes("::")], [0, false]);
  const taken = await gate([FIT], "--github", "--json", "-");
  assertEquals([taken.code, taken.stdout], [3, ""]);
  assertMatch(taken.stderr, /--github writes to stdout: give every other output a file, not -/);
  const unwritable = await gateWith([FIT], ["--github"], { GITHUB_STEP_SUMMARY: "/no/such/folder/summary.md" });
  assertEquals(unwritable.code, 3);
  assertMatch(unwritable.stderr, /GITHUB_STEP_SUMMARY \/no\/such\/folder\/summary\.md cannot be written/);
});
