import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { FileValueError, type HistoryFile, HistoryFileSchema, readChecked } from "../../src/model/mod.ts";
import { describedChanges, historyHeadline, renderHistory, renderHistoryMarkdown } from "../../src/report/history.ts";
import { intervalLines } from "../../src/report/tables/interval_lines.ts";
import { PLAIN } from "../../src/report/mod.ts";
import { historyFixture } from "./history_fixture.ts";

Deno.test("renderHistory() begins with the commit that made it slower, and has a line for each commit of the curve", () => {
  const text = renderHistory(historyFixture());
  const [first] = text.split("\n");
  assertMatch(
    first!,
    /^REGRESSION: 012d4f710 "commit 10" is slower than the commit before it; throughput -11\.4 % to -7\.2 % in random-mixed, 2 sizes, and 1 other change; 1 range undecided$/,
  );
  for (const columns of [60, 80, 120]) {
    const narrow = renderHistory(historyFixture(), { ...PLAIN, columns, isTerminal: true });
    assertEquals(narrow.split("\n").filter((line) => line.length > columns), [], String(columns));
  }
  assertEquals(text.split("\n").filter((line) => line.includes("●")).length, 2 * historyFixture().curve.length);
  assertStringIncludes(text, "noisy: load 2 on 2 cores");
  assertStringIncludes(
    text,
    "012d4f710 is a merge: history --since 012d4f710^1 --until 012d4f710^2 looks into its branch.",
  );
  assertStringIncludes(text.replaceAll("\n", " "), "2 commits left out (");
  assertStringIncludes(text.replaceAll("\n", " "), "10 comparisons, 4 of them kept from an earlier run in /home/a/");
});

Deno.test("describedChanges() lists the commits that may have made a change", () => {
  const numbers = ({ subject }: { subject: string }) => Number(/\d+/.exec(subject)![0]);
  assertEquals(describedChanges(historyFixture()).map(({ candidates }) => candidates.map(numbers)), [
    [10],
    [25, 26, 27],
    [28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40],
  ]);
});

Deno.test("historyHeadline() says what is known of each kind of change", () => {
  const file = historyFixture(), [, range, undecided] = file.changes;
  const headlineWith = (changes: HistoryFile["changes"], more: Partial<HistoryFile> = {}) =>
    historyHeadline({ ...file, verdict: changes[0]?.verdict ?? "equivalent", changes, ...more });
  assertMatch(
    headlineWith([range!]),
    /^improvement: one or more of 3 commits from \w+ to \w+ are faster; throughput \+/,
  );
  assertMatch(
    headlineWith([{ ...range!, certainty: "gradual" }]),
    /^improvement: 3 commits up to .* are faster together, /,
  );
  assertMatch(headlineWith([{ ...range!, from: 26 }]), /^improvement: probably \w+ "Commit 27 .*…" is faster; /);
  assertMatch(headlineWith([undecided!]), /^inconclusive: whether \w+ is as fast as \w+; throughput /);
  assertMatch(headlineWith([]), /^equivalent: \w+ is as fast as \w+; throughput /);
  assertMatch(headlineWith([], { interrupted: true }), /^NOT FINAL, .* not yet since when$/);
  const markdown = renderHistoryMarkdown({ ...file, changes: [{ ...range!, from: 26 }] });
  assertMatch(
    markdown,
    /\| improvement \| \w+ \| 2026-01-28 \| Commit 27 [^|]*\(not told apart\) \| 128 \| \+5\.0 % \|/,
  );
});

Deno.test("intervalLines() has one scale for all, with the level on it", () => {
  assertEquals(
    intervalLines(
      [{ value: 1, low: 1, high: 1 }, { value: 0.5, low: 0, high: 0.8 }, { value: 0.8, low: 0.8, high: 1 }],
      11,
      1,
    ),
    ["          ●", "├────●──┤ │", "        ●─┤"],
  );
  assertEquals(intervalLines([{ value: 1, low: 1, high: 1 }], 5, 1), ["  ●"]);
});

Deno.test("a history whose parts contradict one another is refused", () => {
  const file = historyFixture(), [one, ...others] = file.comparisons;
  const damaged: [file: object, says: string][] = [
    [{ ...file, changes: [{ ...file.changes[0], to: 41 }] }, "field changes[0].to: 41 of 41"],
    [{ ...file, changes: [{ ...file.changes[0], comparison: 10 }] }, "field changes[0].comparison: 10 of 10"],
    [{ ...file, curve: [{ ...file.curve[0], commit: 99 }] }, "field curve[0].commit: 99 of 41"],
    [{ ...file, comparisons: [{ ...one, b: 0 }, ...others] }, "field comparisons[0].b: 0 does not come after 0"],
    [
      { ...file, comparisons: [{ ...one, rows: [{ ...one!.rows[0], low: 2 }] }, ...others] },
      "field comparisons[0].rows[0].ratio: 0.95 is not between 2 and",
    ],
    [{ ...file, commits: [] }, "field commits: there is no commit"],
    [{ ...file, commits: [{ ...file.commits[0], hash: "HEAD" }] }, "field commits[0].hash: not a full hash"],
  ];
  for (const [damagedFile, says] of damaged) {
    const error = assertThrows(() => readChecked(HistoryFileSchema, JSON.stringify(damagedFile)), FileValueError);
    assert(error.message.startsWith(says), error.message);
  }
});
