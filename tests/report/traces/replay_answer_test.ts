/** The first line of a replay: who is the fastest, who takes the least memory, and when that cannot be said. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ResultFile } from "../../../src/model/mod.ts";
import { renderReplay, renderReplayMarkdown, replayHeadline, tooFew } from "../../../src/report/mod.ts";
import { fixture } from "../fixture.ts";
import { assertFits } from "../fits.ts";

type Result = ResultFile["results"][number];

/** Nanoseconds per event, cold and warm, the spread of the rounds, and megabytes; the loops take 5. */
type Figures = readonly [cold: number, warm: number, spread: number, megabytes: number];

const EVENTS = 1_000_000;

function replayOf(all: Record<string, Figures>, changes: Partial<Result> = {}): ResultFile {
  const file = fixture(), sample = file.results.find(({ runtime }) => runtime === "native")!;
  const rounds = (median: number, spread: number) =>
    [-3, -2, -1, 1, 2, 3].map((step) => median * (1 + spread * step / 3));
  const resultOf = (name: string, [cold, warm, spread, megabytes]: Figures): Result => {
    const runtime = name === "slab-map" ? "deno" : name === "none" ? "harness" : "native";
    const { label: _, ratioToSystem: __, ...rest } = sample;
    return {
      ...rest,
      allocator: name,
      runtime,
      host: runtime === "deno" ? "deno" : "native",
      workload: "replay",
      size: 100,
      threads: 1,
      samples: rounds(warm, spread),
      coldSamples: rounds(cold, spread),
      events: EVENTS,
      ...(runtime === "harness" ? {} : {
        verified: true,
        peakLiveBytes: 8e6,
        peakFootprintBytes: megabytes * 1e6,
        ratioToSystem: { ratio: 2, low: 1, high: 3 },
      }),
      ...changes,
    };
  };
  const names = { ...all, none: [5, 5, 0, 0] as const };
  const results = Object.entries(names).map(([name, figures]) => resultOf(name, figures));
  const loop = { ...results.at(-1)!, host: "deno" as const };
  return {
    ...file,
    results: [...results, loop],
    trace: { file: "git.trace", format: "hakmem", events: EVENTS, threads: 1, blocks: 1000, crossThreadFrees: 0 },
  };
}

const THREE = { system: [121, 21, 0.01, 11.7], tcmalloc: [85, 85, 0.01, 14] } as const;
const ran = { wallSeconds: 0.255, processorSeconds: 0.25 };

Deno.test("where no allocator can be told from another, none is called the fastest", () => {
  const file = replayOf({ system: [90, 90, -0.2, 11.7], tcmalloc: [85, 85, 0.2, 14] });
  assertMatch(
    replayHeadline(file),
    /^tcmalloc 80\.0 ms \(.*\) and system 85\.0 ms \(.*\) are too close to tell apart; least memory/,
  );
});

Deno.test("the first line names the fastest in first replays, and the leanest, with the program's own time", () => {
  const file = replayOf(THREE);
  assertEquals(
    replayHeadline(file),
    "tcmalloc is fastest: 80.0 ms (79.1–80.9), system 116 ms (115–117); least memory: system 11.7 MB",
  );
  assertEquals(
    replayHeadline({ ...file, trace: { ...file.trace!, ran } }),
    "tcmalloc is fastest: 80.0 ms (79.1–80.9), system 116 ms (115–117), of 255 ms that the program ran; least memory: " +
      "system 11.7 MB",
  );
  const older = { ...file, results: file.results.map(({ coldSamples: _, ...rest }) => rest) };
  assertEquals(
    replayHeadline(older),
    "system is fastest: 16.0 ms (15.8–16.2), tcmalloc 80.0 ms (79.1–80.9); least memory: system 11.7 MB",
  );
});

Deno.test("an allocator that cannot be told from the fastest is named with it", () => {
  const file = replayOf({ system: [90, 90, -0.2, 11.7], tcmalloc: [85, 85, 0.2, 14], jemalloc: [200, 200, 0.01, 12] });
  assertEquals(
    replayHeadline(file),
    "tcmalloc 80.0 ms (63.0–97.0) and system 85.0 ms (67.0–103) are fastest, too close to tell apart; jemalloc 195 ms " +
      "(193–197); least memory: system 11.7 MB",
  );
});

Deno.test("ours is one row among the others: where it is first, the first that a program in C can take is named, too", () => {
  const file = replayOf({ "slab-map": [45, 45, 0.01, 10], ...THREE });
  assertEquals(
    replayHeadline(file),
    "hakmem is fastest: 40.0 ms (39.6–40.5), among native ones tcmalloc 80.0 ms (79.1–80.9), system 116 ms (115–117); least " +
      "memory: hakmem 10.0 MB, " +
      "among native ones system 11.7 MB",
  );
  assertEquals(
    replayHeadline(replayOf({ "slab-map": [500, 45, 0.01, 100], ...THREE })),
    replayHeadline(replayOf(THREE)),
  );
});

Deno.test("a trace of few events, or of next to no time, is too short for a ratio, and says so", () => {
  const few = replayOf(THREE, { events: 9999 }), fast = replayOf({ system: [5.5, 5.5, 0.01, 1] });
  for (
    const [file, why] of [[few, "9,999 events, and takes 1.16 ms"], [
      fast,
      "1,000,000 events, and takes 0.50 ms",
    ]] as const
  ) {
    assertEquals(
      replayHeadline(file),
      `git.trace is too short to judge: it has ${why} in malloc and free; a verdict takes at least 10,000 events and ` +
        `1 ms; least memory: system ${file === few ? "11.7" : "1.0"} MB`,
    );
    for (const text of [renderReplay(file), renderReplayMarkdown(file)]) {
      assertStringIncludes(text, "too short");
      assertEquals(text.includes("1.00–3.00"), false, "no ratio");
    }
  }
  assertStringIncludes(renderReplay(replayOf(THREE)), "1.00–3.00");
});

Deno.test("that a trace is too short is known from its events, before anything is measured", () => {
  assertEquals(tooFew(10_000), undefined);
  assertEquals(
    tooFew(9999),
    "9,999 events, too few for replay to say which allocator is fastest: that takes at least 10,000, and 1 ms in malloc " +
      "and free",
  );
});

Deno.test("the table has cold beside warm, in 100 columns", () => {
  const file = replayOf({ "slab-map": [45, 45, 0.01, 10], ...THREE });
  const text = renderReplay({ ...file, trace: { ...file.trace!, ran } });
  assertMatch(text, /^ allocator +cold ms +95 % +warm ms +ns\/event +x system /m);
  assertEquals(/^ tcmalloc .*$/m.exec(text)?.[0].split(/ +/).slice(2, 5), ["80.0", "79.1–80.9", "80.0"]);
  assertStringIncludes(text.replaceAll("\n", " "), "the program ran 255 ms, 250 ms on processors");
  assertFits(text, replayHeadline({ ...file, trace: { ...file.trace!, ran } }));
});
