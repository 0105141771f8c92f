/** Reports of several numbers of threads. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseHTML } from "linkedom";
import { readChecked, ResultFileSchema } from "../../../src/model/mod.ts";
import { parseReportInput, renderPage } from "../../../src/report/html/mod.ts";
import {
  checkExpectation,
  expectationLine,
  headline,
  renderBars,
  renderCsv,
  renderJson,
  renderMarkdown,
  renderTable,
  renderTerminal,
} from "../../../src/report/mod.ts";
import { threadsFixture } from "./threads_fixture.ts";

Deno.test("headline() says for each number of threads how fast, and what more of them bring", () => {
  const file = threadsFixture();
  assertEquals(
    headline(file),
    "hakmem runs random-mixed with 1, 2, 4 threads 1.50 (1.50–1.50), 1.50 (1.50–1.50), 1.50 (1.50–1.50) times as fast " +
      "as system, and 1.80 (1.80–1.80), 3.60 (3.60–3.60) times as fast as with 1; sizes 128–1024, 6 rounds",
  );
  const two = file.results.filter(({ threads }) => threads === 2);
  assertMatch(
    headline({ ...file, results: two }),
    /^hakmem runs random-mixed with 2 threads 1.50 times as fast as system \(1.50–1.50\), 2.00 times ffi \(2.00–2.00\); sizes/,
  );
  const late = file.results.filter(({ allocator, threads }) => allocator !== "system" || threads < 4);
  assertMatch(
    headline({ ...file, results: late }),
    /with 1, 2, 4 threads 2.00 .* times as fast as ffi, and 1.80 .*, 3.60/,
  );
  const ours = file.results.filter(({ runtime, size, heaps }) => runtime === "deno" && size === 128 && heaps !== "own");
  assertMatch(
    headline({ ...file, results: ours }),
    /with 1, 2, 4 threads 97.6 .*, 176 .*, 351 .* M operations\/s, and 1.80 .*, 3.60 .* times as fast as with 1;/,
  );
});

Deno.test("renderTable() has a block for each size and number of threads, within 100 columns", async (t) => {
  const table = renderTable(threadsFixture().results);
  for (const line of table.split("\n")) assert(line.length <= 100, line);
  await t.assertSnapshot(table);
});

Deno.test("renderBars() and renderTerminal() tell numbers of threads, and own heaps, apart", () => {
  const text = renderBars(threadsFixture().results);
  const headings = text.split("\n").filter((line) => line.startsWith("size "));
  assertEquals(headings.length, 6);
  assertStringIncludes(text, "size 128, 1 thread, M ops/s");
  assertStringIncludes(text, "size 1024, 4 threads, M ops/s");
  assertEquals(text.split("hakmem, own heaps").length, 1 + 4);
  assertStringIncludes(
    renderTerminal(threadsFixture()).replaceAll("\n", " "),
    " hakmem at 1024 with 4 threads: one heap for all is 0.90 (0.88–0.92) times as fast as a heap for each ",
  );
});

Deno.test("renderMarkdown() and renderCsv() have columns for threads", () => {
  const { results } = threadsFixture();
  const markdown = renderMarkdown(threadsFixture());
  assertStringIncludes(markdown, "| size | threads | allocator |");
  assertMatch(markdown, /\| 128 \| 2 \| hakmem, own heaps \|.*\| 0\.\d\d \|\n/);
  const lines = renderCsv({ results }).trimEnd().split("\n");
  assertEquals(lines.length, 1 + results.length * 6);
  const own = lines.filter((line) =>
    line.startsWith("random-mixed,slab-map,deno,deno,1024,4,1,") && /,own,/.test(line)
  );
  assertEquals(own.length, 1);
  const [slowest, fastest] = own[0]!.split(",").slice(10, 12).map(Number);
  assert(slowest! > 0 && slowest! < fastest!);
});

Deno.test("readChecked() reads results of threads back", () => {
  assertEquals(readChecked(ResultFileSchema, renderJson(threadsFixture())), threadsFixture());
});

Deno.test("checkExpectation() holds each number of threads against it, but not own heaps", () => {
  const expectations = checkExpectation(2, threadsFixture().results);
  assertEquals(expectations.map(({ size, threads = 1 }) => [size, threads]), [
    [128, 1],
    [128, 2],
    [128, 4],
    [1024, 1],
    [1024, 2],
    [1024, 4],
  ]);
  assertMatch(expectationLine(expectations[1]!), /^hakmem at 128 with 2 threads: expected 2.00 times system/);
});

Deno.test("renderPage() groups by threads and draws what they bring", () => {
  const { html } = renderPage([parseReportInput("file.json", renderJson(threadsFixture()))]);
  const { document } = parseHTML(html) as unknown as {
    document: { querySelectorAll(selector: string): Iterable<{ textContent: string; outerHTML: string }> };
  };
  const texts = (selector: string) => [...document.querySelectorAll(selector)].map(({ textContent }) => textContent);
  assert(texts("h3").includes("Throughput by threads"));
  const drawn = texts("#file-1-scaling .wide circle > title");
  const measured = threadsFixture().results.filter(({ runtime }) => runtime !== "harness" && runtime !== "js");
  assertEquals(drawn.length, measured.length, "a dot for every contestant that has threads, size and number of them");
  assert(drawn.some((title) => title.startsWith("hakmem, own heaps, 4 threads: ")));
  assert(texts("#file-1-throughput svg text").includes("size 1024, 2 threads"));
  assertEquals(texts("#file-1-sharing li").length, 4);
  for (const chart of document.querySelectorAll("svg")) {
    assertEquals(/NaN|Infinity|undefined/.test(chart.outerHTML), false);
  }
});
