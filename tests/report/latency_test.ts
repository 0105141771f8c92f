import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { renderPage } from "../../src/report/html/mod.ts";
import { parseReportInput } from "../../src/report/html/input.ts";
import { latencyAnswer, latencyLines } from "../../src/report/latency.ts";
import { parseResultFile, PLAIN, type Result } from "../../src/report/mod.ts";
import { fixture } from "./fixture.ts";
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
  assertEquals(parseResultFile(JSON.stringify(file)).results[0]!.latency, LATENCY);
});
