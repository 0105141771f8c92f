import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "valibot";
import { countUnit } from "../../../src/lab/bench/counts.ts";
import { renderCounts } from "../../../src/report/mod.ts";
import { CountsRowSchema } from "../../../src/model/mod.ts";
import { completeParameters, WORKLOADS } from "../../../src/workloads/mod.ts";

const mixed = WORKLOADS.get("random-mixed")!;
const parameters = completeParameters(mixed, { size: 128, cycles: 20_000 });

Deno.test("countUnit() counts the frees of one unit, the same every time", async () => {
  const first = await countUnit("phase7-1.2", mixed, 128, parameters);
  const second = await countUnit("phase7-1.2", mixed, 128, parameters);
  assertEquals(first, second);
  assertEquals(first.counts.mallocs + first.counts.frees, 20_000);
  assertEquals(first.counts.mincoreCalls, first.counts.frees);
  assertEquals(first.counts.fastFrees + first.counts.slowFrees, first.counts.frees);
});

Deno.test("renderCounts() gives shares and counts per million frees", async () => {
  const counts = [];
  for (const variant of ["phase7-macro-bug", "phase7-1.3", "slab-map"]) {
    counts.push(await countUnit(variant, mixed, 128, parameters));
  }
  const text = renderCounts(counts);
  // A label that is too long for its column goes on below.
  const rows = text.replaceAll(/ hakmem (.*)\n +(\(.*\))/g, " hakmem $2 $1").split("\n");
  const line = (label: string): string => rows.find((each) => each.includes(label))!;
  assertStringIncludes(line("phase7-macro-bug"), " 0.00 %");
  assert(/ (9[5-9]\.\d\d|100\.00) %/.test(line("phase7-1.3")), line("phase7-1.3"));
  assert(/ (9[5-9]\.\d\d|100\.00) %/.test(line("hakmem  ")), line("hakmem  "));
  assert(text.split("\n").every((each) => each.length <= 100));
});

Deno.test("renderCounts() has a table of locks where some were taken, and takes rows of old files", async () => {
  const { counts, ...row } = await countUnit("slab-map", mixed, 128, parameters);
  const frees = counts.frees = 1e6;
  const shared = { ...counts, fastFrees: frees, locksTaken: 40_321, lockWaits: 4032, lockRetries: 345_678 };
  const text = renderCounts([{ ...row, size: 1024, variant: "phase7-macro-bug", counts: shared }]);
  assert(/ 40321 +4032 +345678 +0 +0$/m.test(text), text);
  assert(text.split("\n").every((each) => each.length <= 100), text);
  const { locksTaken: _, lockWaits: __, lockRetries: ___, spansTaken: ____, spansGiven: _____, ...old } = counts;
  assert(!renderCounts([{ ...row, counts: parse(CountsRowSchema, { ...row, counts: old }).counts }]).includes("waits"));
});

Deno.test("countUnit() counts what all threads do, and the sets that go from hand to hand", async () => {
  const larson = WORKLOADS.get("larson")!;
  const small = completeParameters(larson, { "larson-rounds": 10 });
  const row = await countUnit("slab-map", larson, 128, small, 2);
  assertEquals([row.threads, row.counts.mallocs, row.counts.frees], [2, 3 * 4 * 10_240, 3 * 4 * 10_240]);
  const { remoteFrees, locksTaken, lockWaits, slowFrees } = row.counts;
  assert(remoteFrees! > 1000 && remoteFrees! <= slowFrees, `${remoteFrees} of ${slowFrees}`);
  assert(locksTaken! > 0 && lockWaits! <= locksTaken!, `${lockWaits} of ${locksTaken}`);
  const text = renderCounts([await countUnit("slab-map", larson, 128, small), row]);
  assertStringIncludes(text, "threads");
  assert(text.split("\n").every((each) => each.length <= 100), text);
});
