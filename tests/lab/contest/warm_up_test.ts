import { assert, assertEquals } from "@std/assert";
import { warm, warmUp } from "../../../src/lab/contest/warm_up.ts";
import { startScripted } from "../helpers.ts";

const request = { workload: "replay", parameters: {} };

/** Answers as one whose units take so many nanoseconds; `asked` is how many it had before. */
function unitsOf(nanoseconds: string, tier = "turbofan"): string {
  return `
    const asked = globalThis.asked ??= 0, units = Number(/units=(\\d+)/.exec(line)[1]);
    globalThis.asked += units;
    say("ok nanoseconds=" + Math.round(units * (${nanoseconds})) + " operations=" + units +
      " checksum=00000001 slot-checksum=00000001 tier=${tier}");
  `;
}

Deno.test("warmUp() does not take a unit for slow that is only cold", async () => {
  // As a trace of a few thousand events: a first replay is compiled in its course, and takes longer than four slots.
  await using child = await startScripted("cold", unitsOf("[350e6, 130e6, 60e6][asked] ?? 0.2e6"));
  const { units, nanosecondsPerUnit, isStable } = await warmUp(child, request, {
    slotMilliseconds: 10,
    warmMilliseconds: 400,
  });
  assertEquals([nanosecondsPerUnit, isStable], [0.2e6, true]);
  assert(units >= 50 && units < 100, `${units} units make a slot of 10 ms`);
});

Deno.test("warmUp() is done with a unit that stays slow after the second", async () => {
  await using child = await startScripted("slow", unitsOf("100e6 * (1 + asked / 100)"));
  const { units, isStable } = await warmUp(child, request, { slotMilliseconds: 10 });
  assertEquals([units, isStable], [1, true]);
  const { nanoseconds } = await child.run({ ...request, units: 1 });
  assertEquals(nanoseconds, 102e6, "two units were run before");
  // Also if they differ: of a second each, four more are a long wait, and tell nothing.
  await using uneven = await startScripted("uneven", unitsOf("[1000e6, 700e6][asked % 2] + asked"));
  await warmUp(uneven, request, { slotMilliseconds: 10, warmMilliseconds: 400 });
  assertEquals((await uneven.run({ ...request, units: 1 })).nanoseconds, 1000e6 + 2);
});

Deno.test("warm() goes on until a process is as fast as its like, and gives up in the end", async () => {
  const goal = { slotMilliseconds: 10 }, wanted = { ...request, units: 40 };
  const unitsUntilWarm = async (nanoseconds: string) => {
    await using child = await startScripted("late", unitsOf(nanoseconds));
    await warm(child, wanted, 0.25e6, goal);
    return Number((await child.run({ ...request, units: 1 })).nanoseconds);
  };
  assertEquals(await unitsUntilWarm("asked < 300 ? 0.5e6 : asked === 0 ? 0 : 0.25e6 + asked"), 0.25e6 + 310);
  assertEquals(await unitsUntilWarm("0.5e6 + asked"), 0.5e6 + 320);
});
