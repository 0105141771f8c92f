import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FLAGS, type Flags, VARIANTS } from "../../../src/heap/mod.ts";
import type { FlagsFile } from "../../../src/model/mod.ts";
import { cli } from "../helpers.ts";

Deno.test("flags shows every flag of the default variant with its value, origin and meaning", async () => {
  const { code, stdout, stderr } = await cli(["flags"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^slab-map, release build\n/);
  for (const [flag, value] of Object.entries(VARIANTS["slab-map"] as Flags)) {
    assertMatch(stdout, new RegExp(`^ ${flag} +${value} +slab-map `, "m"));
  }
  assertMatch(stdout, /^hot path of slab-map, bytes of bytecode: malloc \d+, free \d+$/m);
  for (const line of stdout.split("\n")) assert(line.length <= 100, line);
  assertEquals(stdout.includes("\x1b"), false);
});

Deno.test("flags says which values are overrides, and HAKMEM_VARIANT chooses the default", async () => {
  const { code, stdout } = await cli(["flags", "--json", "-"], { HAKMEM_VARIANT: "phase7,refill=32" });
  assertEquals(code, 0);
  const { schema, build, variants, differences } = JSON.parse(stdout) as FlagsFile;
  assertEquals([schema, build, differences, variants.length], ["hakmem.flags/1", "release", [], 1]);
  assertEquals(variants[0]?.name, "phase7,refill=32");
  assertEquals(variants[0]?.flags.map(({ flag }) => flag), Object.keys(FLAGS));
  for (const { flag, value, from, meaning } of variants[0]?.flags ?? []) {
    const isOverride = flag === "refill";
    assertEquals([value, from], isOverride ? [32, "override"] : [VARIANTS["phase7"]?.[flag as keyof Flags], "phase7"]);
    assertEquals(meaning, FLAGS[flag as keyof Flags].meaning);
  }
});

Deno.test("flags shows of two variants what differs, or that nothing does", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const json = `${folder}/flags.json`;
    const { code, stdout } = await cli(["flags", "slab-map", "slab-map,refill=32,capacity=100", "--json", json]);
    assertEquals(code, 0);
    assertMatch(stdout, /^slab-map and slab-map,refill=32,capacity=100, release builds: 2 of \d+ flags differ\n/);
    assertMatch(stdout, /^ capacity +512 +100 +blocks/m);
    assertMatch(stdout, /^ refill +64 +32 +blocks/m);
    assertEquals(stdout.includes(" header "), false);
    const { differences } = JSON.parse(await Deno.readTextFile(json)) as FlagsFile;
    assertStringIncludes(stdout, "hot path of slab-map,refill=32,capacity=100, bytes of bytecode: malloc ");
    assertEquals(differences.map(({ flag, a, b }) => [flag, a, b]), [["capacity", 512, 100], ["refill", 64, 32]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const same = await cli(["flags", "phase7", "phase7"]);
  assertEquals([same.code, same.stdout], [0, "phase7 and phase7, release builds: no difference\n"]);
});

Deno.test("flags --build debug shows a debug build, or passes on that there is none", async () => {
  const { code, stdout, stderr } = await cli(["flags", "phase7", "--build", "debug"]);
  if (code === 0) assertMatch(stdout, /^phase7, debug build\n/);
  else {
    assertEquals([code, stdout], [3, ""]);
    assertStringIncludes(stderr, "build");
    assertEquals(stderr.includes("    at "), false, stderr);
  }
});
