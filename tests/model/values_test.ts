/** What a result file may hold: values, not only types; whatever is wrong is told by its path. */
import { assertEquals, assertThrows } from "@std/assert";
import type * as v from "valibot";
import { CompareFileSchema, FileValueError, readChecked, ResultFileSchema } from "../../src/model/mod.ts";
import { parseReportInput, ReportInputError } from "../../src/report/html/mod.ts";
import { renderJson } from "../../src/report/mod.ts";
import { compareFixture } from "../report/compare_fixture.ts";
import { fixture } from "../report/fixture.ts";

/** A document with another value at a path. */
function changed(document: object, path: readonly (string | number)[], value: unknown): string {
  const copy = JSON.parse(renderJson(document));
  const last = path.at(-1)!;
  path.slice(0, -1).reduce((at, key) => at[key], copy)[last] = value;
  return JSON.stringify(copy);
}

const RESULTS: [path: (string | number)[], value: unknown, says: string][] = [
  [["results", 3, "samples", 0], -5, "field results[3].samples[0]: -5 is not a time"],
  [["results", 0, "samples", 1], 1e308, "field results[0].samples[1]: 1e+308 is not a time"],
  [["results", 0, "samples", 1], 0, "field results[0].samples[1]: 0 is not a time"],
  [["results", 0, "samples", 1], null, "field results[0].samples[1]: null is not a time"],
  [["results", 1, "samples"], [], "field results[1].samples: there is no sample"],
  [["results", 1, "samples"], [20.5], "field results[1].samples: 1 of them, where 6 rounds were measured"],
  [["results", 1, "coldSamples"], [20.5], "field results[1].coldSamples: 1 of them, where 6 rounds were measured"],
  [["results", 1, "threadOpsPerSecond"], [1, 2], "field results[1].threadOpsPerSecond: 2 of them, where threads is 1"],
  [["results", 1, "parameters"], { cycles: -1 }, "field results[1].parameters.cycles: -1 is not a count"],
  [["results", 2, "nsPerOp"], 5, "field results[2].nsPerOp: 5 is not the median of the samples, 8200"],
  [
    ["results", 0, "opsPerSecond"],
    { median: 1e9, low: 1e9, high: 1e9 },
    "field results[0].opsPerSecond.median: 1000000000 is not that of 10.25 ns an operation",
  ],
  [
    ["results", 0, "opsPerSecond", "low"],
    9e8,
    "field results[0].opsPerSecond: the median 97560975.6097561 is not between low, 900000000, and high, 100000000",
  ],
  [["results", 0, "ratioToSystem", "ratio"], 0, "field results[0].ratioToSystem.ratio: 0 is not a ratio"],
  [["results", 0, "size"], 12.5, "field results[0].size: 12.5 is not a count"],
  [["results", 0, "threads"], 0, "field results[0].threads: 0 is not a number of threads"],
  [["results", 0, "unit"], "ms", 'field results[0].unit: Invalid type: Expected "ns" but received "ms"'],
  [["results"], [], "field results: there is no result"],
  [["rounds", "measured"], "six", 'field rounds.measured: "six" is not a count'],
];

const ROWS: [path: (string | number)[], value: unknown, says: string][] = [
  [["rows"], [], "field rows: there is no row"],
  [["rows", 0, "samples", "b", 4], -1, "field rows[0].samples.b[4]: -1 is not a time"],
  [["rows", 0, "samples", "a"], [1], "field rows[0].samples.a: 1 of them, where rounds is 20"],
  [["rows", 1, "low"], 2, "field rows[1].ratio: 0.985 is not between low, 2, and high, 0.99682"],
  [
    ["rows", 0],
    { ...compareFixture().rows[0]!, ratio: 9, low: 8, high: 10 },
    "field rows[0].ratio: 9 is not what the samples say, 0.763 to 0.816",
  ],
  [
    ["rows", 0, "verdict"],
    "improvement",
    "field rows[0].verdict: no improvement is from 0.779135 to 0.8004920000000001 times as fast",
  ],
  [["slots", 7], [], "field slots[7].at: nothing is not an amount"], // a list has `at`, which is not a number
  [["slots", 7, "nsPerOp"], 1e300, "field slots[7].nsPerOp: 1e+300 is not a time"],
  [["baseline", "rows", 0, "nsPerOp"], -1, "field baseline.rows[0].nsPerOp: -1 is not a time"],
];

for (
  const [name, document, schema, cases] of [
    ["of bench", fixture(), ResultFileSchema, RESULTS],
    ["of compare", compareFixture(), CompareFileSchema, ROWS],
  ] as const
) {
  Deno.test(`readChecked() of a file ${name} and report refuse what cannot be, by its path`, () => {
    assertEquals(readChecked<v.GenericSchema>(schema, renderJson(document)), document);
    for (const [path, value, says] of cases) {
      const text = changed(document, path, value);
      assertEquals(assertThrows(() => readChecked<v.GenericSchema>(schema, text), FileValueError).message, says);
      const { message } = assertThrows(() => parseReportInput("a.json", text), ReportInputError);
      assertEquals(message, `a.json: ${says}`);
    }
  });
}

Deno.test("a number that is too great for JavaScript is refused, too", () => {
  const text = renderJson(fixture()).replace(/"nsPerOp": [\d.]+/, '"nsPerOp": 1e999');
  assertThrows(
    () => readChecked(ResultFileSchema, text),
    FileValueError,
    "field results[0].nsPerOp: Infinity is not a time",
  );
});

Deno.test("parseReportInput() says what is more than a page can show, before it looks at each value", () => {
  const [first] = fixture().results, [row] = compareFixture().rows;
  const cases: [document: unknown, says: string][] = [
    [{ ...fixture(), results: Array(501).fill(first) }, "501 results are more than a page can show, 500"],
    [{ ...fixture(), results: [{ ...first!, samples: Array(50_001).fill(1) }] }, "50001 samples are more"],
    [{ ...compareFixture(), rows: Array(101).fill(row) }, "101 rows are more"],
    [{ ...compareFixture(), slots: Array(20_001).fill({}) }, "20001 slots are more"],
  ];
  for (const [document, says] of cases) {
    assertThrows(() => parseReportInput("a.json", JSON.stringify(document)), ReportInputError, says);
  }
});
