import { assert, assertEquals, assertMatch } from "@std/assert";
import { cli } from "./helpers.ts";

Deno.test("the help of every command lists its exit codes, and has an example", async () => {
  const { stdout } = await cli(["--help"]);
  const names = [...stdout.matchAll(/^ {2}([a-z]+)(?: \[options\]| <| \[| {2})/gm)].map(([, name]) => name!)
    .filter((name) => name !== "help");
  assert(names.includes("bench") && names.includes("completion") && names.length >= 15, names.join());
  const helps = await Promise.all(names.map((name) => cli([name, "--help"])));
  for (const [index, { code, stdout }] of helps.entries()) {
    assertEquals(code, 0, names[index]);
    assertMatch(stdout, /\bExit codes: 0 /, names[index]);
    assertMatch(stdout.slice(stdout.indexOf("Exit codes:")), /\b3\b/, names[index]);
    assertMatch(stdout, /deno run -P cli\.ts /, names[index]);
  }
});
