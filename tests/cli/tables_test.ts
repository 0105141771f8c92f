import { assertEquals, assertMatch } from "@std/assert";
import { cli } from "./helpers.ts";

/** The commands that print tables without measuring much, and how their CSV and Markdown begin. */
const COMMANDS: readonly [args: string[], csv: RegExp, markdown: RegExp][] = [
  [["flags", "phase7"], /^variant,build,flag,/, /^\*\*phase7, release build\*\*\n\n\| flag \|/],
  [["micro", "--quick"], /^kind,name,ns,/, /^\*\*malloc and free of .* take .*\*\*\n\n\| stage \|/],
  [["stress", "--seconds", "1", "--seed", "1"], /^variant,build,seed,/, /^\*\*nothing failed; .*\*\*\n\n\| result \|/],
];

Deno.test("every table can be had as CSV and as Markdown, in one run, one of them on stdout", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [args, csv, markdown] of COMMANDS) {
      const path = `${folder}/${args[0]}.csv`;
      const { code, stdout } = await cli([...args, "--csv", path, "--markdown", "-"]);
      assertEquals(code, 0);
      assertMatch(stdout, markdown);
      assertMatch(await Deno.readTextFile(path), csv);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
