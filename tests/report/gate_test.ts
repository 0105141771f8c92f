import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { gateHeadline, renderGate, renderGateCsv, renderGateMarkdown } from "../../src/report/gate.ts";
import { FileValueError, GateFileSchema, type GateRow, readChecked } from "../../src/model/mod.ts";
import { renderJson } from "../../src/report/mod.ts";
import { gateFile as file, gateRow as row } from "./gate_fixture.ts";

const GO = row("as fast as it must be", "go");
const LOST = row("random-mixed, lost against the last commit that was released", "no-go", {
  kind: "regression",
  against: "HEAD",
  measured: 0.071,
  low: 0.062,
  high: 0.08,
  threshold: 0.05,
  bound: "most",
  unit: "share",
});
const MISSING = row("net, with a comma", "undecided", {
  kind: "net-ns",
  measured: null,
  low: null,
  high: null,
  threshold: 5,
  bound: "most",
  unit: "ns",
  because: "hakmem was not measured",
});

Deno.test("gateHeadline() says go or no-go in one line, and which threshold is the first that fails", () => {
  assertEquals(
    gateHeadline(file([GO, MISSING].map((each) => ({ ...each, verdict: "go" })), "go")),
    "GO: 2 of 2 thresholds hold",
  );
  assertEquals(
    gateHeadline(file([GO, MISSING, LOST, LOST], "no-go")),
    "NO-GO: 1 of 3 thresholds fails, 1 undecided; the first: random-mixed, lost against the last commit that was released " +
      "at 128, 7.1 %, at most 5.0 %",
  );
  assertEquals(
    gateHeadline(file([GO, MISSING], "undecided")),
    "UNDECIDED: 1 of 2 thresholds is undecided; the first: net, with a comma at 128, hakmem was not measured",
  );
  assertEquals(
    gateHeadline(file([row("scaling", "no-go", { kind: "scaling", threads: 2, against: "1 thread" })], "no-go")),
    "NO-GO: 1 of 1 threshold fails; the first: scaling at 128 with 2 threads, 1.28 x, at least 1.15 x",
  );
});

Deno.test("gateHeadline() counts thresholds, not the sizes at which each is judged", () => {
  const at = (verdict: GateRow["verdict"], size: number) => row("four sizes", verdict, { size });
  const rows = [
    at("go", 128),
    at("go", 256),
    at("undecided", 512),
    at("no-go", 1024),
    GO,
    { ...GO, size: 256 },
    MISSING,
  ];
  assertMatch(
    gateHeadline(file(rows, "no-go")),
    /^NO-GO: 1 of 3 thresholds fails, 1 undecided; the first: four sizes at 1024/,
  );
  assertMatch(gateHeadline(file(rows.slice(0, 3), "undecided")), /^UNDECIDED: 1 of 1 threshold is undecided; /);
  assertEquals(gateHeadline(file([GO, { ...GO, size: 256 }], "go")), "GO: 1 of 1 threshold holds");
});

Deno.test("renderGate() fits 100 columns, begins with the headline and says why a row is missing", async (t) => {
  const text = renderGate({
    ...file([GO, { ...GO, size: 1024, threads: 2 }, LOST, MISSING], "no-go", true),
    notes: ["a note"],
  });
  for (const line of text.split("\n").slice(1)) assert(line.length <= 100, line);
  assert(text.startsWith("NO-GO: 1 of 3 thresholds fails"));
  assertEquals(text.includes("\x1b"), false);
  await t.assertSnapshot(text);
});

Deno.test("renderGateMarkdown() and renderGateCsv() have a line for every row", async (t) => {
  const rows = [GO, LOST, MISSING];
  await t.assertSnapshot(renderGateMarkdown(file(rows, "no-go")));
  assertEquals(renderGateMarkdown(file([GO], "go")).includes("because"), false, "what holds needs no reason");
  const lines = renderGateCsv(file(rows, "no-go")).trimEnd().split("\n");
  assertEquals(lines.length, 1 + rows.length);
  assertStringIncludes(
    lines[3]!,
    '"net, with a comma",net-ns,random-mixed,128,1,slab-map,system,,,,most,5,ns,undecided',
  );
});

Deno.test("readChecked() reads back what was written, and refuses anything else", () => {
  const written = file([GO, LOST, MISSING], "no-go");
  assertEquals(readChecked(GateFileSchema, renderJson(written)), written);
  assertThrows(
    () => readChecked(GateFileSchema, renderJson({ ...written, verdict: "maybe" })),
    FileValueError,
    "verdict",
  );
});
