/**
 * Does `compare` keep quiet on a machine that is disturbed? Comparisons of the default variant with itself while busy
 * loops come and go at random times, half of the time, on one core and on all of them in turn. Each has to end in
 * `inconclusive`; what the statistics alone would have said stands beside it.
 *
 *     deno run -P bench/disturbed.ts
 *     deno run -P bench/disturbed.ts --experiments 2
 *
 * Twenty take 15 minutes. The rule is that of `src/measure/disturbance.ts`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { compare } from "../src/lab/compare/compare.ts";
import { heapContestant } from "../src/lab/contest/contestants.ts";
import { freshSeed, verdictOf } from "../src/measure/mod.ts";
import { completeParameters, WORKLOADS } from "../src/workloads/mod.ts";

const VARIANT = "slab-map";
const LONGEST_MILLISECONDS = 4000; // of a disturbance, and of the quiet after it

/** Keeps some cores busy at random times until it is aborted; resolves to the share of time in which they were. */
async function disturb(cores: number, signal: AbortSignal): Promise<number> {
  const start = performance.now();
  let busy = 0;
  while (!signal.aborted) {
    await wait(Math.random() * LONGEST_MILLISECONDS, signal);
    const loops = Array.from(
      { length: cores },
      () => new Deno.Command("sh", { args: ["-c", "while :; do :; done"], stdin: "null" }).spawn(),
    );
    const from = performance.now();
    await wait(Math.random() * LONGEST_MILLISECONDS, signal);
    for (const loop of loops) loop.kill("SIGKILL");
    busy += performance.now() - from;
    await Promise.all(loops.map(({ status }) => status));
  }
  return busy / (performance.now() - start);
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    if (signal.aborted) resolve();
  });
}

const { experiments = "20", cores: asked } = parseArgs(Deno.args, { string: ["experiments", "cores"] });
const workload = WORKLOADS.get("larson")!;
const spec = { contestant: heapContestant(VARIANT, VARIANT) };
const byStatistics = new Map<string, number>();
let verdicts = 0;
for (let index = 0; index < Number(experiments); index++) {
  const cores = asked !== undefined ? Number(asked) : index % 2 === 0 ? 1 : navigator.hardwareConcurrency;
  const end = new AbortController();
  const disturbed = disturb(cores, end.signal);
  const plan = {
    workload,
    sizes: [{ size: 128, parameters: completeParameters(workload, {}) }],
    slotMilliseconds: 20,
    orderSeed: freshSeed(),
    a: { name: "A", spec },
    b: { name: "B", spec },
  };
  const { rows: [row], rounds, verdict } = await compare(plan, () => {}, new AbortController().signal);
  end.abort();
  const share = await disturbed;
  const { ratio, low, high, delta } = row!;
  const alone = verdictOf({ value: -Math.log(ratio), low: -Math.log(high), high: -Math.log(low) }, Math.log1p(delta));
  byStatistics.set(alone, (byStatistics.get(alone) ?? 0) + 1);
  if (verdict !== "inconclusive") verdicts++;
  console.log(
    `${cores} busy ${(100 * share).toFixed(0)} % of the time: ${ratio.toFixed(3)} (${low.toFixed(3)}-${
      high.toFixed(3)
    }), ` +
      `${rounds.disturbed} of ${rounds.measured + rounds.discarded} rounds disturbed: ${verdict}; ` +
      `by the statistics alone ${alone}`,
  );
}
const alone = [...byStatistics].map(([verdict, count]) => `${count} ${verdict}`).join(", ");
console.log(`${verdicts} of ${experiments} ended in a verdict; by the statistics alone: ${alone}`);
Deno.exitCode = verdicts === 0 ? 0 : 1;
