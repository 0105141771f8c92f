import { assert, assertEquals, assertMatch } from "@std/assert";
import { cli } from "./helpers.ts";

/** The commands that a help lists. */
async function listed(args: string[]): Promise<string[]> {
  const { stdout } = await cli([...args, "--help"]);
  const [, commands = ""] = stdout.split("\nCommands:\n");
  return [...commands.split("\n\n")[0]!.matchAll(/^ {2}([a-z]+)(?: \[options\]| <| \[| {2})/gm)]
    .map(([, name]) => name!).filter((name) => name !== "help");
}

Deno.test("the help of every command lists its exit codes, and has an example", async () => {
  const first = await listed([]), actions = await listed(["trace"]);
  const names = [...first.map((name) => [name]), ...actions.map((name) => ["trace", name])];
  assert(first.includes("bench") && first.includes("completion") && first.length >= 15, first.join());
  assert(actions.includes("info"), actions.join());
  const helps = await Promise.all(names.map((name) => cli([...name, "--help"])));
  for (const [index, { code, stdout }] of helps.entries()) {
    assertEquals(code, 0, names[index]!.join(" "));
    assertMatch(stdout, /\bExit codes: 0 /, names[index]!.join(" "));
    assertMatch(stdout.slice(stdout.indexOf("Exit codes:")), /\b3\b/, names[index]!.join(" "));
    assertMatch(stdout, /deno run -P cli\.ts /, names[index]!.join(" "));
  }
});

Deno.test("lists in a help have one second column, whatever the longest name is", async () => {
  const blocks: [args: string[], head: string][] = [
    [["bench"], "Workloads:"],
    [["bench"], "Peers; "],
    [["replay"], "formats, also as .zip, .gz and .zst:"],
    [["trace"], "The formats that are read"],
    [["trace", "flame"], "Values:"],
    [["stress"], "equal shares of the time:"],
  ];
  for (const [args, head] of blocks) {
    const { stdout } = await cli([...args, "--help"]);
    const [, after = ""] = stdout.split(head, 2);
    const lines = after.split("\n").slice(1);
    const list = lines.slice(0, lines.findIndex((line) => !line.startsWith("  ")));
    const columns = new Set(list.map((line) => /^ {2}(?:[* ] )?\S.*? {2,}/.exec(line)?.[0].length));
    assert(list.length > 2 && columns.size === 1 && !columns.has(undefined), `${args.join(" ")}: ${after}`);
  }
});
