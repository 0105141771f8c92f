/** What reports say where the loops around the allocators differ, and of files from unlike processors. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ResultFile } from "../../../src/model/mod.ts";
import { checkExpectation, expectationLine, judgedRatio } from "../../../src/report/mod.ts";
import { headline, renderBars, renderMarkdown, renderTable } from "../../../src/report/mod.ts";
import { renderReplay, renderReplayMarkdown } from "../../../src/report/mod.ts";
import { renderCsv, renderJson } from "../../../src/report/mod.ts";
import { parseReportInput, renderPage } from "../../../src/report/html/mod.ts";
import { loopsLine } from "../../../src/report/bench/loops.ts";
import { fixture } from "../fixture.ts";

/** The fixture, as an older version wrote it, with loops of 6 ns in TypeScript and so many in C. */
function withLoop(native: number): ResultFile {
  const file = fixture();
  const results = file.results.map((result) =>
    result.runtime === "harness" && result.host === "native"
      ? {
        ...result,
        nsPerOp: native * 1.025,
        opsPerSecond: { median: 1e9 / (native * 1.025), low: 1e9 / (native * 1.05), high: 1e9 / native },
        samples: result.samples.map((sample) => sample * native / 6),
      }
      : result
  );
  return { ...file, results };
}

Deno.test("headline() compares net times where the loops differ by more than 15 %, and says so", () => {
  assertEquals(headline(withLoop(6.8)), headline(fixture()), "13 %");
  // 15 - 9 over 10 - 6
  assertEquals(
    headline(withLoop(9)),
    "hakmem runs random-mixed 1.50 times as fast as system (1.50–1.50), 3.50 times ffi (3.50–3.50), 2000 times " +
      "thi.ng (2000–2000), in malloc and free alone, since the loops around them differ by 50 %; sizes 128–1024, 6 rounds",
  );
});

Deno.test("headline() says what is not known where nothing is left without the loop", () => {
  const line = headline(withLoop(15));
  assertMatch(
    line,
    /^hakmem runs random-mixed 3\.50 times as fast as ffi \(.*\), .* thi\.ng \(.*\), not known against system, in malloc /,
  );
  const file = withLoop(15);
  const results = file.results.filter(({ runtime }) => runtime !== "ffi" && runtime !== "js");
  assertMatch(
    headline({ ...file, results }),
    /^it is not known how many times as fast as system hakmem runs random-mixed, in malloc and free alone, since/,
  );
});

Deno.test("checkExpectation() judges by net times where the loops differ, and knows when nothing is left of them", () => {
  const check = (native: number) => checkExpectation(1.5, withLoop(native).results)[0]!;
  assertEquals(check(6.8).isNet, undefined);
  // 15 - 8.5 over 10 - 6; of whole times it is 15 over 10
  assertEquals([check(8.5).isNet, check(8.5).verdict], [true, "above"]);
  assertEquals(check(10.5).verdict, "below");
  assertMatch(
    expectationLine(check(10.5)),
    /measured 1\.1\d .* without the loops, which differ: the whole interval is below/,
  );
  assertEquals(check(15).verdict, "not known");
  assertMatch(expectationLine(check(15)), /expected 1\.50 times system, which is not known: /);
});

Deno.test("judgedRatio(), by which gates judge, is of net times only across languages whose loops differ", () => {
  const { results } = withLoop(9);
  const at128 = (name: string) => results.find(({ allocator, size }) => allocator === name && size === 128)!;
  const ours = at128("slab-map");
  assertEquals(judgedRatio(ours, at128("system"), results).isNet, true);
  assertEquals(judgedRatio(ours, at128("system"), withLoop(6.8).results).isNet, false);
  assertEquals(judgedRatio(ours, at128("ffi"), results).isNet, false, "the same language");
});

Deno.test("headline() compares net times with several threads, too", () => {
  const one = withLoop(9).results;
  const two = one.map((result) => ({ ...result, threads: 2 }));
  assertMatch(
    headline({ ...withLoop(9), results: [...one, ...two] }),
    /^hakmem runs random-mixed with 1, 2 threads 1\.50 \(1\.50–1\.50\), 1\.50 .* in malloc and free alone, since .* differ by 50 %, and 1\.00 \(1\.00–1\.00\) times as fast as with 1; /,
  );
});

Deno.test("tables have both ratios and a line at the rows, no wider than 100 columns", () => {
  const file = withLoop(9);
  file.results = file.results.map((result) => ({ ...result, loopsDiffer: "V8 leaves an empty loop" }));
  const table = renderTable(file.results);
  for (const line of table.split("\n")) assert(line.length <= 100, line);
  assertMatch(table, /x system +net x +95 %/);
  assertStringIncludes(
    table.replaceAll(/\s+/g, " "),
    "the loops differ by 50 %: 6.15 ns in TypeScript, 9.22 ns in C (V8 leaves an empty loop)",
  );
  assertStringIncludes(renderMarkdown(file), "- at 128 the loops differ by 50 %");
  assert(!renderTable(fixture().results).includes("net x"));
});

Deno.test("that the loops differ is said of the median round where the figures beside it say something else", () => {
  const line = loopsLine({ size: 128, threads: 1, deno: 8.34, native: 7.59, factor: 1.23 });
  assertEquals(line, "the loops differ by 23 % in the median round: 8.34 ns in TypeScript, 7.59 ns in C");
});

Deno.test("a replay compares net times where its loops differ", () => {
  const file = withLoop(9);
  const replay = {
    ...file,
    results: file.results.slice(0, 6).map((result) => ({ ...result, workload: "replay", events: 1e6 })),
  };
  assertMatch(renderReplay(replay), /net x/);
  assertStringIncludes(renderReplayMarkdown(replay), "the loops differ by 50 %");
});

Deno.test("the page of an older file compares net times, too", () => {
  const text = renderJson(withLoop(9));
  const { html } = renderPage([parseReportInput("old.json", text)]);
  assertStringIncludes(html, "in malloc and free alone, since the loops around them differ by 50\u00a0%");
  assertStringIncludes(html, "in net time, without the loops");
});

Deno.test("a chart of ratios has a row for what is not known, and says why", () => {
  const chartsOf = (native: number) => {
    const { html } = renderPage([parseReportInput("file.json", renderJson(withLoop(native)))]);
    return /<section id="file-1-ratio".*?<\/section>/s.exec(html)![0];
  };
  const some = chartsOf(9.5), none = chartsOf(15);
  assertEquals([some.includes("not known"), some.includes("Not known:")], [false, false]);
  assertStringIncludes(none, "hakmem");
  assertStringIncludes(none, "not known");
  assertStringIncludes(none, "Not known: ");
  assertEquals(/NaN|Infinity|undefined/.test(none), false);
});

Deno.test("renderPage() says that files are of unlike processors, and nothing of those that do not say", () => {
  const page = (model: number | undefined) => {
    const file = fixture();
    if (model !== undefined) Object.assign(file.environment, { cpuFamily: 25, cpuModel: model, isaLevel: "x86-64-v4" });
    return parseReportInput(`${model}.json`, renderJson(file));
  };
  const { warning, html } = renderPage([page(17), page(17), page(1)]);
  assertMatch(
    warning!,
    /^these files were measured on unlike processors.*: 17\.json on A CPU \(family 25, model 17, x86-64-v4\); 1\.json on /,
  );
  assertStringIncludes(html, "these files were measured on unlike processors");
  assertEquals(renderPage([page(17), page(17)]).warning, undefined);
  assertEquals(renderPage([page(17), page(undefined)]).warning, undefined);
});

Deno.test("renderBars() keeps the bars' widths beside a name that is long", () => {
  const label = "mimalloc 3.4.3 (./build/very-long/libmimalloc.so)";
  const { results } = fixture();
  const long = results.map((result) => result.allocator === "ffi" ? { ...result, label } : result);
  const bars = renderBars(long).split("\n");
  for (const line of bars) assert(line.length <= 80, line);
  const full = (lines: string[]) => lines.map((line) => line.match(/█+/)?.[0].length ?? 0).filter((count) => count > 0);
  assertEquals(full(bars), full(renderBars(results).split("\n")));
  assertStringIncludes(renderBars(long), `  ${label}\n`);
});

Deno.test("renderCsv() names each contestant as people read it", () => {
  assertMatch(renderCsv(withLoop(9)), /,label\n/);
  assertStringIncludes(renderCsv(withLoop(9)), ",none (native)\n");
});
