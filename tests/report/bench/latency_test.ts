import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { renderPage } from "../../../src/report/html/mod.ts";
import { parseReportInput } from "../../../src/report/html/input.ts";
import { latencyAnswer, latencyExplanation, latencyLines } from "../../../src/report/bench/latency.ts";
import { PLAIN, renderCsv } from "../../../src/report/mod.ts";
import { fixture } from "../fixture.ts";
import { FileValueError, readChecked, type Result, ResultFileSchema } from "../../../src/model/mod.ts";
import { LATENCY } from "./latency_fixture.ts";

/** Ours, and the system's, which takes half as long at p99.99. */
function timedResults(): Result[] {
  const [all, realloc] = LATENCY.operations;
  const halved = { ...LATENCY, operations: [{ ...all!, p9999Ns: all!.p9999Ns! / 2 }, realloc!] };
  return fixture().results.flatMap((result): Result[] => {
    if (result.size !== fixture().results[0]!.size) return [];
    if (result.runtime === "deno") return [{ ...result, latency: LATENCY }];
    return result.allocator === "system" ? [{ ...result, latency: halved }] : [];
  });
}

Deno.test("latencyLines() shows each kind of operation for all contestants, the answer first", async (t) => {
  const text = latencyLines(timedResults(), { ...PLAIN, columns: 80 }).map((lines) => lines.join("\n")).join("\n\n");
  await t.assertSnapshot(text);
});

Deno.test("latencyLines() is nothing where no operation was timed", () => {
  assertEquals(latencyLines(fixture().results), []);
  assertEquals(latencyAnswer(fixture().results), "");
});

Deno.test("the page has a curve of percentiles where single operations were timed, and no section where not", () => {
  const page = (results: readonly Result[]) =>
    renderPage([parseReportInput("results.json", JSON.stringify({ ...fixture(), expectations: [], results }))]);
  const { html, parts } = page(timedResults());
  assert(parts[0]!.sections.includes("Single operations"));
  assertStringIncludes(html, "p99.99 of single operations");
  assertStringIncludes(html, "99.99 %");
  assertStringIncludes(html, "16,384 page faults");
  assert(!page(fixture().results).parts[0]!.sections.includes("Single operations"));
});

Deno.test("a result file with latencies is read as it was written", () => {
  const file = { ...fixture(), results: timedResults() };
  assertEquals(readChecked(ResultFileSchema, JSON.stringify(file)).results[0]!.latency, LATENCY);
});

Deno.test("a result file whose latencies are not what they should be is refused, by the path of what is wrong", () => {
  const [all] = LATENCY.operations;
  for (
    const [wrong, path] of [
      [{ operations: [{ ...all, longestNs: -1 }] }, "latency.operations[0].longestNs: -1 is not an amount"],
      [{ operations: [{ ...all, p50Ns: null }] }, "latency.operations[0].p50Ns"],
      [{ operations: [{ ...all, longest: undefined }] }, "latency.operations[0].longest"],
      [
        { operations: [{ ...all, longest: { ...all!.longest, cause: "moon" } }] },
        "latency.operations[0].longest.cause",
      ],
      [{ operations: [{ ...all, histogram: { ns: [1], counts: [1, 2] } }] }, "as many ns as counts"],
      [{ operations: [{ ...all, histogram: { ns: [], counts: [] } }] }, "no bucket"],
      [{ clock: undefined }, "latency.clock"],
    ] as const
  ) {
    const results = timedResults().map((result) => ({ ...result, latency: { ...LATENCY, ...wrong } }));
    assertThrows(() => readChecked(ResultFileSchema, JSON.stringify({ ...fixture(), results })), FileValueError, path);
  }
});

Deno.test("renderCsv() has a row for each kind of operation that was timed, under columns of its own", () => {
  const results = timedResults(), lines = renderCsv({ results }).trimEnd().split("\n").map((line) => line.split(","));
  const [head, ...rows] = lines, column = (name: string) => head!.indexOf(name);
  assertEquals(new Set(lines.map(({ length }) => length)).size, 1);
  const kinds = rows.filter((row) => row[column("round")] === "");
  assertEquals(rows.length - kinds.length, results.flatMap(({ samples }) => samples).length);
  assertEquals(
    kinds.map((row) => ["operation", "count", "p9999_ns", "longest_ns", "cause"].map((name) => row[column(name)])),
    [12_345_678, 6_172_839].flatMap((p9999Ns) => [
      ["all", "1000100", `${p9999Ns}`, "98765432", "page faults"],
      ["realloc", "12", "", "23400", "unknown"],
    ]),
  );
});

Deno.test("latencyExplanation() leaves out the tail of a clock that was priced too seldom to have one", () => {
  const { p9999Ns: _, ...clock } = LATENCY.clock;
  const results = timedResults().map((result) => ({ ...result, latency: { ...LATENCY, clock } }));
  assertStringIncludes(latencyExplanation(results), "nothing in them took 40,300 ns at most");
});
