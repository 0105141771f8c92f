import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { libraryOf } from "../../../src/peers/find.ts";
import { CURRENT, CURRENT_AS_OF, standingOf } from "../../../src/peers/current.ts";
import { PEERS } from "../../../src/peers/mod.ts";
import { NATIVE_LIBRARIES } from "../../../src/peers/native.ts";
import { PeersFileSchema, readChecked, ResultFileSchema } from "../../../src/model/mod.ts";
import { CAN_PRELOAD, compile, mimalloc, ONLY_FREE, WHOLE } from "../../peers/libraries.ts";
import { cli, SHORT } from "../helpers.ts";

Deno.test("peers lists every peer, whether it is here, and what would bring it", async () => {
  const { code, stdout, stderr } = await cli(["peers"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, new RegExp(`^\\d+ of ${PEERS.length} peers can be measured here`));
  assertStringIncludes(stdout, `\nas of ${CURRENT_AS_OF}: `);
  for (const line of stdout.split("\n")) assert(line.length <= 100 || line.includes("/"), line); // paths may be longer
  for (const { name, runtime } of PEERS) assertMatch(stdout, new RegExp(`^ (ok)? +${name} +${runtime} `, "m"));
  for (const native of NATIVE_LIBRARIES) {
    const library = libraryOf(native);
    if (library === undefined) {
      assertMatch(stdout, new RegExp(`^${native.name}: (apt-get install|build it from) `, "m"));
    } else assertStringIncludes(stdout, `\n${native.name}: ${library}\n`);
  }
  assertEquals(stdout.includes("\x1b"), false);
});

Deno.test("peers --json says for each peer what serves it, its version and its package", async () => {
  const { code, stdout } = await cli(["peers", "--json", "-"]);
  assertEquals(code, 0);
  const { peers, command } = readChecked(PeersFileSchema, stdout);
  assertEquals([peers.map(({ name }) => name), command.at(-1)], [PEERS.map(({ name }) => name), "-"]);
  const peer = (name: string) => peers.find((each) => each.name === name)!;
  assertEquals([peer("thi.ng").available, peer("thi.ng").package], [true, "npm:@thi.ng/malloc"]);
  assertMatch(peer("codemix").version ?? "", /^\d+\.\d+\.\d+$/);
  assertEquals(peer("mimalloc").package, "libmimalloc2.0");
  assertEquals(peer("rpmalloc").package, undefined);
  for (const { name, current } of peers.filter(({ available, runtime }) => available && runtime === "native")) {
    assertEquals(current?.[0]?.version, CURRENT[name]?.[0]?.version);
    assertEquals(peer(name).standing, current === undefined ? undefined : standingOf(name, peer(name).version));
  }
  for (const { available, library, problem, runtime } of peers) {
    assertEquals(problem === undefined, available);
    if (available) assertEquals(library !== undefined, runtime === "native");
  }
});

Deno.test("peers says that native peers need a compiler where there is none, and lists the others", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stdout } = await cli(["peers"], { PATH: folder });
    assertEquals(code, 0);
    assertMatch(stdout, /^ ok +ffi /m);
    assertMatch(stdout, /^system: no C compiler/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("peers has its table as CSV and as Markdown", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stdout } = await cli(["peers", "--csv", `${folder}/peers.csv`, "--markdown", "-"]);
    assertEquals(code, 0);
    assertMatch(stdout, /^\*\*\d+ of \d+ peers can be measured here.*\*\*\n\n\| {2}\| peer \|/);
    const csv = await Deno.readTextFile(`${folder}/peers.csv`);
    assertEquals(csv.trimEnd().split("\n").length, 1 + PEERS.length);
    assertMatch(
      csv,
      /^name,runtime,available,version,package,library,problem,description,current,standing\nsystem,native,/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: CAN_PRELOAD
    ? "bench --peer takes the path of a library, and results say what served"
    : "bench --peer takes the path of a library (skipped: needs Linux and a C compiler)",
  ignore: !CAN_PRELOAD,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = (await compile(folder, "libwhole.so", WHOLE))!;
      const json = `${folder}/result.json`;
      const args = ["bench", "hot-pair", ...SHORT, "--cycles", "200", "--peer", `system,${path}`, "--json", json];
      const { code, stdout, stderr } = await cli(args);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stdout, `\ntcmalloc 9.8 of a test (${await Deno.realPath(path)})\n`);
      const { results } = readChecked(ResultFileSchema, await Deno.readTextFile(json));
      const whole = results.find(({ allocator }) => allocator === "libwhole.so");
      assertEquals([whole?.library, whole?.libraryVersion], [await Deno.realPath(path), "9.8 of a test"]);
      assert(results.find(({ allocator }) => allocator === "system")?.library !== undefined);
      assertEquals(results.filter(({ host }) => host === "deno").every(({ library }) => library === undefined), true);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: CAN_PRELOAD
    ? "bench has two versions of one allocator side by side, under names of their own"
    : "bench has two versions side by side (skipped: needs Linux and a C compiler)",
  ignore: !CAN_PRELOAD,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const paths = await Promise.all([["a", 30403], ["b", 209]].map(async ([name, version]) => {
        await Deno.mkdir(`${folder}/${name}`);
        return (await compile(`${folder}/${name}`, "libmimalloc.so", mimalloc(Number(version))))!;
      }));
      const [json, csv, markdown] = ["result.json", "result.csv", "result.md"].map((name) => `${folder}/${name}`);
      const outputs = ["--json", json!, "--csv", csv!, "--markdown", markdown!];
      const args = ["bench", "hot-pair", ...SHORT, "--cycles", "200", "--peer", `system,${paths.join(",")}`];
      const { code, stdout, stderr } = await cli([...args, ...outputs]);
      assertEquals(code, 0, stderr);
      for (const name of ["mimalloc 3.4.3", "mimalloc 2.0.9"]) {
        assertStringIncludes(stdout.split("\n")[0]!, ` ${name}`); // also where the ratio is not known
        assertMatch(stdout, new RegExp(`^ .* ${name} +[\\d.]`, "m")); // the table
        assertStringIncludes(await Deno.readTextFile(markdown!), `| ${name} |`);
      }
      const { results } = readChecked(ResultFileSchema, await Deno.readTextFile(json!));
      const named = results.filter(({ label }) => label?.startsWith("mimalloc"));
      assertEquals(named.map(({ allocator, label }) => [allocator, label]), [
        [paths[0], "mimalloc 3.4.3"],
        [paths[1], "mimalloc 2.0.9"],
      ]);
      for (const path of paths) assertStringIncludes(await Deno.readTextFile(csv!), `,${path},`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: CAN_PRELOAD
    ? "a library that cannot serve is an error of one line, with exit code 3 and no file left"
    : "a library that cannot serve is an error (skipped: needs Linux and a C compiler)",
  ignore: !CAN_PRELOAD,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      await compile(folder, "libfree.so", ONLY_FREE);
      await Deno.writeTextFile(`${folder}/text.so`, "no library");
      const cases: [name: string, says: RegExp][] = [
        ["libfree.so", /^error: contestant libfree.so would be measured with another allocator: its malloc is that of/],
        ["text.so", /^error: .*text\.so is not a shared library: it does not begin as an ELF file does\n$/],
        ["none.so", /^error: .*none\.so does not exist\n$/],
      ];
      for (const [name, says] of cases) {
        const commands = [
          ["bench", ...SHORT, "--peer", `${folder}/${name}`, "--json", `${folder}/out.json`],
          ["compare", "system", `${folder}/${name}`, "--quick", "--json", `${folder}/out.json`],
        ];
        for (const args of commands) {
          const { code, stdout, stderr } = await cli(args);
          assertMatch(stderr, says);
          assertEquals([code, stdout], [3, ""]);
        }
      }
      assertEquals(Array.from(Deno.readDirSync(folder)).some(({ name }) => name === "out.json"), false);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("peers --help has an example", async () => {
  const { code, stdout } = await cli(["peers", "--help"]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "deno run -P cli.ts peers --json peers.json");
  for (const line of stdout.split("\n")) assert(line.length <= 100, line);
});
