import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { failureAnnotation, gateAnnotations, gateSummary, lineOf } from "../../src/report/github.ts";
import { gateFile as file, gateRow as row } from "./gate_fixture.ts";

const TEXT = `{
  "thresholds": [
    { "name": "fast", "least": 1 },
    {
      "kind": "ratio", "name"  :
        "100 %: slow, \\"really\\"",
      "least": 1
    }
  ]
}
`;
const PLACE = { path: "bench/gates/a,b.json", text: TEXT };

Deno.test("gateAnnotations() gives an error for what is no-go, a warning for what is undecided, at the threshold's line", () => {
  const slow = '100 %: slow, "really"';
  const rows = [
    row("fast", "go"),
    row("fast", "undecided", { size: 256, measured: null, low: null, high: null, because: "jemalloc died\r\n50 % in" }),
    row(slow, "no-go", { measured: 0.9 }),
    row(slow, "undecided", { size: 256 }),
    row(slow, "go", { size: 512 }),
    row(slow, "no-go", { size: 1024, threads: 2 }),
    row("elsewhere", "undecided"),
    row("fine", "go"),
  ];
  assertEquals(gateAnnotations(file(rows, "no-go"), PLACE).split("\n"), [
    "::warning file=bench/gates/a%2Cb.json,line=3,title=UNDECIDED%3A fast::" +
    "random-mixed 256: jemalloc died%0D%0A50 %25 in%0A1 other row: see the summary",
    '::error file=bench/gates/a%2Cb.json,line=5,title=NO-GO%3A 100 %25%3A slow%2C "really"::' +
    "random-mixed 128: 0.90 x, at least 1.15 x; timed%0A" +
    "random-mixed 1024 with 2 threads: 1.28 x, at least 1.15 x; timed%0A2 other rows: see the summary",
    "::warning file=bench/gates/a%2Cb.json,title=UNDECIDED%3A elsewhere::random-mixed 128: 1.28 x, at least 1.15 x; timed",
    "",
  ]);
  assertEquals(gateAnnotations(file([row("fine", "go")], "go"), PLACE), "");
});

Deno.test("gateAnnotations() gives an error for a peer that was not measured, failureAnnotation() for a gate", () => {
  const failures = [{ allocator: "jemalloc", runtime: "native" as const, message: "it died" }];
  assertEquals(
    gateAnnotations({ ...file([], "undecided"), failures }, PLACE),
    "::error file=bench/gates/a%2Cb.json,title=not measured%3A jemalloc::it died\n",
  );
  assertEquals(
    failureAnnotation("a\nb", "x.json"),
    "::error file=x.json,title=the gate was not measured::a%0Ab\n",
  );
});

Deno.test("gateSummary() is Markdown with a heading and the table", () => {
  const summary = gateSummary(file([row("fast", "go")], "go"));
  assertMatch(summary, /^### gate x\.json\n\n\*\*GO: 1 of 1 threshold holds\*\*\n\n\| verdict \|/);
  assertStringIncludes(summary, "| GO | fast | 128 |");
});

Deno.test("lineOf() finds a name as JSON writes it", () => {
  const text = JSON.stringify({ thresholds: [{ name: 'a "b" \\ \u00e9' }, { name: "c" }] }, null, 2);
  assertEquals([lineOf(text, 'a "b" \\ \u00e9'), lineOf(text, "c"), lineOf(text, "d")], [4, 7, undefined]);
  assertEquals(lineOf('{"name": "\\u00e9"}', "\u00e9"), 1);
});
