/**
 * Is `compare` honest on this machine? Ten comparisons of the default variant with itself, none of which may end in a
 * regression or an improvement; then one with a build that is slower by 5 %, and one by 10 %, both of which are to be
 * found. The slowness is a spin of a known time in every 16,384th malloc; how long it is follows from an eleventh
 * comparison, of the build that spins for no time with itself. And are the loops in C honest, with which native
 * allocators are measured? They are compared with an independent program.
 *
 *     deno task honesty
 *     deno task honesty --comparisons 3
 *
 * It takes ten to twenty minutes. That the verdict is honest in 10,000 comparisons is simulated, in
 * `tests/measure/verdict_simulation_test.ts`.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { median } from "simple-statistics";
import { compare, type ComparePlan, type CompareRun } from "../src/lab/compare/compare.ts";
import { heapContestant } from "../src/lab/contest/contestants.ts";
import { compareWithWitness, WITNESSED, witnessedPeers } from "../src/lab/doctor/witness.ts";
import { freshSeed } from "../src/measure/mod.ts";
import { witnessHeadline } from "../src/report/witness.ts";
import { completeParameters, WORKLOADS } from "../src/workloads/mod.ts";

const ROOT = new URL("../", import.meta.url).href;
const VARIANT = "slab-map";
const MALLOCS_PER_SPIN = 16_384;

/** A copy of the library, in which every so many mallocs spin. Returns the URL of its folder. */
async function spinning(folder: string, nanoseconds: number): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/mod.ts`,
    `import { Heap as Real } from "${ROOT}mod.ts";
let mallocs = 0;
function spin() {
  const end = performance.now() + ${nanoseconds / 1e6};
  while (performance.now() < end);
}
export const Heap = {
  async open(options) {
    const heap = await Real.open(options), real = heap.malloc;
    const malloc = (size) => {
      if ((++mallocs & ${MALLOCS_PER_SPIN - 1}) === 0) spin();
      return real(size);
    };
    return { malloc, free: heap.free, u8: heap.u8, alignedAlloc: heap.alignedAlloc.bind(heap) };
  },
};
`,
  );
  return `file://${folder}`;
}

function planOf(a: string | undefined, b: string | undefined): ComparePlan {
  const workload = WORKLOADS.get("larson")!;
  const parameters = completeParameters(workload, {});
  return {
    workload,
    sizes: [{ size: 128, parameters }],
    slotMilliseconds: 50,
    orderSeed: freshSeed(),
    a: { name: "A", spec: { contestant: heapContestant(VARIANT, "A", a) } },
    b: { name: "B", spec: { contestant: heapContestant(VARIANT, "B", b) } },
  };
}

async function tell(what: string, plan: ComparePlan): Promise<CompareRun> {
  const run = await compare(plan, () => {}, new AbortController().signal);
  const row = run.rows[0]!;
  const interval = `${row.ratio.toFixed(3)} (${row.low.toFixed(3)}-${row.high.toFixed(3)})`;
  const control = `${row.control.low.toFixed(3)}-${row.control.high.toFixed(3)}`;
  console.log(`${what.padEnd(29)} ${interval.padEnd(21)} A/A ${control}  ${row.rounds} rounds  ${row.verdict}`);
  return run;
}

/** Whether the witness agrees with the twins; says what it found. */
async function askWitness(): Promise<boolean> {
  const plan = { workloads: WITNESSED, peers: witnessedPeers(), orderSeed: freshSeed() };
  const found = await compareWithWitness(plan, () => {}, new AbortController().signal);
  console.log(`witness: ${witnessHeadline(found)}`);
  return found.verdict === "agrees";
}

const { comparisons = "10" } = parseArgs(Deno.args, { string: ["comparisons"] });
const folder = await Deno.makeTempDir();
try {
  const still = await spinning(`${folder}/still`, 0);
  let falseVerdicts = 0;
  let nanoseconds = 0;
  for (let index = 0; index <= Number(comparisons); index++) {
    const isLast = index === Number(comparisons), mod = isLast ? still : undefined;
    const { verdict, rows } = await tell(`${isLast ? "a spin of 0 ns" : "hakmem"} against itself`, planOf(mod, mod));
    if (verdict === "regression" || verdict === "improvement") falseVerdicts++;
    nanoseconds = median(rows[0]!.samples.a);
  }
  let missed = 0;
  for (const share of [0.05, 0.1]) {
    const slow = await spinning(`${folder}/slow-${share}`, share * nanoseconds * MALLOCS_PER_SPIN);
    const { verdict } = await tell(`slower by ${100 * share} %`, planOf(still, slow));
    if (verdict !== "regression") missed++;
  }
  const hasWitness = await askWitness();
  console.log(`${falseVerdicts} of ${Number(comparisons) + 1} false verdicts, ${missed} of 2 losses missed`);
  Deno.exitCode = falseVerdicts + missed === 0 && hasWitness ? 0 : 1;
} finally {
  await Deno.remove(folder, { recursive: true });
}
