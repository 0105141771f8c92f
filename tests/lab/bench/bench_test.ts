import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DisagreementError } from "../../../src/lab/contest/agreement.ts";
import { bench, type BenchPlan, type Progress } from "../../../src/lab/bench/bench.ts";
import { ContestantError } from "../../../src/lab/contest/child.ts";
import { type Contestant, enter } from "../../../src/lab/contest/contestants.ts";
import { completeParameters, WORKLOADS } from "../../../src/workloads/mod.ts";
import { okLine, scriptedCommand } from "../helpers.ts";

function planOf(peers: string[], rounds = 6): BenchPlan {
  const workload = WORKLOADS.get("random-mixed");
  assert(workload !== undefined);
  const sizes = [16, 128].map((size) => ({ size, parameters: completeParameters(workload, { size, cycles: 1000 }) }));
  return { workload, sizes, variants: [], peers, rounds, slotMilliseconds: 1, orderSeed: 1 };
}

function scripted(label: string, body: string): Contestant {
  return { allocator: label, runtime: "js", label, language: "deno", command: scriptedCommand(label, body) };
}

const forever = new AbortController().signal;

Deno.test("bench() measures every contestant at every size in every round", async () => {
  const phases = new Set<string>();
  const run = await bench(planOf(["system", "uint8array"]), ({ phase }) => phases.add(phase), forever);
  assertEquals([...phases], ["starting", "warming up", "measuring"]);
  assertEquals(run.isInterrupted, false);
  assertEquals(run.results.length, 4 * 2);
  for (const { samples, tiers, size, checksum, operations } of run.results) {
    assertEquals([samples.length, tiers.length, operations], [6, 6, 1000]);
    assertEquals(checksum, run.results.find((other) => other.size === size)?.checksum);
  }
  const system = run.results.find(({ allocator }) => allocator === "system");
  assertEquals(system?.ratioToSystem, { ratio: 1, low: 1, high: 1 });
});

Deno.test("bench() fails and names the contestant when one reports another checksum", async () => {
  const { contestants } = await enter([], ["system"]);
  const liar = scripted(
    "liar",
    `say("${okLine("00000bad", 1000)}".replace("nanoseconds=1000", "nanoseconds=2000000"));`,
  );
  const error = await assertRejects(
    () => bench(planOf([]), () => {}, forever, { contestants: [liar, ...contestants], notes: [] }),
    DisagreementError,
    "liar did other work",
  );
  assertEquals(error.dissenters, ["liar"]);
});

Deno.test("bench() leaves a peer out that dies, names it, and goes on with the others", async () => {
  const { contestants } = await enter([], []);
  const fragile = scripted("fragile", `console.error("no more"); Deno.exit(4);`);
  const run = await bench(planOf([]), () => {}, forever, { contestants: [...contestants, fragile], notes: [] });
  assertEquals(run.failures?.map(({ allocator, runtime }) => [allocator, runtime]), [["fragile", "js"]]);
  assertStringIncludes(run.failures?.[0]?.message ?? "", "contestant fragile ended with exit code 4");
  assertStringIncludes(run.failures?.[0]?.message ?? "", "no more");
  assertEquals(run.results.map(({ allocator }) => allocator), ["none", "none", "none", "none"]);
});

Deno.test("bench() fails if it is our heap that dies", async () => {
  const heap: Contestant = { ...scripted("heap", "Deno.exit(4);"), runtime: "deno" };
  await assertRejects(
    () => bench(planOf([]), () => {}, forever, { contestants: [heap], notes: [] }),
    ContestantError,
    "contestant heap ended with exit code 4",
  );
});

Deno.test("bench() leaves out a peer whose first unit takes too long, and says so", async () => {
  const { contestants } = await enter([], []);
  const slow = scripted("slow", "await new Promise((done) => setTimeout(done, 60_000));");
  const plan = { ...planOf([]), unitDeadline: 100 };
  const run = await bench(plan, () => {}, forever, { contestants: [slow, ...contestants], notes: [] });
  assertEquals(run.results.some(({ allocator }) => allocator === "slow"), false);
  assertStringIncludes(run.notes.join("\n"), "left out: contestant slow took more than 0.1 s to answer");
  assertEquals(run.failures, undefined); // nobody asked for it
});

/** Whose processes know how many of them were there before: `born`. */
async function counting(label: string, body: string): Promise<Contestant & AsyncDisposable> {
  const births = await Deno.makeTempFile();
  const count = `globalThis.born ??= Deno.statSync("${births}").size;
    if (globalThis.isCounted !== true) Deno.writeTextFileSync("${births}", "+", { append: true });
    globalThis.isCounted = true; ${body}`;
  return { ...scripted(label, count), [Symbol.asyncDispose]: () => Deno.remove(births) };
}

/** Answers a request of one unit or more of a thousand operations, each of so many nanoseconds. */
function answering(nanoseconds: string): string {
  return `say("${okLine("00000001", 1000)}".replace("nanoseconds=1000", "nanoseconds=" + 1000 * (${nanoseconds})));`;
}

Deno.test("bench() leaves a peer out as failed that stops answering in the middle of the rounds", async () => {
  const heap: Contestant = { ...scripted("heap", answering("2000")), runtime: "deno" };
  await using stuck = await counting(
    "stuck",
    `if (born > 2) await new Promise((done) => setTimeout(done, 60_000)); ${answering("2000")}`,
  );
  const contestants = [heap, { ...stuck, command: { ...stuck.command, deadline: 200 } }];
  let measuring = 0;
  const count = ({ phase }: Progress) => measuring += Number(phase === "measuring");
  const run = await bench(planOf([]), count, forever, { contestants, notes: [] });
  assertEquals(run.failures?.map(({ allocator }) => allocator), ["stuck"]);
  assertStringIncludes(run.failures?.[0]?.message ?? "", "contestant stuck took more than 0.2");
  assertEquals(run.results.map(({ allocator, samples }) => [allocator, samples.length]), [["heap", 6], ["heap", 6]]);
  assert(measuring > 12, "the others go on");
});

Deno.test("bench() names a contestant that runs at one of two speeds for the life of a process", async () => {
  await using moody = await counting("moody", answering("born % 2 === 0 ? 2000 : 3000"));
  const steady = scripted("steady", answering("2000"));
  const contestants = [{ ...moody, runtime: "deno" } as const, { ...steady, runtime: "deno" } as const];
  const run = await bench(planOf([]), () => {}, forever, { contestants, notes: [] });
  const named = run.warnings.filter(({ code }) => code === "BIMODAL").map(({ message }) => message);
  assertEquals(
    named,
    [16, 128].map((size) =>
      `hakmem (moody) at ${size} runs at one of two speeds for the life of a process: 2000 ns/op in 3 of 6, 3000 ns/op in 3`
    ),
  );
});

Deno.test("bench() takes no speed for a process's that it has in one half of a slot only", async () => {
  const restless = scripted(
    "restless",
    `const units = Number(/units=(\\d+)/.exec(line)[1]), each = (globalThis.half = !globalThis.half) ? 2000 : 3000;
    say("ok nanoseconds=" + units * 1000 * each + " operations=" + units * 1000 +
      " checksum=00000001 slot-checksum=00000001 tier=turbofan");`,
  );
  const contestants = [{ ...restless, runtime: "deno" } as const];
  const run = await bench({ ...planOf([]), slotMilliseconds: 10 }, () => {}, forever, { contestants, notes: [] });
  assertEquals(run.results.map(({ samples }) => samples), [Array(6).fill(2500), Array(6).fill(2500)]);
  assertEquals(run.warnings.filter(({ code }) => code === "BIMODAL"), []);
});

Deno.test("bench() returns the whole rounds when it is stopped", async () => {
  const controller = new AbortController();
  const stopInThirdRound = ({ phase, done, total }: Progress) => {
    if (phase === "measuring" && done >= 2.5 * total / 6) controller.abort();
  };
  const run = await bench(planOf(["system"]), stopInThirdRound, controller.signal);
  assertEquals([run.isInterrupted, run.rounds.measured, run.rounds.wanted], [true, 2, 6]);
  for (const { samples } of run.results) assertEquals(samples.length, 2);
});

Deno.test("bench() returns nothing when it is stopped before the first round", async () => {
  for (const phase of ["starting", "warming up"]) {
    const controller = new AbortController();
    const stop = (progress: Progress) => progress.phase === phase && controller.abort();
    const run = await bench(planOf(["system"]), stop, controller.signal);
    assertEquals([run.isInterrupted, run.rounds.measured, run.results], [true, 0, []]);
  }
});

Deno.test("bench() gives everyone the same number of units when seconds are given", async () => {
  const run = await bench({ ...planOf(["system"]), seconds: 0.05 }, () => {}, forever);
  const units = new Set(run.results.filter(({ size }) => size === 128).map(({ unitsPerSlot }) => unitsPerSlot));
  assertEquals(units.size, 1);
});

/** Scripted: two threads, and the first unit of a set costs as much as those that follow. */
function crewLine(checksum: string): string {
  return `
    const threads = Number(/threads=(\\d+)/.exec(line)?.[1] ?? 1), units = Number(/units=(\\d+)/.exec(line)[1]);
    const each = Array.from({ length: threads }, () => units * 1000);
    const more = threads === 1 ? "" : " thread-nanoseconds=" + each.map(() => units * 2e6) + " thread-operations=" + each;
    say("ok nanoseconds=" + units * 2e6 + " operations=" + threads * units * 1000 +
      " checksum=${checksum}" + threads + " slot-checksum=${checksum}" + threads + " tier=turbofan" + more);
  `;
}

Deno.test("bench() has a process for each number of threads, and all agree among equals", async () => {
  const contestants = [scripted("a", crewLine("0000000")), scripted("b", crewLine("0000000"))];
  const labels = new Set<string>();
  const run = await bench(
    { ...planOf([]), threads: [1, 2] },
    ({ label }) => labels.add(label),
    forever,
    { contestants, notes: [] },
  );
  assertEquals([...labels].toSorted(), ["", "a", "a with 2 threads", "b", "b with 2 threads"]);
  const who = run.results.map(({ size, threads, allocator, checksum }) =>
    `${size} ${threads} ${allocator} ${checksum}`
  );
  assertEquals(who.slice(0, 4), ["16 1 a 00000001", "16 1 b 00000001", "16 2 a 00000002", "16 2 b 00000002"]);
  assertEquals(run.results.map(({ scaling }) => scaling?.ratio).slice(0, 4), [undefined, undefined, 2, 2]);
  const liar = scripted("liar", crewLine("000000f"));
  await assertRejects(
    () => bench({ ...planOf([]), threads: [2] }, () => {}, forever, { contestants: [...contestants, liar], notes: [] }),
    DisagreementError,
    "random-mixed 16 with 2 threads, first unit: liar did other work",
  );
});

Deno.test("bench() fails when somebody does not say what each thread did", async () => {
  const quiet: Contestant = { ...scripted("quiet", `say("${okLine("00000001", 1000)}");`), runtime: "deno" };
  await assertRejects(
    () => bench({ ...planOf([]), threads: [2] }, () => {}, forever, { contestants: [quiet], notes: [] }),
    ContestantError,
    "contestant quiet with 2 threads failed: it did not say what each of 2 threads did",
  );
});
