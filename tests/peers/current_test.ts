import { assert, assertEquals, assertMatch } from "@std/assert";
import { CURRENT, CURRENT_AS_OF, standingOf } from "../../src/peers/current.ts";
import { NATIVE_LIBRARIES } from "../../src/peers/native.ts";

Deno.test("CURRENT has every native peer of the table, newest line first, and no release later than its date", () => {
  assertEquals(Object.keys(CURRENT), NATIVE_LIBRARIES.map(({ name }) => name));
  for (const [peer, lines] of Object.entries(CURRENT)) {
    assert(lines.length > 0, peer);
    for (const { version, released } of lines) {
      assertMatch(version, /^\d+(\.\d+)*$/);
      assertMatch(released, /^\d{4}-\d\d(-\d\d)?$/);
      assert(released <= CURRENT_AS_OF, `${peer} ${version}`);
    }
    const majors = lines.map(({ version }) => Number.parseInt(version));
    assertEquals(majors, majors.toSorted((a, b) => b - a));
  }
});

Deno.test("standingOf() compares part by part, and with the line that a version is of", () => {
  const [newest, second] = CURRENT["mimalloc"]!;
  const cases: [peer: string, version: string | undefined, standing: string][] = [
    ["mimalloc", newest!.version, "current"],
    ["mimalloc", "99.0.0", "current"], // newer than the table
    ["mimalloc", second!.version, "newest of its line"],
    ["mimalloc", "2.0.9", "behind"],
    ["mimalloc", "3.0.10", "behind"],
    ["tcmalloc", "2.9.1", "behind"], // 9 is less than 18
    ["tcmalloc", "2.10", "behind"],
    ["tcmalloc", "2.18.1-rc1", "current"],
    ["jemalloc", undefined, "unknown"],
    ["jemalloc", "dev", "unknown"],
    ["uint8array", "1.0", "unknown"],
  ];
  for (const [peer, version, standing] of cases) {
    assertEquals(standingOf(peer, version), standing, `${peer} ${version}`);
  }
});
