/** The search, over states whose speeds are known: a comparison says what they say. */
import { assert, assertEquals } from "@std/assert";
import { Findings, type FoundChange, search } from "../../../src/lab/history/search.ts";

/** Who is slower by more than this is slower, who is not by more than half of it is equivalent. */
const COUNTS_FROM = 0.02;

interface World {
  /** Nanoseconds of each state. */
  readonly times: readonly number[];
  /** States that do not run. */
  readonly broken?: readonly number[];
  readonly ends?: readonly number[];
  /** What is inconclusive, whatever the times say. */
  readonly isUnclear?: (a: number, b: number) => boolean;
}

async function searched({ times, broken = [], ends = [times.length - 1], isUnclear = () => false }: World) {
  const findings = new Findings();
  await search({
    ends,
    runs: (state) => Promise.resolve(!broken.includes(state)),
    compare: (a, b) => {
      assert(a < b && !broken.includes(a) && !broken.includes(b), `${a} with ${b}`);
      assertEquals(findings.pairs.some((pair) => pair.a === a && pair.b === b), false, "asked twice");
      if (isUnclear(a, b)) return Promise.resolve("inconclusive");
      const longer = times[b]! / times[a]! - 1;
      if (Math.abs(longer) <= COUNTS_FROM / 2) return Promise.resolve("equivalent");
      if (Math.abs(longer) <= COUNTS_FROM) return Promise.resolve("inconclusive");
      return Promise.resolve(longer > 0 ? "regression" : "improvement");
    },
  }, findings);
  return findings;
}

/** Times that are multiplied from some states on. */
function stepped(states: number, steps: Readonly<Record<number, number>>): number[] {
  let time = 100;
  return Array.from({ length: states }, (_, state) => time *= steps[state] ?? 1);
}

/** How many middles a search may take until it has one change among so many states behind the start. */
function mostMiddles(states: number): number {
  return Math.ceil(Math.log2(states));
}

function told(changes: readonly FoundChange[]) {
  return changes.map(({ verdict, certainty, from, to }) => [verdict, certainty, from, to]);
}

function count({ pairs }: Findings) {
  const of = (purpose: string) => pairs.filter((pair) => pair.purpose === purpose).length;
  return { ends: of("ends"), middles: of("middle"), confirmations: of("confirmation") };
}

Deno.test("search() finds one change wherever it is, with log2 n middles and a confirmation at most", async () => {
  for (let states = 2; states <= 40; states++) {
    for (let at = 1; at < states; at++) {
      for (const [factor, verdict] of [[1.1, "regression"], [0.9, "improvement"]] as const) {
        const findings = await searched({ times: stepped(states, { [at]: factor }) });
        assertEquals(told(findings.changes), [[verdict, "commit", at - 1, at]], `${at} of ${states}`);
        const { ends, middles, confirmations } = count(findings);
        assert(middles <= mostMiddles(states - 1), `${middles} for ${at} of ${states}`);
        assert(confirmations <= 1 && ends <= 2, JSON.stringify(findings.pairs));
        const { a, b } = findings.pairs[findings.changes[0]!.comparison]!;
        assertEquals([a, b], [at - 1, at], "what is named was compared with the one before");
      }
    }
  }
  assertEquals([1, 2, 3, 30, 31, 32, 33].map(mostMiddles), [0, 1, 2, 5, 5, 5, 6]);
});

Deno.test("search() compares the ends alone if they are equivalent, and nothing if there is one state", async () => {
  const level = await searched({ times: stepped(30, {}) });
  assertEquals([level.pairs.length, level.changes], [1, []]);
  const alone = await searched({ times: [100] });
  assertEquals([alone.pairs.length, alone.first], [0, 0]);
});

Deno.test("search() finds several changes, each with as few comparisons", async () => {
  const states = 64;
  for (const [one, other] of [[5, 6], [1, 63], [20, 50], [31, 32]] as const) {
    const findings = await searched({ times: stepped(states, { [one]: 1.1, [other]: 1.2 }) });
    assertEquals(told(findings.changes), [
      ["regression", "commit", one - 1, one],
      ["regression", "commit", other - 1, other],
    ]);
    const { middles, ends, confirmations } = count(findings);
    assert(middles <= 2 * mostMiddles(states - 1) && ends <= 3 && confirmations <= 2, JSON.stringify(findings.pairs));
  }
  const three = await searched({ times: stepped(100, { 10: 1.5, 11: 0.8, 70: 0.9 }) });
  assertEquals(told(three.changes).map(([verdict, , , to]) => [verdict, to]), [
    ["regression", 10],
    ["improvement", 11],
    ["improvement", 70],
  ]);
});

Deno.test("search() sees what undoes itself only where it is told to look", async () => {
  const times = stepped(30, { 12: 1.1, 18: 1 / 1.1 });
  assertEquals((await searched({ times })).changes, []);
  assertEquals(told((await searched({ times, ends: [15, 29] })).changes), [
    ["regression", "commit", 11, 12],
    ["improvement", "commit", 17, 18],
  ]);
});

Deno.test("search() steps over what does not run, and gives a range where that hides who it was", async () => {
  const times = stepped(20, { 8: 1.1 });
  assertEquals(told((await searched({ times, broken: [0, 1, 10, 18, 19] })).changes), [["regression", "commit", 7, 8]]);
  const hidden = await searched({ times, broken: [7, 8] });
  assertEquals(told(hidden.changes), [["regression", "range", 6, 9]]);
  const none = await searched({ times, broken: times.map((_, state) => state) });
  assertEquals([none.pairs.length, none.first], [0, undefined]);
  const one = await searched({ times, broken: times.map((_, state) => state).filter((state) => state !== 5) });
  assertEquals([one.pairs.length, one.first], [0, 5]);
});

Deno.test("search() says that many small changes are gradual, and blames none of them", async () => {
  const drift = await searched({ times: Array.from({ length: 20 }, (_, state) => 100 * 1.009 ** state) });
  assert(drift.changes.length > 1);
  for (const { verdict, certainty, from, to } of drift.changes.filter(({ certainty }) => certainty !== "undecided")) {
    assertEquals(verdict, "regression");
    assert(certainty === "gradual" ? to - from > 1 : certainty === "range", JSON.stringify(drift.changes));
  }
});

Deno.test("search() leaves undecided what is, and goes on behind it", async () => {
  const times = stepped(17, { 12: 1.1 });
  const ends = await searched({ times, isUnclear: () => true });
  assertEquals([told(ends.changes), ends.pairs.length], [[["inconclusive", "undecided", 0, 16]], 1]);
  // The start cannot be told from 8, but 8 can be told from what is behind it.
  const half = await searched({ times, isUnclear: (a, b) => a === 0 && b === 8 });
  assertEquals(told(half.changes), [["inconclusive", "undecided", 0, 8], ["regression", "commit", 11, 12]]);
  // What is like the end is not like the start.
  const early = await searched({ times: stepped(17, { 4: 1.1 }), isUnclear: (a, b) => a === 0 && b === 8 });
  assertEquals(told(early.changes), [["regression", "commit", 3, 4]]);
  // Neither end can be told from the middle: it is one of all.
  const stuck = await searched({ times, isUnclear: (a, b) => a === 8 || b === 8 });
  assertEquals(told(stuck.changes), [["regression", "range", 0, 16]]);
  // Who was found cannot be told from the one before: it is probably that one.
  const close = await searched({ times, isUnclear: (a, b) => a === 11 && b === 12 });
  assertEquals(told(close.changes), [["regression", "range", 11, 12]]);
});

Deno.test("search() that fails leaves what it had found", async () => {
  const findings = new Findings();
  let left = 3;
  const compare = () => left-- > 0 ? Promise.resolve("regression" as const) : Promise.reject(new Error("stopped"));
  const failed = await search({ ends: [31], runs: () => Promise.resolve(true), compare }, findings).catch(String);
  assertEquals([failed, findings.pairs.length, findings.changes.length], ["Error: stopped", 3, 0]);
});
