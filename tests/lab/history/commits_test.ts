import { assertEquals, assertRejects } from "@std/assert";
import { InvalidOptionError } from "../../../src/heap/mod.ts";
import { hashesIn, readRange } from "../../../src/lab/history/commits.ts";
import { SLOW, TinyTree } from "./tiny_tree.ts";

Deno.test("readRange() gives commits of first parents, the oldest first, and which have the same source", async () => {
  await using tree = await TinyTree.make();
  await tree.words('words | with "signs", \u00e9 and 100 %');
  await tree.git("checkout", "--quiet", "-b", "side");
  await tree.spins("on a branch", SLOW);
  await tree.git("checkout", "--quiet", "main");
  await tree.write("src/heap/PAGE.md", "a page");
  const page = await tree.commit("a page of the heap");
  await tree.git("merge", "--quiet", "--no-ff", "--message", "merged", "side");
  await tree.git("revert", "--no-edit", "-m", "1", "HEAD");
  const { commits, notes } = await readRange(tree.folder, undefined, "HEAD");
  assertEquals(commits.map(({ subject, source, parents }) => [subject, source, parents]), [
    ["first", 0, 0],
    ['words | with "signs", \u00e9 and 100 %', 0, 1],
    ["a page of the heap", 0, 1],
    ["merged", 1, 2],
    ['Revert "merged"', 0, 1],
  ]);
  const { hash, author, date } = commits[2]!;
  assertEquals([hash, author, Date.parse(date)], [page, "A. Author", Date.parse("2026-01-02T03:04:05Z")]);
  assertEquals(notes, []);
  const some = await readRange(tree.folder, page.slice(0, 10), "HEAD~1");
  assertEquals(some.commits.map(({ subject }) => subject), ["a page of the heap", "merged"]);
  assertEquals(await hashesIn(some, ["HEAD~1", " "]), [some.commits[1]!.hash]);
  await assertRejects(() => hashesIn(some, ["side"]), InvalidOptionError, "side is not a commit of the range");
});

Deno.test("readRange() goes back 30 commits if nobody says how far, and to the beginning of a shallow clone", async () => {
  await using tree = await TinyTree.make();
  for (let count = 0; count < 33; count++) await tree.words(`words ${count}`);
  const { commits } = await readRange(tree.folder, undefined, "HEAD");
  assertEquals([commits.length, commits[0]?.subject, commits.at(-1)?.subject], [31, "words 2", "words 32"]);
  await tree.git("clone", "--quiet", "--depth", "3", `file://${tree.folder}`, `${tree.folder}/shallow`);
  const shallow = await readRange(`${tree.folder}/shallow`, undefined, "HEAD");
  assertEquals([shallow.commits.length, shallow.notes], [3, [
    `the clone is shallow, and begins at ${commits[28]!.hash}`,
  ]]);
  await assertRejects(
    () => readRange(`${tree.folder}/shallow`, commits[0]!.hash, "HEAD"),
    InvalidOptionError,
    "git fetch --unshallow",
  );
});

Deno.test("readRange() refuses what is not a range, and says why", async () => {
  await using tree = await TinyTree.make();
  await tree.words("words");
  const other = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    const cases: [folder: string, since: string | undefined, until: string, says: string][] = [
      [tree.folder, "no-such", "HEAD", "--since no-such is not a revision of"],
      [tree.folder, "--all", "HEAD", "--since --all is not a revision of"],
      [tree.folder, undefined, "HEAD~7", "--until HEAD~7 is not a revision of"],
      [tree.folder, "HEAD", "HEAD~1", "HEAD~1 does not follow from HEAD"],
      [other, undefined, "HEAD", "is in none"],
      [`${other}/no-such`, undefined, "HEAD", "does not exist"],
    ];
    for (const [folder, since, until, says] of cases) {
      await assertRejects(() => readRange(folder, since, until), InvalidOptionError, says);
    }
  } finally {
    await Deno.remove(other, { recursive: true });
  }
});
