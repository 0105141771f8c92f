/** The history of made-up commits, whose comparisons are made up as well. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InvalidOptionError } from "../../../src/heap/mod.ts";
import {
  curveOf,
  endsOf,
  history,
  type HistoryParts,
  type HistoryPlan,
  statesOf,
} from "../../../src/lab/history/history.ts";
import { type HistoryFile, HistoryFileSchema, parseHistoryState, readChecked } from "../../../src/model/mod.ts";
import { renderHistory, renderHistoryCsv, renderHistoryMarkdown } from "../../../src/report/history.ts";
import { compareFixture } from "../../report/compare_fixture.ts";
import { forever, planOfSizes } from "../compare/comparing.ts";

/** Commits whose throughput is known; two with the same number in a row have one source. */
function commitsOf(speeds: readonly number[]): HistoryPlan["range"]["commits"] {
  let source = 0;
  return speeds.map((speed, at) => ({
    hash: at.toString(16).padStart(4, "0").repeat(10),
    subject: `commit ${at}`,
    author: "A. Author",
    date: "2026-01-02T03:04:05+00:00",
    parents: 1,
    source: at > 0 && speed !== speeds[at - 1] ? ++source : source,
  }));
}

interface World extends Partial<HistoryPlan> {
  readonly speeds: readonly number[];
  readonly broken?: readonly number[];
  /** Called before each comparison. */
  readonly before?: (number: number) => void;
  readonly signal?: AbortSignal;
}

/** Runs one; its state is in a folder that is gone afterwards, if no other is named. */
async function made({ speeds, broken = [], before = () => {}, signal = forever, ...more }: World) {
  const commits = commitsOf(speeds), folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  const compared: [number, number][] = [], told: string[] = [];
  const placeOf = (hash: string) => commits.findIndex((commit) => commit.hash === hash);
  const parts: HistoryParts = {
    tryOut: (_plan, { hash }) => Promise.resolve(broken.includes(placeOf(hash)) ? "its heap does not open" : undefined),
    compare: (_plan, { hash: a }, { hash: b }) => {
      before(compared.length);
      const [from, to] = [placeOf(a), placeOf(b)];
      compared.push([from, to]);
      const run = compareFixture(), [row] = run.rows, ratio = speeds[to]! / speeds[from]!;
      const verdict = ratio < 0.98 ? "regression" : ratio > 1.02 ? "improvement" : "equivalent";
      return Promise.resolve({
        ...run,
        verdict,
        rows: [{ ...row!, ratio, low: ratio * 0.99, high: ratio * 1.01, verdict }],
      });
    },
  };
  try {
    const plan: HistoryPlan = {
      ...planOfSizes(),
      range: { tree: "/tree", commits, notes: [] },
      threads: 1,
      looks: [20, 40],
      leftOut: [],
      fresh: false,
      state: `${folder}/state.json`,
      ...more,
    };
    const run = await history(plan, () => {}, ({ kept }) => told.push(kept ? "kept" : "new"), signal, parts);
    const file = readChecked(HistoryFileSchema, JSON.stringify({ schema: "hakmem.history/1", command: [], ...run }));
    return { file, compared, told };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function changesOf({ changes }: HistoryFile) {
  return changes.map(({ verdict, certainty, from, to }) => [verdict, certainty, from, to]);
}

const SPEEDS = Array.from({ length: 31 }, (_, at) => (at >= 19 ? 0.9 : 1) + at * 1e-6);

Deno.test("history() names the commit that made it slower, and the curve shows where", async () => {
  const { file, compared } = await made({ speeds: SPEEDS });
  assertEquals([changesOf(file), file.verdict], [[["regression", "commit", 18, 19]], "regression"]);
  assertEquals(compared[0], [0, 30]);
  assert(compared.length <= 1 + 5 + 2, JSON.stringify(compared)); // the ends, the middles, a confirmation, the ends again
  for (const { commit, rows } of file.curve) assert(Math.abs(rows[0]!.ratio - (commit >= 19 ? 0.9 : 1)) < 1e-3);
  const text = renderHistory(file);
  assert(
    text.startsWith('REGRESSION: 001300130 "commit 19" is slower than the commit before it; throughput -10.0 % ('),
    text,
  );
  assert(text.split("\n").slice(1).every((line) => line.length <= 100), text);
  assertEquals(renderHistoryCsv(file).trim().split("\n").length, 1 + compared.length);
  assert(renderHistoryMarkdown(file).includes("| regression | 001300130 | 2026-01-02 | commit 19 |"));
});

Deno.test("history() compares no commits between which nothing that is measured differs", async () => {
  const few = await made({ speeds: [1, 1, 1, 0.9, 0.9, 0.9, 0.9] });
  assertEquals([changesOf(few.file), few.compared], [[["regression", "commit", 0, 3]], [[0, 3]]]);
  const none = await made({ speeds: [1, 1, 1] });
  assertEquals([none.file.verdict, none.compared], ["equivalent", []]);
  assert(
    renderHistory(none.file).startsWith(
      "equivalent: nothing that is measured differs between 000000000 and 000200020\n",
    ),
  );
});

Deno.test("history() leaves out what does not run, and what is to be left out, and says so", async () => {
  const { file } = await made({ speeds: SPEEDS, broken: [30, 15], leftOut: [commitsOf(SPEEDS)[14]!.hash] });
  assertEquals(changesOf(file), [["regression", "commit", 18, 19]]);
  assertEquals(file.commits.flatMap(({ skipped }, at) => skipped === undefined ? [] : [[at, skipped]]), [
    [14, "left out by --skip"],
    [15, "its heap does not open"],
    [30, "its heap does not open"],
  ]);
  assert(renderHistory(file).includes("2 commits left out (000f000f0, 001e001e0): its heap does not open."));
  const hidden = await made({ speeds: SPEEDS, broken: [18, 19] });
  assertEquals(changesOf(hidden.file), [["regression", "range", 17, 20]]);
  assert(
    renderHistory(hidden.file).startsWith(
      "REGRESSION: one or more of 3 commits from 001200120 to 001400140 are slower",
    ),
  );
  await assertRejects(
    () => made({ speeds: SPEEDS, broken: SPEEDS.map((_, at) => at) }),
    InvalidOptionError,
    "none of 31 revisions runs; the first: its heap does not open",
  );
});

Deno.test("history() that is stopped says what is known, goes on where it was, and repeats no comparison", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" }), state = `${folder}/state.json`;
  try {
    const all: string[] = [];
    for (let run = 0;; run++) {
      const controller = new AbortController();
      const before = (number: number) => {
        if (number < 2) return;
        controller.abort();
        throw new Error("stopped"); // as a process does that is ended
      };
      const { file, compared, told } = await made({ speeds: SPEEDS, state, before, signal: controller.signal });
      all.push(...compared.map(String));
      assertEquals(told, [...Array(2 * run).fill("kept"), ...compared.map(() => "new")]);
      if (file.interrupted !== true) {
        assertEquals(changesOf(file), [["regression", "commit", 18, 19]]);
        break;
      }
      assert(renderHistory(file).startsWith(`NOT FINAL, interrupted after ${2 * run + 2} comparisons; `));
    }
    assertEquals(new Set(all).size, all.length);
    assert(all.length > 4, "it was stopped twice at least");
    const again = await made({ speeds: SPEEDS, state });
    assertEquals([again.compared, again.told.length], [[], all.length]);
    const fresh = await made({ speeds: SPEEDS, state, fresh: true });
    assertEquals(fresh.compared.length, all.length);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("history() that is stopped before anything is known says that", async () => {
  const controller = new AbortController();
  controller.abort();
  const before = () => {
    throw new Error("stopped");
  };
  const { file } = await made({ speeds: SPEEDS, before, signal: controller.signal });
  assertEquals([file.interrupted, file.verdict, file.comparisons], [true, "inconclusive", []]);
  assert(renderHistory(file).includes("nothing is known yet of 000000000 to 001e001e0"));
});

Deno.test("what was inconclusive when a history was done is measured again, and nothing else", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" }), state = `${folder}/state.json`;
  try {
    await made({ speeds: SPEEDS, state });
    const kept = parseHistoryState(await Deno.readTextFile(state));
    const [first, ...others] = kept.comparisons;
    const unclear = { ...first!, found: { ...first!.found, verdict: "inconclusive" as const } };
    await Deno.writeTextFile(state, JSON.stringify({ ...kept, comparisons: [unclear, ...others] }));
    assertEquals((await made({ speeds: SPEEDS, state })).compared, [[0, 30]]);
    await Deno.writeTextFile(state, JSON.stringify({ ...kept, finished: false, comparisons: [unclear, ...others] }));
    const { file, compared } = await made({ speeds: SPEEDS, state });
    assertEquals([compared, changesOf(file)], [[], [["inconclusive", "undecided", 0, 30]]]);
    assert(renderHistory(file).startsWith("inconclusive: whether 001e001e0 is as fast as 000000000; throughput"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what is kept of another history is neither taken nor overwritten", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" }), state = `${folder}/state.json`;
  try {
    await made({ speeds: SPEEDS, state });
    const text = await Deno.readTextFile(state);
    const others: [world: Partial<World>, says: string][] = [
      [{ threads: 2 }, "its threads is 1, not 2"],
      [{ variant: "box" }, 'its variant is nothing, not "box"'],
      [{ slotMilliseconds: 8, fresh: true }, "its slotMilliseconds is 50, not 8"],
      [{ speeds: [...SPEEDS, 1] }, "its until is"],
      [{ traceHash: "abc" }, 'its trace is nothing, not "abc"'],
    ];
    for (const [world, says] of others) {
      await assertRejects(() => made({ speeds: SPEEDS, state, ...world }), InvalidOptionError, says);
    }
    assertEquals(await Deno.readTextFile(state), text);
    await Deno.writeTextFile(state, "{}");
    await assertRejects(
      () => made({ speeds: SPEEDS, state }),
      InvalidOptionError,
      "is not what a history keeps, field schema",
    );
    assertEquals(await Deno.readTextFile(state), "{}");
    await assertRejects(
      () => made({ speeds: SPEEDS, state: `${folder}/no/such/folder.json` }),
      InvalidOptionError,
      "what is measured cannot be kept in",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("endsOf() gives the last state, and that of every so many commits", () => {
  const commits = commitsOf([1, 1, 2, 2, 2, 3, 4, 4]);
  const states = statesOf(commits);
  assertEquals(states, [0, 2, 5, 6]);
  assertEquals(endsOf(states, commits.length), [3]);
  assertEquals(endsOf(states, commits.length, 3), [1, 3]);
  assertEquals(endsOf(states, commits.length, 1), [0, 1, 2, 3]);
  assertEquals(endsOf([0], 4, 2), [0]);
});

Deno.test("curveOf() puts what was compared with a later start on the same curve", () => {
  const { samples: _, ...row } = compareFixture().rows[0]!;
  const pair = (a: number, b: number, ratio: number) => ({
    a,
    b,
    purpose: "ends" as const,
    kept: false,
    verdict: "regression" as const,
    level: 0.99,
    rounds: { measured: 20, discarded: 0, disturbed: 0 },
    date: "",
    warnings: [],
    rows: [{ ...row, ratio, low: ratio * 0.9, high: ratio * 1.1 }],
  });
  const curve = curveOf([pair(2, 9, 0.5), pair(2, 5, 0.8), pair(5, 9, 0.7), pair(5, 7, 0.5)]);
  assertEquals(curve.map(({ commit, rows: [row] }) => [commit, row!.ratio, Number(row!.low.toFixed(4))]), [
    [2, 1, 1],
    [5, 0.8, 0.72],
    [7, 0.4, 0.324],
    [9, 0.5, 0.45],
  ]);
});
