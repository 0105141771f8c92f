import { assert, assertEquals, assertRejects } from "@std/assert";
import { DEFAULT_VARIANT } from "../../../src/heap/mod.ts";
import { micro } from "../../../src/lab/micro/micro.ts";
import { defaultLoops } from "../../../src/lab/micro/default.ts";
import { historyLoops } from "../../../src/lab/micro/history.ts";
import { type SlowPath, slowPaths } from "../../../src/lab/micro/slow.ts";
import { openVirtualMemory } from "../../../src/os/mod.ts";
import { renderMicro } from "../../../src/report/mod.ts";

// The loops' heap and the reservation live as long as the process, so the library must be open before any test.
await openVirtualMemory();
const history = await historyLoops(), ours = await defaultLoops(), slow = await slowPaths();

Deno.test("the loops have a stage more each, and each does its work without failing a check", () => {
  for (const { stages, loops, whole } of [history, ours]) {
    assertEquals(loops.length, stages.length + 1);
    for (const loop of [...loops, whole]) assert(Number.isInteger(loop(25_000)));
  }
});

Deno.test("a stage adds work to the loop: one that reads changes what comes out", () => {
  for (const { loops } of [history, ours]) {
    const sums = loops.slice(0, 4).map((loop) => loop(10_000));
    assert(new Set(sums).size >= 3, "class lookup and pop are in the sum");
    assertEquals(loops[0]!(10_000), sums[0], "the bare loop always gives the same");
  }
});

Deno.test("the default heap's stages take and give the blocks of its lists: at the end all is as before", () => {
  const last = ours.loops.at(-1)!;
  assertEquals(last(30_000), last(30_000));
  assertEquals(ours.variant, DEFAULT_VARIANT);
});

Deno.test("each step behind the hot path can be taken again and again, in any order", () => {
  const forth = slow.flatMap(({ operations, base, steps }) =>
    [base, ...steps.map(({ loop }) => loop)].map((loop) => ({ loop, iterations: Math.ceil(2500 / operations) }))
  );
  for (const { loop, iterations } of [...forth, ...forth.toReversed()]) assert(Number.isInteger(loop(iterations)));
});

Deno.test("a step behind the hot path does what it is called: it gives blocks, units and slabs", () => {
  const sumOf = ({ steps }: SlowPath, step: number) => steps.at(step)!.loop(1);
  const [cached, paged, superslab, slab, carving, spilling, magazine] = slow.map((path) => sumOf(path, -1));
  for (const ptr of [cached, paged, spilling, magazine]) {
    assert(ptr! > 65_536 && ptr! % 16 === 0, `${ptr} is a pointer`);
  }
  assertEquals(superslab! % 32, 0, "superslabs begin at multiples of 32 units");
  assert(slab! > 0);
  assertEquals(carving, 64, "a refill carves 64 blocks of 64 bytes");
  const log = slow[1]!.steps[1]!.name.match(/the log of (\d+) and (\d+) words/)!;
  assert(Number(log[1]) > 10 && Number(log[2]) > 10, "the words that the sections write are counted");
});

Deno.test("micro() has a row for every stage and every way of asking mincore, with intervals", async () => {
  const phases = new Set<string>();
  const file = await micro(
    { rounds: 6, slotMilliseconds: 0.5, seed: 1 },
    ({ phase }) => phases.add(phase),
    new AbortController().signal,
  );
  assertEquals(file.stages.map(({ name }) => name), history.stages.map(({ name }) => name));
  assertEquals(file.defaultHeap.stages.map(({ name }) => name), ours.stages.map(({ name }) => name));
  assertEquals(file.mincore.map(({ name }) => name.split(":")[0]), ["MINCORE", "ALIGN", "HYBRID", "BOUNDARY"]);
  assertEquals(file.slowPaths.map(({ name }) => name), slow.map(({ name }) => name));
  for (const { steps, whole } of file.slowPaths) {
    if (whole !== undefined) assertEquals(whole.median, steps.at(-1)!.cumulative);
  }
  const steps = file.slowPaths.flatMap(({ steps }) => steps);
  assertEquals(steps.map(({ name }) => name), slow.flatMap(({ steps }) => steps.map(({ name }) => name)));
  for (const { nanoseconds, ticks } of [...file.defaultHeap.stages, ...steps, ...file.stages, ...file.mincore]) {
    for (const { median, low, high } of [nanoseconds, ticks]) assert(low <= median && median <= high);
  }
  for (const { whole } of [file, file.defaultHeap]) {
    assertEquals(whole.rest, whole.nanoseconds.median - whole.sum);
    assert(whole.nanoseconds.median > 0);
  }
  assertEquals([...phases], ["warming up", "measuring"]);
  const text = renderMicro(file);
  for (const { name } of [...file.defaultHeap.stages, ...file.stages, ...steps, ...file.mincore]) {
    assert(text.includes(name), name);
  }
  assert(text.split("\n").slice(1).every((line) => line.length <= 100), text);
});

Deno.test("micro() ends when it is aborted", async () => {
  const controller = new AbortController();
  const run = micro({ rounds: 1000, slotMilliseconds: 0.5, seed: 1 }, ({ phase }) => {
    if (phase === "measuring") controller.abort();
  }, controller.signal);
  await assertRejects(() => run, DOMException);
});
