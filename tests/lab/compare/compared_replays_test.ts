import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { compare } from "../../../src/lab/compare/compare.ts";
import { explain } from "../../../src/lab/explain/explain.ts";
import { comparingReplays } from "../../../src/lab/replay/replay.ts";
import { resolveSpec } from "../../../src/lab/contest/specs.ts";
import { CompareFileSchema, readChecked } from "../../../src/model/mod.ts";
import { renderCompare } from "../../../src/report/mod.ts";
import { TraceBuilder } from "../../../src/traces/builder.ts";
import { type Trace, TraceError } from "../../../src/traces/mod.ts";

/** Blocks of one size, some hundreds at a time: more than a thread's list holds. */
function waves(): Trace {
  const trace = new TraceBuilder("test", () => "");
  for (let wave = 0; wave < 20; wave++) {
    for (let block = 0; block < 600; block++) trace.malloc(0, block, 40);
    for (let block = 0; block < 600; block++) trace.free(0, block);
  }
  return trace.finish();
}

const common = { slotMilliseconds: 1, warmMilliseconds: 5, orderSeed: 1, looks: [10] } as const;
const forever = new AbortController().signal;

Deno.test("compare() judges a trace's replays, and says whose they are", async () => {
  const run = await comparingReplays({ trace: waves(), threads: 1, file: "waves" }, 3, async ({ harness, ...work }) => {
    const specOf = async (name: string) => ({ name, spec: await resolveSpec(name, harness) });
    return await compare(
      { ...work, ...common, a: await specOf("slab-map"), b: await specOf("system") },
      () => {},
      forever,
    );
  });
  const [row] = run.rows;
  assertEquals([row?.workload, row?.samples.b.length, run.trace?.file, run.trace?.events], [
    "replay",
    10,
    "waves",
    24_000,
  ]);
  const file = readChecked(CompareFileSchema, JSON.stringify({ schema: "hakmem.compare/1", command: [], ...run }));
  assertMatch(renderCompare(file), / in the replay of waves\n/);
});

// What counts is a heap in this process, whose library stays open.
Deno.test("explain() counts and measures a trace's replays", { sanitizeResources: false }, async () => {
  const run = await comparingReplays(
    { trace: waves(), threads: 1, file: "waves" },
    4,
    ({ trace: _, ...work }) =>
      explain({ ...work, ...common, a: "slab-map,magazines=0", b: "slab-map" }, () => {}, forever),
  );
  assertEquals(run.flags.map(({ flag }) => flag), ["magazines"]);
  const [before, after] = [run.counters.a[0]!.counts, run.counters.b[0]!.counts];
  assertEquals([before.frees, after.frees], [12_000, 12_000]);
  assert(before.magazinesFilled === 0 && after.magazinesFilled! > 0);
  assertEquals(run.jit, []);
});

Deno.test("there is nothing to compare in a trace without events", async () => {
  const trace = new TraceBuilder("test", () => "");
  trace.threadEnd(1);
  await assertRejects(
    () => comparingReplays({ trace: trace.finish(), threads: 1, file: "empty" }, 3, () => Promise.resolve()),
    TraceError,
    "empty: there is nothing to replay",
  );
});
