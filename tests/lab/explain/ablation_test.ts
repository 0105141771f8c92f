import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { flagsToQuery, parseVariant, VARIANTS } from "../../../src/heap/mod.ts";
import { differingFlags, planAblations, subsets, withValuesOf } from "../../../src/lab/explain/ablation.ts";
import { EVIDENCE } from "../../../src/lab/explain/evidence.ts";

Deno.test("a plan of one flag is the two variants themselves", () => {
  const plan = planAblations(parseVariant("phase7-1.3"), parseVariant("phase7-1.2"));
  assertEquals(plan.configurations.map(({ key }) => key), ["a", "b"]);
  assertEquals(plan.ablations.map(({ flag }) => flag), ["readable"]);
  assertEquals(plan.ablations[0]?.fromA, { from: plan.a, to: plan.b });
  assertEquals(plan.ablations[0]?.fromB, { from: plan.a, to: plan.b });
});

Deno.test("a flag that needs another is told apart from it", () => {
  const { ablations } = planAblations(parseVariant("phase7"), parseVariant("e3-1"));
  const integrity = ablations.find(({ flag }) => flag === "integrity")!;
  assertEquals([integrity.fromA?.from.variant, integrity.fromA?.to.variant], [
    "phase7,push=box",
    "phase7,push=box,integrity=1",
  ]);
  const push = ablations.find(({ flag }) => flag === "push")!;
  assertEquals([push.fromB?.from.flags.push, push.fromB?.to.flags.push], ["direct", "box"]);
  assertEquals([push.fromB?.from.flags.integrity, push.fromB?.to.flags.integrity], [0, 0]);
});

Deno.test("of any two variants, each step changes its flag from A's value to B's, and nothing else", () => {
  const name = fc.constantFrom(...Object.keys(VARIANTS));
  fc.assert(fc.property(name, name, (left, right) => {
    const a = parseVariant(left), b = parseVariant(right);
    const { ablations, configurations } = planAblations(a, b);
    assertEquals(ablations.map(({ flag }) => flag), differingFlags(a.flags, b.flags));
    assertEquals(new Set(configurations.map(({ flags }) => flagsToQuery(flags))).size, configurations.length);
    for (const { flag, fromA, fromB } of ablations) {
      for (const step of [fromA, fromB]) {
        if (step === undefined) continue;
        assertEquals([step.from.flags[flag], step.to.flags[flag]], [a.flags[flag], b.flags[flag]]);
        assertEquals(differingFlags(step.from.flags, step.to.flags), [flag]);
        assert(configurations.includes(step.from) && configurations.includes(step.to));
        assertEquals(flagsToQuery(parseVariant(step.to.variant).flags), flagsToQuery(step.to.flags));
      }
    }
  }));
});

Deno.test("each flag of the history's pairs can be changed alone from one side at least", () => {
  for (const [left, right] of [["phase7", "e3-1"], ["box", "e3-1"], ["e3-1", "e3-2"], ["phase7", "box"]] as const) {
    for (const { flag, fromA, fromB } of planAblations(parseVariant(left), parseVariant(right)).ablations) {
      assert(fromA !== undefined || fromB !== undefined, `${left} ${right} ${flag}`);
    }
  }
});

Deno.test("values of A that contradict the rest of B give no build", () => {
  const a = parseVariant("phase7"), b = parseVariant("e3-1");
  assertEquals(withValuesOf(b, a, ["push"]), undefined);
  assertEquals(withValuesOf(b, a, ["push", "integrity"])?.variant, "e3-1,push=direct,integrity=0");
});

Deno.test("subsets come small ones first, and none twice", () => {
  assertEquals(subsets(["a", "b", "c"], 2), [[], ["a"], ["b"], ["c"], ["a", "b"], ["a", "c"], ["b", "c"]]);
  assertEquals(subsets([1, 2, 3, 4], 4).length, 16);
});

Deno.test("every flag has evidence, and what is off is never reached", () => {
  const counts = {
    ...{ mallocs: 1000, frees: 900, fastFrees: 890, slowFrees: 10, frontGateCalls: 10, registryLookups: 7 },
    ...{ mincoreCalls: 5, headerRejects: 3, refills: 2, spills: 1, remoteFrees: 0, slabsTaken: 0, slabsReturned: 0 },
  };
  const reached = (variant: string) =>
    Object.fromEntries(
      Object.entries(EVIDENCE).map(([flag, evidence]) => [flag, evidence.reached(counts, parseVariant(variant).flags)]),
    );
  const phase7 = reached("phase7"), e31 = reached("e3-1"), bug = reached("phase7-macro-bug");
  assertEquals([phase7["push"], e31["push"]], [0, 890 + 998]);
  assertEquals([phase7["integrity"], e31["integrity"]], [0, 890 + 998]);
  assertEquals([phase7["restore"], e31["restore"]], [0, 890]);
  assertEquals([phase7["writeHeader"], bug["writeHeader"]], [998, 0]);
  assertEquals([phase7["readable"], phase7["classify"], phase7["c7"], phase7["prewarm"]], [5, 10, 3, 0]);
});
