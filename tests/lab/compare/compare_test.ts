import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { DisagreementError } from "../../../src/lab/contest/agreement.ts";
import { ContestantError } from "../../../src/lab/contest/child.ts";
import { compare, type ComparePlan } from "../../../src/lab/compare/compare.ts";
import type { Contestant } from "../../../src/lab/contest/contestants.ts";
import { allowedProcessors } from "../../../src/os/mod.ts";
import { allowedOf } from "../../os/allowed.ts";
import { forever, planOfSizes, timed } from "./comparing.ts";

function plan(a: Contestant, b: Contestant, sizes?: number[]): ComparePlan {
  return {
    ...planOfSizes(sizes),
    a: { name: "A", spec: { contestant: a } },
    b: { name: "B", spec: { contestant: b } },
    looks: [9, 11],
  };
}

Deno.test("compare() finds what is slower by a tenth, and by how much", async () => {
  const seen = new Set<string>();
  const holds = ({ low, high }: { low: number; high: number }, ratio: number) => low <= ratio && ratio <= high;
  for (let tries = 1;; tries++) {
    const run = await compare(
      plan(timed("a", "60e6 * noise()"), timed("b", "66e6 * noise()")),
      ({ phase, label }) => seen.add(`${phase} ${label === "" ? "" : "B/A"}`),
      forever,
    );
    assertEquals(run.verdict, "regression");
    const [row] = run.rows;
    assertEquals([row?.verdict, row?.rounds, run.rounds.measured], ["regression", 9, 9]);
    assertAlmostEquals(row!.ratio, 1 / 1.1, 0.01);
    assert(holds(row!, row!.ratio) && row!.high < 1 / 1.02);
    assert(seen.has("calibrating ") && seen.has("comparing B/A"));
    if (holds(row!.control, 1)) break;
    assert(tries < 4, "the noise is drawn anew each time, and an interval of 99 % misses in one of a hundred times");
  }
});

Deno.test("compare() finds what is faster, size by size", async () => {
  const b = timed("b", "/ size=128 /.test(line) ? 30e6 * noise() : 60e6 * noise()");
  const run = await compare(plan(timed("a", "60e6 * noise()"), b, [128, 256]), () => {}, forever);
  assertEquals(run.rows.map(({ size, verdict }) => [size, verdict]), [[128, "improvement"], [256, "equivalent"]]);
  assertEquals(run.verdict, "improvement");
  // Each of three contestants, twice there and back, for each size.
  assertEquals(run.slots.length, run.rounds.measured * 2 * 12);
});

Deno.test("compare() says nothing of a machine that slows down, and looks again", async () => {
  const start = Date.now();
  const drifting = (label: string) => timed(label, `60e6 * (1 + (now - ${start}) / 10000)`);
  const run = await compare(plan(drifting("a"), drifting("b")), () => {}, forever);
  assert(["equivalent", "inconclusive"].includes(run.verdict), JSON.stringify(run.rows));
});

Deno.test("compare() looks again only where a row is inconclusive", async () => {
  const wild = "60e6 * (Math.random() < 0.5 ? 1 : 2)";
  const run = await compare(plan(timed("a", wild), timed("b", wild)), () => {}, forever);
  if (run.verdict === "inconclusive") assertEquals(run.rounds.measured, 11);
  assertEquals(["regression", "improvement"].includes(run.verdict), false);
});

Deno.test("compare() asks every contestant for as many threads, and says so in its rows", async () => {
  // Who is asked for one thread only is slower by a half.
  const b = timed("b", "/ threads=2 /.test(line) ? 30e6 * noise() : 60e6 * noise()");
  const run = await compare({ ...plan(timed("a", "60e6 * noise()"), b), threads: 2 }, () => {}, forever);
  assertEquals(run.rows.map(({ threads, verdict }) => [threads, verdict]), [[2, "improvement"]]);
});

Deno.test({
  name: "the processes of a round share a processor, those with several threads do not",
  ignore: allowedProcessors().length < 2,
  async fn() {
    const placesOf = async (threads: number): Promise<string[][]> => {
      const rounds = new Map<string, string[]>();
      const readDisturbance = (processes: readonly number[]) => {
        rounds.set(String(processes), processes.map((process) => allowedOf(process)!));
        return Promise.resolve({ stolen: 0, pressure: 0, others: 0, preemptions: new Map<number, number>() });
      };
      const both = plan(timed("a", "60e6 * noise()"), timed("b", "60e6 * noise()"));
      await compare({ ...both, threads, readDisturbance, looks: [11] }, () => {}, forever);
      return [...rounds.values()];
    };
    const one = await placesOf(1);
    assertEquals(one.length, 11);
    for (const places of one) {
      assertMatch(places[0]!, /^\d+$/);
      assertEquals(new Set(places).size, 1, String(places));
    }
    for (const places of await placesOf(2)) assertEquals(new Set(places), new Set([allowedOf(Deno.pid)!]));
  },
});

Deno.test("compare() gives no verdict on a machine that other work disturbs in every other round, however sure it is", async () => {
  const started = performance.now(), pids = new Set<string>();
  const readDisturbance = (processes: readonly number[]) => {
    pids.add(String(processes)); // each round has processes of its own
    const others = pids.size % 2 === 0 ? performance.now() - started : 0;
    return Promise.resolve({ stolen: 0, pressure: 0, others, preemptions: new Map() });
  };
  const slower = plan(timed("a", "60e6"), timed("b", "90e6"));
  const { verdict, rows, rounds, warnings } = await compare(
    { ...slower, readDisturbance, looks: [9, 11] },
    () => {},
    forever,
  );
  assertEquals([verdict, rows[0]?.verdict, rounds.measured], ["inconclusive", "inconclusive", 11]);
  assertAlmostEquals(rows[0]!.ratio, 60 / 90, 0.01);
  assert(rounds.disturbed! > 0.25 * (rounds.measured + rounds.discarded));
  assertEquals(warnings.some(({ code }) => code === "DISTURBED"), true);
  assertEquals((await compare(slower, () => {}, forever)).verdict, "regression", "the same on a still machine");
});

Deno.test("compare() measures again what was disturbed, and gives its verdict if that was rare", async () => {
  const pids = new Set<string>(), started = performance.now();
  const readDisturbance = (processes: readonly number[]) => {
    pids.add(String(processes));
    const isNow = pids.size === 3 || pids.size === 6;
    return Promise.resolve({
      stolen: 0,
      pressure: 0,
      others: isNow ? performance.now() - started : 0,
      preemptions: new Map(),
    });
  };
  const slower = plan(timed("a", "60e6"), timed("b", "90e6"));
  const { verdict, rounds, notes } = await compare({ ...slower, readDisturbance }, () => {}, forever);
  assertEquals([verdict, rounds.disturbed, rounds.discarded], ["regression", 2, 2]);
  assertEquals(notes, ["2 rounds were measured again: other work, or the machine's host, took its time"]);
});

Deno.test("compare() fails when one does other work", async () => {
  const liar = timed("liar", "60e6");
  const other = {
    ...liar,
    command: { ...liar.command, args: liar.command.args.map((arg) => arg.replaceAll("abcd", "0bad")) },
  };
  await assertRejects(() => compare(plan(liar, other), () => {}, forever), DisagreementError, "did other work");
});

Deno.test("compare() fails when one dies", async () => {
  const fragile = timed("fragile", "Deno.exit(4)");
  await assertRejects(() => compare(plan(fragile, fragile), () => {}, forever), ContestantError, "exit code 4");
});

Deno.test("compare() ends, with all its processes, when it is stopped", async () => {
  const controller = new AbortController();
  let rounds = 0, slots = 0, children: readonly number[] = [];
  const look = ({ phase, done }: { phase: string; done: number }) => {
    if (phase === "comparing") rounds = done;
  };
  // In the middle of the third round, when all processes are there.
  const readDisturbance = (processes: readonly number[]) => {
    children = processes;
    if (rounds === 2 && ++slots === 4) controller.abort(new Error("stopped"));
    return Promise.resolve({ stolen: 0, pressure: 0, others: 0, preemptions: new Map() });
  };
  const same = plan(timed("a", "60e6"), timed("b", "60e6"));
  await assertRejects(() => compare({ ...same, readDisturbance }, look, controller.signal), Error, "stopped");
  assertEquals([slots, children.length], [4, 3], "nothing was measured after that");
  for (const pid of children) assertThrows(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
});

Deno.test("compare() names who runs at one of two speeds for the life of a process, and where", async () => {
  const b = timed(
    "b",
    "/ size=128 /.test(line) && (globalThis.isSlow ??= Math.random() < 0.5) ? 90e6 * noise() : 60e6 * noise()",
  );
  const { warnings } = await compare(
    { ...plan(timed("a", "60e6 * noise()"), b, [128, 256]), looks: [20] },
    () => {},
    forever,
  );
  const bimodal = warnings.filter(({ code }) => code === "BIMODAL");
  assertEquals(bimodal.length, 1, JSON.stringify(warnings));
  const [, fast, many, all, slow, few] = /^B at 128 runs .*: (\S+) ns\/op in (\d+) of (\d+), (\S+) ns\/op in (\d+)$/
    .exec(bimodal[0]!.message)!.map(Number);
  assertAlmostEquals(slow! / fast!, 1.5, 0.05);
  assertEquals([many! + few!, all], [20, 20]);
});

Deno.test("compare() that is stopped gives what was measured, without a verdict, once there is an interval", async () => {
  const controller = new AbortController();
  const stop = ({ phase, done }: { phase: string; done: number }) =>
    phase === "comparing" && done === 8 && controller.abort();
  const run = await compare(plan(timed("a", "60e6 * noise()"), timed("b", "90e6 * noise()")), stop, controller.signal);
  assertEquals([run.interrupted, run.verdict, run.rounds.measured], [true, "inconclusive", 8]);
  assertEquals(run.rows.map(({ verdict, rounds }) => [verdict, rounds]), [["inconclusive", 8]]);
});

Deno.test("compare() that is stopped early gives intervals of the level that its rounds have, and says which", async () => {
  const stoppedAt = (rounds: number) => {
    const controller = new AbortController();
    const stop = ({ phase, done }: { phase: string; done: number }) =>
      phase === "comparing" && done === rounds && controller.abort();
    const two = plan(timed("a", "60e6 * noise()"), timed("b", "90e6 * noise()"), [128, 256]);
    return compare(two, stop, controller.signal);
  };
  const run = await stoppedAt(5);
  assertEquals([run.interrupted, run.verdict, run.rounds.measured], [true, "inconclusive", 5]);
  assertEquals(run.level, 1 - 2 * 2 / 2 ** 5); // two intervals; five differences are all on one side of it twice in 2 ** 5
  for (const { low, ratio, high } of run.rows) assert(low < ratio && ratio < high);
  await assertRejects(() => stoppedAt(2), DOMException, "aborted"); // an interval of 0 %
});
