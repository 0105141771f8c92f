import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { FileValueError, readChecked, ResultFileSchema } from "../../../src/model/mod.ts";
import {
  checkExpectation,
  expectationLine,
  headline,
  parseExpectation,
  PLAIN,
  renderBars,
  renderCsv,
  renderJson,
  renderMarkdown,
  renderTable,
  renderTerminal,
  renderWarnings,
} from "../../../src/report/mod.ts";
import { fixture } from "../fixture.ts";

Deno.test("headline() says the result in one line of words", () => {
  assertEquals(
    headline(fixture()),
    "hakmem runs random-mixed 1.50 times as fast as system (1.50–1.50), 2.00 times ffi (2.00–2.00), 800 times thi.ng " +
      "(800–800); sizes 128–1024, 6 rounds",
  );
});

Deno.test("headline() says what there is when system, or everybody else, was not measured", () => {
  const file = fixture();
  const results = file.results.filter(({ allocator }) => allocator !== "system");
  assertMatch(
    headline({ ...file, results }),
    /^hakmem runs random-mixed 2.00 times as fast as ffi \(2.00–2.00\), 800 times thi.ng \(800–800\);/,
  );
  const alone = results.filter(({ runtime, size }) => runtime === "deno" && size === 128);
  assertEquals(
    headline({ ...file, results: alone }),
    "hakmem runs random-mixed at 97.6 (95.2–100) M operations/s; size 128, 6 rounds",
  );
  const ours = results.filter(({ runtime }) => runtime === "deno");
  assertMatch(
    headline({ ...file, results: ours }),
    /at 97.6 \(95.2–100\), [\d.]+ \(.*\) M operations\/s; sizes 128–1024,/,
  );
  assertEquals(headline({ ...file, results: [] }), "nothing was measured");
});

Deno.test("headline() gives the largest size of a workload that mixes them", () => {
  const file = fixture();
  const results = file.results.filter(({ size }) => size === 1024)
    .map((result) => ({ ...result, workload: "slow-mix", parameters: { "working-set": 256 } }));
  assertMatch(headline({ ...file, results }), /^hakmem runs slow-mix .*; sizes to 1024, 6 rounds$/);
});

Deno.test("renderTable() fits 100 columns and has the rows that were measured", async (t) => {
  const table = renderTable(fixture().results);
  for (const line of table.split("\n")) assert(line.length <= 100, line);
  await t.assertSnapshot(table);
});

Deno.test("renderTable() has no columns for ratios to a system that was not measured", () => {
  const results = fixture().results.map(({ ratioToSystem: _, ...rest }) => rest);
  const [head] = renderTable(results.filter(({ allocator }) => allocator !== "system")).split("\n");
  assertEquals(head!.trim().split(/ {2,}/), ["size", "allocator", "M ops/s", "95 %", "ns/op", "net ns"]);
});

Deno.test("renderBars() draws the fastest at full width and everybody at least visibly", async (t) => {
  await t.assertSnapshot(renderBars(fixture().results));
});

Deno.test("renderTerminal() begins with the headline and has no escape codes unless it is given colours", () => {
  const text = renderTerminal({ ...fixture(), notes: ["native peers are left out (system): no C compiler"] });
  assertEquals(text.split("\n")[0], headline(fixture()));
  assertEquals(text.includes("\x1b"), false);
  assertStringIncludes(text, "\nnative peers are left out (system): no C compiler\n");
  const bold = (value: string) => `<${value}>`;
  assertStringIncludes(renderTerminal(fixture(), { ...PLAIN, bold }), "<hakmem>");
});

Deno.test("renderWarnings() gives each warning a line with its advice", () => {
  assertEquals(renderWarnings(fixture()), "warning LOAD: the load average was 3.00 on 2 cores; stop other work\n");
});

Deno.test("renderMarkdown() holds the table and where it was measured", async (t) => {
  await t.assertSnapshot(renderMarkdown(fixture()));
});

Deno.test("renderCsv() has a row for every sample", () => {
  const lines = renderCsv(fixture()).trimEnd().split("\n");
  assertEquals(lines.length, 1 + 12 * 6);
  assertEquals(
    lines[0],
    "workload,allocator,runtime,host,size,threads,round,ns_per_op,ops_per_second,heaps,slowest_thread_ops_per_second," +
      "fastest_thread_ops_per_second,label",
  );
  assertEquals(lines[1], "random-mixed,slab-map,deno,deno,128,1,1,10,100000000,,,,hakmem");
});

Deno.test("renderCsv() quotes a variant that has commas", () => {
  const file = fixture();
  const [first] = file.results;
  assert(first !== undefined);
  const text = renderCsv({ results: [{ ...first, allocator: "box,integrity=0" }] });
  assertStringIncludes(text, 'random-mixed,"box,integrity=0",deno');
});

Deno.test("readChecked() reads back what renderJson() wrote", () => {
  const text = renderJson(fixture());
  assertEquals(readChecked(ResultFileSchema, text), fixture());
  assertStringIncludes(text, '"loadAverage": [ 0.1, 0.2, 0.3 ]');
});

Deno.test("readChecked() refuses a file of another schema, and a result without its checksum", () => {
  assertThrows(
    () => readChecked(ResultFileSchema, JSON.stringify({ ...fixture(), schema: "hakmem.compare/1" })),
    FileValueError,
    "schema",
  );
  const results = fixture().results.map((result) => ({ ...result, checksum: undefined }));
  assertThrows(
    () => readChecked(ResultFileSchema, JSON.stringify({ ...fixture(), results })),
    FileValueError,
    "checksum",
  );
});

Deno.test("parseExpectation() reads percentages and ratios", () => {
  const cases: [string, number | undefined][] = [
    ["+20%", 1.2],
    ["-5%", 0.95],
    ["+226.5%", 3.265],
    ["1.2", 1.2],
    ["1.2x", 1.2],
    ["0.5x", 0.5],
    ["20%", undefined],
    ["-100%", undefined],
    ["0", undefined],
    ["fast", undefined],
    ["", undefined],
    ["1.2y", undefined],
  ];
  for (const [text, ratio] of cases) assertEquals(parseExpectation(text), ratio, text);
});

Deno.test("checkExpectation() says whether the interval contains what was expected, or where it lies", () => {
  const verdicts = (expected: number) => checkExpectation(expected, fixture().results).map(({ verdict }) => verdict);
  assertEquals(verdicts(1.5), ["as expected", "as expected"]);
  assertEquals(verdicts(1.2), ["above", "above"]);
  assertEquals(verdicts(2.0), ["below", "below"]);
  const [first] = checkExpectation(2, fixture().results);
  assert(first !== undefined);
  assertEquals(
    expectationLine(first),
    "hakmem at 128: expected 2.00 times system, measured 1.50 (1.45–1.55): the whole interval is below what was expected",
  );
});
