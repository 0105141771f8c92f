/** `history` as a user runs it, on a repository with a heap of some lines, one of whose commits made it many times slower. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { HistoryFileSchema, readChecked } from "../../../src/model/mod.ts";
import { SLOW, TinyTree } from "../../lab/history/tiny_tree.ts";
import { assertNarrow } from "../../report/fits.ts";
import { cli } from "../helpers.ts";

/** A round takes a tenth of a second. */
const LITTLE = ["--quick", "--size", "128", "--cycles", "2000", "--working-set", "256"];

Deno.test("history names the commit that made it slower, keeps what it measured, and steps over what does not run", async () => {
  await using tree = await TinyTree.make();
  const { folder } = tree;
  await tree.words("words");
  const slow = await tree.spins("malloc spins", SLOW);
  await tree.words("more words");
  await tree.write("mod.ts", "export const = 1;\n");
  const broken = await tree.commit("does not load");
  const files = ["--json", `${folder}/h.json`, "--html", `${folder}/h.html`, "--markdown", `${folder}/h.md`];
  const args = ["history", "--tree", folder, ...LITTLE, "--state", `${folder}/state.json`];
  const { code, stdout, stderr } = await cli([...args, ...files], { HAKMEM_CACHE: `${folder}/cache` });
  const file = readChecked(HistoryFileSchema, await Deno.readTextFile(`${folder}/h.json`));
  const { commits, comparisons, changes, warnings } = file;
  assertEquals(commits.map(({ subject, source }) => [subject, source]), [
    ["first", 0],
    ["words", 0],
    ["malloc spins", 1],
    ["more words", 1],
    ["does not load", 2],
  ]);
  assertEquals([commits[2]?.hash, commits[4]?.hash], [slow, broken]);
  assertMatch(commits[4]!.skipped!, /SyntaxError|could not be parsed|Expected|failed|cannot start/);
  // It takes many times as long, and that is seen on any machine, though no verdict where it is disturbed.
  assertEquals(comparisons.map(({ a, b, purpose, kept }) => [a, b, purpose, kept]), [[0, 2, "ends", false]]);
  const [row] = comparisons[0]!.rows;
  assert(row!.high < 0.7, JSON.stringify(row));
  const isDisturbed = warnings.some(({ code }) => code === "DISTURBED");
  assertEquals(changes, [{
    verdict: isDisturbed ? "inconclusive" : "regression",
    certainty: isDisturbed ? "undecided" : "commit",
    from: 0,
    to: 2,
    comparison: 0,
  }]);
  assertEquals(code, isDisturbed ? 2 : 1, stderr);
  const name = slow.slice(0, 9);
  assertMatch(
    stdout,
    new RegExp(isDisturbed ? `^inconclusive: whether ${name} ` : `^REGRESSION: ${name} "malloc spins" is slower than `),
  );
  assertNarrow(stdout);
  assertStringIncludes(stderr, `${name} against ${commits[0]!.hash.slice(0, 9)}: `);
  assertMatch(await Deno.readTextFile(`${folder}/h.html`), /^<!doctype html>[^]*malloc spins/i);
  assertStringIncludes(await Deno.readTextFile(`${folder}/h.md`), "malloc spins");
  if (isDisturbed) return; // then it is measured again
  const again = await cli([...args, "--csv", "-"]);
  assertEquals([again.code, again.stdout.trim().split("\n").length], [1, 2], again.stderr);
  assertStringIncludes(again.stderr, "(kept)");
});

Deno.test("history without a difference of what is measured compares nothing, and says so", async () => {
  await using tree = await TinyTree.make();
  await tree.words("words");
  const { code, stdout } = await cli(["history", "--tree", tree.folder, ...LITTLE, "--state", `${tree.folder}/s.json`]);
  assertMatch(stdout, /^equivalent: nothing that is measured differs between \w{9} and \w{9}\n/);
  assertEquals(code, 0);
});

for (
  const [args, message] of [
    [["--since", "no-such"], "--since no-such is not a revision of"],
    [["--since", "HEAD", "--until", "HEAD~1"], "HEAD~1 does not follow from HEAD"],
    [["--skip", "no-such"], "no-such is not a commit of the range"],
    [["--state", "-"], "--state - is not allowed"],
    [["--state", "deno.json"], "deno.json is not what a history keeps"],
    [["--state", "/no/such/folder/x.json"], "cannot be kept in /no/such/folder/x.json"],
    [["--tree", "/no/such/folder"], "the folder /no/such/folder does not exist"],
    [["--every", "0"], "--every 0 is not allowed"],
    [["--trace", "deno.json", "--size", "128"], "--size means nothing to a trace"],
    [["--trace", "/no/such/file"], "/no/such/file"],
    [["--trace", "-"], "--trace - is not a file"],
    [["--trace", "/dev/null"], "--trace /dev/null is not a file"],
    [["--workload", "xmalloc-test", "--threads", "3"], "--threads 3 is not allowed in xmalloc-test"],
    [["--json", "/no/such/folder/x.json"], "its folder must exist"],
    [["HEAD~1"], "too many arguments"],
  ] as const
) {
  Deno.test(`history ${args.join(" ")} is an error that says why`, async () => {
    const { code, stdout, stderr } = await cli(["history", ...args]);
    assertEquals([code, stdout], [3, ""], stderr);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.includes("    at "), false, stderr);
  });
}
