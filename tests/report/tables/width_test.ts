/** Every report on stdout at the widths of narrow, usual and wide terminals: nothing is wider, and nothing is lost. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { describeFlags } from "../../../src/lab/inspect/flags.ts";
import { noiseWarning } from "../../../src/measure/mod.ts";
import type { Result, ResultFile } from "../../../src/model/mod.ts";
import { renderDoctor } from "../../../src/report/doctor.ts";
import { renderGate } from "../../../src/report/gate.ts";
import { renderInspect } from "../../../src/report/traces/inspect.ts";
import {
  type Palette,
  PLAIN,
  renderCompare,
  renderCounts,
  renderExplain,
  renderFlags,
  renderMicro,
  renderReplay,
  renderStress,
  renderTerminal,
  wrap,
} from "../../../src/report/mod.ts";
import { renderPeers } from "../../../src/report/peers.ts";
import { renderRecord } from "../../../src/report/traces/record.ts";
import { textTable } from "../../../src/report/tables/text_table.ts";
import { renderTrace } from "../../../src/report/traces/trace.ts";
import { renderWitness } from "../../../src/report/witness.ts";
import { compareFixture } from "../compare_fixture.ts";
import { explainFixture } from "../explain_fixture.ts";
import { fixture } from "../fixture.ts";
import { COUNTED } from "../bench/instructions_fixture.ts";
import { LATENCY } from "../bench/latency_fixture.ts";
import { inspectFixture } from "../traces/inspect_fixture.ts";
import { threadsFixture } from "../bench/threads_fixture.ts";

const FOLDER = "/opt/allocators/2026-11/x86_64-linux-gnu/lib/mimalloc";
const LIBRARY = `${FOLDER}/3.4.3/libmimalloc-secure-with-a-name-that-goes-on.so.3`;
const NAMES = ["mimalloc 3.4.3 (/opt/mimalloc/lib/libmimalloc.so)", "jemalloc 5.3.0", "tcmalloc", LIBRARY];
const LONG = `${"what is said of it in some words ".repeat(6)}and ${LIBRARY}`;
const MANY = Array.from({ length: 9 }, (_, index) => index);

function grown(file: ResultFile): ResultFile {
  const more = (result: Result): Result[] =>
    NAMES.map((label) => ({
      ...result,
      allocator: label,
      label,
      runtime: "native",
      library: LIBRARY,
    }));
  const results = file.results.flatMap((result) => [
    result,
    ...(result.allocator === "system" ? more(result) : []),
  ]).map((result) => ({
    ...result,
    peakFootprintBytes: 123_456_789,
    averageFootprintBytes: 98_765_432,
    peakLiveBytes: 100_000_000,
    pageFaults: 1_234_567,
    longestNs: 98_765_432,
    footprintOf: "process" as const,
    verified: true,
    latency: LATENCY,
    ...COUNTED,
    footprint: { events: [1, 2], liveBytes: [5e7, 9e7], footprintBytes: [6e7, 123_456_789] },
  }));
  const warning = noiseWarning([{ who: "slab-map", at: new Map([["128", { median: 1, low: 0.9, high: 1.21 }]]) }])!;
  return { ...file, results, notes: [LONG], warnings: [warning] };
}

/** As `bench` has it where the loops differ, which adds columns and a line below each block. */
function unlike(file: ResultFile): ResultFile {
  return {
    ...file,
    results: file.results.map((result) =>
      result.runtime === "harness" && result.host === "deno"
        ? {
          ...result,
          samples: result.samples.map((sample) => 3 * sample),
          loopsDiffer: "it has to check for each block",
        }
        : result
    ),
  };
}

const { environment, command } = fixture();
const trace = {
  events: 33_554_432,
  kinds: { malloc: 12_345_678, calloc: 1_234_567, aligned: 0, realloc: 2_345_678, free: 12_345_678 },
  threads: 64,
  blocks: 12_345_678,
  allocatedBytes: 7e10,
  largestBytes: 4e9,
  peakLiveBytes: 2e9,
  peakLiveBlocks: 20_000_000,
  endLiveBytes: 1.5e9,
  endLiveBlocks: 17_456_000,
  crossThreadFrees: 0.123,
  sizes: MANY.map((power) => ({ upTo: 16 << power, count: 10 ** power, bytes: 20 * 10 ** power })),
  lifetimes: MANY.map((power) => ({ upTo: 16 << power, count: 10 ** power, bytes: 20 * 10 ** power })),
};
const estimate = { median: 1234.5, low: 1200.12, high: 1300.34 };

const ONE_VARIANT = await describeFlags(["slab-map,refill=32,capacity=64"], "release");
const TWO_VARIANTS = await describeFlags(["phase7-1.3", "slab-map,refill=32"], "release");

/** What each command prints. */
const REPORTS: Readonly<Record<string, (palette: Palette) => string>> = {
  "bench": (palette) => renderTerminal(grown(fixture()), palette),
  "bench, unlike loops": (palette) => renderTerminal(unlike(grown(fixture())), palette),
  "bench --threads": (palette) => renderTerminal(grown(threadsFixture()), palette),
  "bench --threads, unlike loops": (palette) => renderTerminal(unlike(grown(threadsFixture())), palette),
  "bench --counters": (palette) =>
    renderCounts(
      explainFixture().counters.b.map((row) => ({
        ...row,
        threads: 64,
        variant: `${row.variant},c7=header,refill=32`,
      })),
      palette,
    ),
  "replay": (palette) => {
    const file = grown(fixture());
    const replayed = {
      file: "a-recording-of-something.trace",
      format: "hakmem",
      threads: 3,
      blocks: 9,
      crossThreadFrees: 0.1,
      events: 1_000_000,
    };
    return renderReplay({
      ...file,
      trace: { ...replayed, bytes: 1 } as never,
      failures: [{ allocator: LIBRARY, runtime: "native", message: "gave NULL" }],
    }, palette);
  },
  "compare": (palette) => renderCompare({ ...compareFixture(), a: LIBRARY, notes: [LONG] }, palette),
  "explain": (palette) => renderExplain({ ...explainFixture(), notes: [LONG] }, palette),
  "gate": (palette) =>
    renderGate(
      {
        schema: "hakmem.gate/1",
        command,
        environment,
        gate: "x.json",
        quick: true,
        rows: MANY.map((index) => ({
          name: `${index}: no slower than it was, within what is said`,
          kind: "regression",
          workload: "random-mixed",
          size: 128 << index,
          threads: 1 + index,
          variant: "slab-map",
          against: "HEAD",
          measured: -0.0123,
          low: -0.0345,
          high: 0.0123,
          threshold: 0.05,
          bound: "most",
          unit: "share",
          verdict: index % 2 === 0 ? "undecided" : "go",
          because: LONG,
        })),
        verdict: "undecided",
        notes: [LONG],
        warnings: [],
        rounds: { measured: 6, wanted: 6, orderSeed: 1, slotMilliseconds: 1 },
      } as Parameters<typeof renderGate>[0],
      palette,
    ),
  "record": (palette) =>
    renderRecord({
      schema: "hakmem.record/1",
      command,
      exitCode: 0,
      seconds: 1.2,
      replaced: 3,
      processes: MANY.map((index) => ({
        ...trace,
        file: `${FOLDER}/make.trace`,
        fileBytes: 1e9,
        pid: 4_194_304 - index,
        program: "x86_64-linux-gnu-gcc-12",
        forked: false,
        stopped: 28,
        running: false,
        lost: 1,
        unknownBlocks: 2,
        unseenFrees: 3,
        cut: true,
      })),
    }, palette),
  "trace": (palette) =>
    renderTrace({
      ...trace,
      schema: "hakmem.trace/1",
      command,
      file: "a-recording-of-something.trace",
      format: "hakmem",
      failedCalls: 3,
      unknownBlocks: 4,
      unseenFrees: 5,
      remarks: [LONG],
      peakEvent: 30_000_000,
      live: { events: MANY, liveBytes: MANY.map((power) => 10 ** power) },
      threadTable: MANY.map((index) => ({
        name: `thread-of-a-pool-${index}`,
        events: 33_554_432,
        allocations: 12_345_678,
        allocatedBytes: 7e10,
        frees: 12_345_678,
        foreignFrees: 12_345_678,
      })),
    }, palette),
  "inspect": (palette) => renderInspect(inspectFixture(), palette),
  "stress": (palette) =>
    renderStress(
      {
        schema: "hakmem.stress/1",
        command,
        build: "release",
        seed: 4_294_967_295,
        threads: 8,
        runs: [true, false].map((isFine) => ({
          variant: "slab-map,capacity=4,refill=1,integrity=1,links=0",
          programs: 123,
          operations: 12_345_678,
          counts: {
            malloc: 6_000_000,
            calloc: 1_000_000,
            alignedAlloc: 1_000_000,
            realloc: 1_000_000,
            free: 3_000_000,
          },
          seconds: 60.1,
          threads: {
            scenario: "producer-consumer",
            handedOver: 9_000_000,
            workers: 12_000,
            terminated: 10_000,
            inDoubt: 6_000,
            lost: 4_000,
            threadSlots: 15,
            peakFootprintBytes: 60_000_000,
            peakLiveBytes: 48_000_000,
          },
          ...(isFine ? {} : {
            failure: {
              message: LONG,
              last: MANY.map((worker) => ({
                worker,
                operations: ["malloc(1048576)", "free(123456789)", "realloc(1048576, 123456789)"],
              })),
            },
          }),
        })),
      } as Parameters<typeof renderStress>[0],
      palette,
    ),
  "micro": (palette) => {
    const row = (name: string) => ({
      name,
      nanoseconds: estimate,
      ticks: estimate,
      cumulative: 12_345.6,
      isOnFastPath: false,
    });
    const path = {
      stages: ["class lookup, and what comes with it", "b"].map(row),
      whole: { variant: "slab-map", nanoseconds: estimate, sum: 1234.5, rest: -12.3 },
    };
    return renderMicro({
      schema: "hakmem.micro/1",
      rounds: 20,
      defaultHeap: path,
      slowPaths: [{ name: "a slab taken from the pool, and given back to it", steps: path.stages, whole: estimate }],
      ...path,
      mincore: [row("MINCORE: a call for each of many pages")],
      source: "libc",
    }, palette);
  },
  "flags": (palette) => renderFlags(ONE_VARIANT, palette),
  "flags of two": (palette) => renderFlags(TWO_VARIANTS, palette),
  "peers": (palette) =>
    renderPeers({
      currentAsOf: "2026-11-26",
      peers: NAMES.map((name) => ({
        name,
        runtime: "native",
        description: LONG,
        available: true,
        library: LIBRARY,
        version: "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c",
        current: [{ version: "5.3.1", released: "2026-01-02" }],
        standing: "behind",
        problem: LONG,
      })),
    }, palette),
  "doctor": (palette) =>
    renderDoctor({
      schema: "hakmem.doctor/1",
      command,
      environment,
      noise: {
        variant: "slab-map",
        workload: "random-mixed",
        size: 128,
        pairs: 96,
        slotMilliseconds: 25,
        ratio: { median: 1.004, low: 0.998, high: 1.013 },
        level: 0.99,
        floor: 0.013,
        spread: 0.021,
        tiers: ["turbofan"],
      },
      facts: [
        { fact: "processor frequency", value: LONG, state: "warning", meaning: LONG, advice: LONG },
        { fact: "cores", value: "2", state: "ok", meaning: "is fine" },
      ],
    }, palette),
  "doctor --witness": (palette) =>
    renderWitness({
      schema: "hakmem.witness/1",
      command,
      environment,
      orderSeed: 1,
      within: 0.1,
      level: 0.999,
      verdict: "differs",
      rows: NAMES.map((label) => ({
        workload: "alloc-test",
        allocator: LIBRARY,
        label,
        library: LIBRARY,
        twinNsPerOp: 123.4,
        witnessNsPerOp: 134.5,
        ratio: 1.21,
        low: 1.19,
        high: 1.23,
        rounds: 16,
        verdict: "differs",
        samples: { twin: [1], witness: [1], ratio: [1] },
      })),
    }, palette),
};

const terminal = (columns: number): Palette => ({ ...PLAIN, columns, isTerminal: true });

/** Intervals and grouped numbers, which nothing may break or leave out. */
const figures = (text: string) =>
  [...new Set(text.match(/[\d.]+–[\d.]+|\d+(?:,\d{3})+|\d+\.\d+ (?:x|MB|ns)/g))].toSorted();

for (const [name, render] of Object.entries(REPORTS)) {
  Deno.test(`what ${name} prints is no wider than the terminal, and has every figure`, () => {
    const wide = render(terminal(200));
    for (const columns of [60, 80, 100, 120]) {
      const text = render(terminal(columns));
      assertEquals(text.split("\n").filter((line) => [...line].length > columns), [], String(columns));
      const narrow = figures(text.replaceAll(/\n */g, " "));
      assertEquals(
        figures(wide.replaceAll(/\n */g, " ")).filter((figure) => !narrow.includes(figure)),
        [],
        String(columns),
      );
    }
  });
}

Deno.test("where gate's table goes on below itself, each row is known by its size and threads there, too", () => {
  const text = REPORTS["gate"]!(terminal(60));
  const heads = text.split("\n").filter((line) => /^ verdict /.test(line));
  assert(heads.length > 1, text);
  for (const head of heads) assertMatch(head, /^ verdict +threshold +size +threads +\w/);
  for (const index of MANY) {
    assertEquals(text.match(new RegExp(` ${128 << index} +${1 + index} `, "g"))?.length, heads.length, text);
  }
});

Deno.test("where bench's table goes on below itself, what is said of its loops is not said again", () => {
  for (const file of [fixture(), threadsFixture()]) {
    const said = (columns: number) =>
      renderTerminal(unlike(grown(file)), terminal(columns)).match(/\bloops\s+differ\s+by\b/g)?.length;
    assert(said(200)! > 0);
    assertEquals(said(60), said(200));
  }
});

Deno.test("what emphasises text takes no room, and is about each line of its own", () => {
  const bold = (text: string) => `\x1b[1m${text}\x1b[22m`;
  for (const [name, render] of Object.entries(REPORTS)) {
    const plain = render(terminal(60));
    const painted = render({ bold, dim: bold, green: bold, red: bold, columns: 60, isTerminal: true });
    // deno-lint-ignore no-control-regex -- escape codes are what it is about
    assertEquals(painted.replaceAll(/\x1b\[\d+m/g, ""), plain, name);
    for (const line of painted.split("\n")) {
      assertEquals(line.split("\x1b[1m").length, line.split("\x1b[22m").length, `${name}: ${line}`);
    }
  }
});

Deno.test("what makes a result doubtful stands beside it, in a line", () => {
  assertMatch(renderTerminal(grown(fixture()), terminal(60)), /^(?:.+\n)+noisy: intervals up to 31 % wide\n/);
});

Deno.test("no column is made narrower than a word of usual length", () => {
  const columns = ["verdict", "threshold", "what it is"].map((head) => ({ head, isNumeric: false }));
  const rows = [["GO", "random-mixed, times system", "throughput over that of a peer, at least"]];
  for (let width = 40; width <= 90; width++) {
    const text = textTable(columns, rows, { ...PLAIN, columns: width });
    assertStringIncludes(text, "random-mixed,", `${width}`);
    assertEquals(text.split("\n").filter((line) => line.length > width), [], `${width}`);
  }
});

Deno.test("no line ends between a number and its unit, in any report at any width", () => {
  const torn = /\d\n\s*(?:%|(?:ns|us|ms|KB|MB|GB)\b)/;
  for (const [name, render] of Object.entries(REPORTS)) {
    for (let columns = 60; columns <= 120; columns++) {
      const found = torn.exec(render(terminal(columns)));
      assertEquals(found, null, `${name} at ${columns}: ${found?.[0]}`);
    }
  }
  assertEquals(wrap("a loss of 12 % of it", 12), ["a loss of", "12 % of it"]);
  assertEquals(wrap("in 1.5 ns/op, or 3 sizes", 6), ["in 1.5", "ns/op,", "or 3", "sizes"]);
});
