import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { readChecked, type WitnessFile, WitnessFileSchema, type WitnessRow } from "../../src/model/mod.ts";
import { renderWitness, renderWitnessCsv, renderWitnessMarkdown, witnessHeadline } from "../../src/report/witness.ts";
import { fixture } from "./fixture.ts";
import { assertFits } from "./fits.ts";

function row(workload: string, allocator: string, ratio: number, verdict: WitnessRow["verdict"]): WitnessRow {
  const samples = { twin: [10 * ratio], witness: [10], ratio: [ratio] };
  const bounds = { ratio, low: ratio - 0.02, high: ratio + 0.02 };
  return {
    workload,
    allocator,
    library: "/lib/libc.so.6",
    twinNsPerOp: 10 * ratio,
    witnessNsPerOp: 10,
    ...bounds,
    rounds: 16,
    verdict,
    samples,
  };
}

function file(rows: WitnessRow[], verdict: WitnessFile["verdict"]): WitnessFile {
  return {
    schema: "hakmem.witness/1",
    command: ["deno", "run", "-P", "cli.ts", "doctor", "--witness"],
    environment: fixture().environment,
    orderSeed: 1,
    within: 0.1,
    level: 0.999,
    rows,
    verdict,
  };
}

const AGREES = row("random-mixed", "system", 1.01, "agrees");
const DIFFERS = row("larson", "mimalloc 3.4.3 (./a.so)", 1.34, "differs");
const UNDECIDED = row("hot-pair", "jemalloc", 0.91, "undecided");

Deno.test("witnessHeadline() says where the twins agree with plain C, where not, and where it is not known", () => {
  const says = (...rows: WitnessRow[]) => witnessHeadline({ rows, within: 0.1 });
  assertEquals(says(AGREES), "the lab's loops in C take the time that plain C takes, within 10 %, in 1 of 1 cases");
  assertMatch(says(AGREES, DIFFERS), /^a defect of this lab: .* by more than 10 %, in 1 of 2 cases: larson with mim/);
  assertMatch(says(AGREES, UNDECIDED), /in 1 of 2 cases; not known of hot-pair with jemalloc \(0\.91\)/);
  assertMatch(says(DIFFERS, UNDECIDED), /^a defect .* not known of hot-pair/);
  assertMatch(says(UNDECIDED), /^not known of hot-pair with jemalloc \(0\.91\): run it on a quieter machine$/);
});

Deno.test("renderWitness() has a row for each workload and allocator, in 100 columns; so have CSV and Markdown", () => {
  const whole = file([AGREES, DIFFERS, UNDECIDED], "differs");
  const text = renderWitness(whole);
  assertMatch(text, /^ random-mixed +system +10\.1 +10\.0 +1\.01 +0\.99–1\.03 +agrees$/m);
  assertMatch(text, /^ larson +mimalloc 3\.4\.3 \(.\/a\.so\) +13\.4 +10\.0 +1\.34 +1\.32–1\.36 +differs$/m);
  assertFits(text, witnessHeadline(whole));
  assertEquals(renderWitnessCsv(whole).split("\n").length, 5);
  assertStringIncludes(renderWitnessMarkdown(whole), "| hot-pair | jemalloc | 9.10 | 10.0 | 0.91 |");
});

Deno.test("readChecked() reads what was written, and names the field that is wrong", () => {
  const whole = file([AGREES], "agrees");
  assertEquals(readChecked(WitnessFileSchema, JSON.stringify(whole)), whole);
  assertThrows(() => readChecked(WitnessFileSchema, JSON.stringify({ ...whole, verdict: "fine" })), Error, "agrees");
});
