import { assert, assertEquals, assertRejects } from "@std/assert";
import { micro } from "../../src/lab/micro.ts";
import { stageLoops, STAGES } from "../../src/lab/micro_stages.ts";
import { openVirtualMemory } from "../../src/os/mod.ts";
import { renderMicro } from "../../src/report/mod.ts";

// The loops' heap and the reservation live as long as the process, so the library must be open before any test.
await openVirtualMemory();
const { loops, whole } = await stageLoops();

Deno.test("stageLoops() gives a loop for each stage more, and each does its work without failing a check", () => {
  assertEquals(loops.length, STAGES.length + 1);
  for (const loop of [...loops, whole]) assert(Number.isInteger(loop(25_000)));
});

Deno.test("stageLoops() adds work to the loop: a stage that reads changes what comes out", () => {
  const sums = loops.slice(0, 3).map((loop) => loop(10_000));
  assertEquals(new Set(sums).size, 3, "class lookup and pop are in the sum");
  assertEquals(loops[0]!(10_000), sums[0], "the bare loop always gives the same");
});

Deno.test("micro() has a row for every stage and every way of asking mincore, with intervals", async () => {
  const phases = new Set<string>();
  const file = await micro(
    { rounds: 6, slotMilliseconds: 0.5, seed: 1 },
    ({ phase }) => phases.add(phase),
    new AbortController().signal,
  );
  assertEquals(file.stages.map(({ name }) => name), STAGES.map(({ name }) => name));
  assertEquals(file.mincore.map(({ name }) => name.split(":")[0]), ["MINCORE", "ALIGN", "HYBRID", "BOUNDARY"]);
  for (const { nanoseconds, ticks } of [...file.stages, ...file.mincore]) {
    for (const { median, low, high } of [nanoseconds, ticks]) assert(low <= median && median <= high);
  }
  assertEquals(file.whole.rest, file.whole.nanoseconds.median - file.whole.sum);
  assertEquals([...phases], ["warming up", "measuring"]);
  const text = renderMicro(file);
  for (const { name } of [...file.stages, ...file.mincore]) assert(text.includes(name), name);
  assert(text.split("\n").slice(1).every((line) => line.length <= 100), text);
});

Deno.test("micro() ends when it is aborted", async () => {
  const controller = new AbortController();
  const run = micro({ rounds: 1000, slotMilliseconds: 0.5, seed: 1 }, ({ phase }) => {
    if (phase === "measuring") controller.abort();
  }, controller.signal);
  await assertRejects(() => run, DOMException);
});
