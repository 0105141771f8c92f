import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  CompareFileSchema,
  type CompareRow,
  ExplainFileSchema,
  FileValueError,
  readChecked,
} from "../../src/model/mod.ts";
import {
  compareHeadline,
  explainHeadline,
  renderCompare,
  renderCompareCsv,
  renderCompareMarkdown,
  renderExplain,
  renderExplainMarkdown,
  renderJson,
} from "../../src/report/mod.ts";
import { disturbedWarning } from "../../src/measure/mod.ts";
import { compareFixture } from "./compare_fixture.ts";
import { assertFits } from "./fits.ts";
import { explainFixture } from "./explain_fixture.ts";

Deno.test("compareHeadline() says each verdict with its sizes, by intervals, and how many rounds would tell", () => {
  const file = compareFixture(), [first, second] = file.rows as [CompareRow, CompareRow];
  const row = (size: number, verdict: CompareRow["verdict"], low: number, ratio: number, high: number) => ({
    ...first,
    size,
    verdict,
    low,
    ratio,
    high,
    control: { ratio: 1, low: 0.99, high: 1.01 },
  });
  assertMatch(
    compareHeadline(file),
    /^REGRESSION: e3-1 is slower than box at 128 \(-22\.1 % to -20\.0 %\), undecided at 1024 \(-3\.0 % to -0\.3 %\): /,
  );
  const faster = [row(128, "improvement", 1.21, 1.4, 1.5), row(256, "improvement", 1.3, 1.5, 1.757)];
  assertEquals(
    compareHeadline({ ...file, rows: [...faster, row(1024, "inconclusive", 1, 1.04, 1.08)] }),
    "e3-1 is faster than box at 128, 256 (+21.0 % to +75.7 %), undecided at 1024 (+0.0 % to +8.0 %): " +
      "about 90 rounds would tell, or a quieter machine; throughput +0.0 % to +75.7 % in random-mixed, 3 sizes",
  );
  assertMatch(
    compareHeadline({ ...file, rows: [row(1024, "inconclusive", 1, 1.05, 1.08)] }),
    /^inconclusive: e3-1 against box: about [4-8]0 rounds would tell, so leave out --quick; /,
  );
  assertMatch(
    compareHeadline({ ...file, rows: faster }),
    /^improvement: e3-1 is faster than box; throughput \+21\.0 % to /,
  );
  const equals = [row(128, "equivalent", 0.99, 1, 1.01)];
  assertMatch(
    compareHeadline({ ...file, rows: equals }),
    /^equivalent: e3-1 is as fast as box, within 2\.0 %; throughput /,
  );
  const hopeless = [{ ...second, verdict: "inconclusive" as const, ratio: 1.02, low: 0.9, high: 1.15 }];
  assertMatch(
    compareHeadline({ ...file, rows: hopeless }),
    /^inconclusive: e3-1 against box: not even 1000 rounds would/,
  );
  assertMatch(
    compareHeadline({ ...file, interrupted: true }),
    /^NOT FINAL, interrupted after 21 rounds: e3-1 against box; /,
  );
});

Deno.test("compareHeadline() says how many threads there were, if several", () => {
  const file = compareFixture();
  const rows = file.rows.map((row) => ({ ...row, threads: 2 }));
  assertMatch(compareHeadline({ ...file, rows }), / in random-mixed with 2 threads, 2 sizes$/);
  assertMatch(compareHeadline(file), / in random-mixed, 2 sizes$/);
  assertMatch(renderCompareCsv({ ...file, rows }), /\nrandom-mixed,128,2,1,/);
});

Deno.test("renderCompare() gives a table of 100 columns, and says how a baseline differs", () => {
  const file = compareFixture();
  const environment = { ...file.environment, cpu: "Another Processor", deno: "2.8.0" };
  const text = renderCompare({
    ...file,
    baseline: {
      schema: "hakmem.baseline/1",
      name: "release-1",
      contestant: `${"0123456789".repeat(4)},box`,
      revision: "0123456789".repeat(4),
      date: "2026-01-02T03:04:05Z",
      environment,
      rows: [{ workload: "random-mixed", size: file.rows[0]!.size, nsPerOp: 12.5 }],
    },
  });
  assertFits(text, compareHeadline(file));
  const words = text.replaceAll(/\s+/g, " ");
  assertStringIncludes(words, "Baseline release-1: 012345678901,box of 2026-01-02, run again beside B.");
  assertStringIncludes(words, `Stored then (only to look at): ${file.rows[0]!.size}: 12.5 ns.`);
  assertStringIncludes(words, "of another environment: cpu was Another Processor, is");
  assertStringIncludes(words, "deno was 2.8.0, is");
});

Deno.test("a comparison is a table in Markdown, every round in CSV, and itself in JSON", () => {
  const file = compareFixture();
  const markdown = renderCompareMarkdown(file);
  for (const { size, verdict } of file.rows) assertMatch(markdown, new RegExp(`\\| ${size} \\|.*\\| ${verdict} \\|`));
  const lines = renderCompareCsv(file).trim().split("\n");
  assertEquals(lines.length, 1 + file.rows.length * file.rows[0]!.samples.a.length);
  assert(lines.every((line) => line.split(",").length === 7));
  assertEquals(readChecked(CompareFileSchema, renderJson(file)), file);
  assertThrows(() => readChecked(CompareFileSchema, '{"schema": "hakmem.results/1"}'), FileValueError, "schema");
});

Deno.test("renderExplain() answers first, in 100 columns, with a row and a reason for each flag", () => {
  const file = explainFixture(), text = renderExplain(file);
  assertFits(text, explainHeadline(file));
  assertMatch(text, /^e3-1 against phase7: throughput -/);
  for (const { flag, finding } of file.flags) {
    assertMatch(text, new RegExp(`^ ${flag} .*${finding}$`, "m"));
    assertStringIncludes(text, `${flag} is ${finding}: `);
  }
  assertStringIncludes(
    text.replaceAll(/\s+/g, " "),
    `To do: give ${file.b} the ${file.fix!.flags.join(", ")} of ${file.a}.`,
  );
  assertEquals(readChecked(ExplainFileSchema, renderJson(file)), file);
});

Deno.test("an explanation that other work disturbed says so first, and blames no flag", () => {
  const { fix: _, ...file } = explainFixture();
  const flags = file.flags.map((flag) => ({ ...flag, finding: "undecided" as const }));
  const disturbed = { ...file, flags, warnings: [disturbedWarning(26, 26)] };
  assertMatch(explainHeadline(disturbed), /; nothing is decided: 26 of 26 rounds disturbed$/);
  assertMatch(renderExplain(disturbed), /^To do: stop other work, and run explain again\.$/m);
  assertMatch(explainHeadline({ ...disturbed, warnings: [] }), /no (single )?flag is sure/);
});

Deno.test("a function without a name is called so, and an interval below 0 has no dash for a minus to hide in", () => {
  const file = explainFixture(), [build] = file.jit, [stage] = file.stages;
  const inlined = [{ callee: "", inlined: false, reason: "exceeds bytecode limit", times: 0 }];
  const stages = [{ ...stage!, a: 1, b: 1, low: -2.5, high: -1.5 }];
  const markdown = renderExplainMarkdown({ ...file, jit: [{ ...build!, inlined }], stages });
  assertStringIncludes(markdown, "(anonymous) (exceeds bytecode limit)");
  assertStringIncludes(markdown, "-2.50 to -1.50");
});

Deno.test("explainHeadline() names the flags that are confirmed, and says where frees went another way", () => {
  const file = explainFixture();
  const flags = file.flags.map((flag, index) => ({
    ...flag,
    finding: index === 0 ? "confirmed" as const : "rejected" as const,
    fastFrees: index === 0 ? { a: 1, b: 0 } : { a: 1, b: 1 },
  }));
  const noneFast = file.counters.b.map((row) => ({ ...row, counts: { ...row.counts, fastFrees: 0 } }));
  const counters = { ...file.counters, b: noneFast };
  assertMatch(
    explainHeadline({ ...file, flags, counters }),
    new RegExp(`because of ${flags[0]!.flag}=.*, fast frees 100 → 0 %\\)$`),
  );
  assertEquals(explainHeadline({ ...file, flags }).includes("fast frees"), false);
  const none = flags.map((flag) => ({ ...flag, finding: "rejected" as const }));
  assertStringIncludes(explainHeadline({ ...file, flags: none }), "no ");
});

Deno.test("the Markdown report has all its parts, and they come from the file", () => {
  const file = explainFixture(), text = renderExplainMarkdown(file);
  const parts = ["Hypotheses", "Call order", "Per size", "Cost by stage", "What V8 did", "Build flags", "Where"];
  for (const part of parts) assertStringIncludes(text, `\n## ${part}\n`);
  for (const { flag, because } of file.flags) {
    assertStringIncludes(text, `\`${flag}\``);
    assertStringIncludes(text, because);
  }
  for (const { variant } of file.jit) assertStringIncludes(text, `| ${variant} |`);
  const other = renderExplainMarkdown({ ...file, a: "one", b: "another", flags: [], pairs: [], jit: [], stages: [] });
  assertEquals(
    /phase7|e3-1,|registry-first/.test(
      other.split("## Where")[0]!.split("## Build")[0]!.replaceAll(file.fix!.variant, ""),
    ),
    false,
  );
});
