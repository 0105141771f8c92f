import { assert, assertEquals } from "@std/assert";
import process from "node:process";
import {
  areDisturbed,
  disturbanceBetween,
  isDisturbed,
  parseDisturbance,
  readDisturbance,
} from "../../src/measure/mod.ts";

/** What `cat` prints of a machine: ticks of 10 ms. */
function files({ user, stolen, own, waited }: { user: number; stolen: number; own: number; waited: number }): string {
  return `cpu  ${user} 0 100 5000 7 0 3 ${stolen} 0 0
cpu0 1 2 3 4 5 6 7 8 9 10
some avg10=0.00 avg60=0.00 avg300=0.00 total=${1000 * waited}
Name:\tdeno
Pid:\t42
voluntary_ctxt_switches:\t9
nonvoluntary_ctxt_switches:\t${own}
42 (a (strange) name) S 1 42 42 0 -1 4194304 100 0 0 0 ${own} 10 0 0 20 0 1 0 224491 3133440
7 (deno) R 1 7 7 0 -1 4194304 100 0 0 0 20 5 3 2 20 0 1 0 224491 3133440
`;
}

Deno.test("parseDisturbance() tells the time of others from that of the processes, and of this one and its children", () => {
  const before = parseDisturbance(files({ user: 1000, stolen: 5, own: 30, waited: 11 }));
  assertEquals(before.others, 10 * (1000 + 100 + 3 - (30 + 10) - (20 + 5 + 3 + 2)));
  const after = parseDisturbance(files({ user: 1050, stolen: 7, own: 60, waited: 12 }));
  assertEquals(disturbanceBetween(before, after, 42), { stolenMs: 20, pressureMs: 1, othersMs: 200, preemptions: 30 });
  assertEquals(disturbanceBetween(before, after, 1).othersMs, 200, "whoever is asked for");
});

Deno.test("parseDisturbance() knows nothing where the system says nothing", () => {
  const nothing = parseDisturbance("");
  assertEquals(disturbanceBetween(nothing, nothing, 1), {});
});

/** Milliseconds that the processors worked since the machine was started, all together. */
async function worked(): Promise<number> {
  const { stdout } = await new Deno.Command("cat", { args: ["/proc/stat"] }).output();
  const [user, nice, system, _idle, _waiting, irq, softirq] = /^cpu +(.*)$/m.exec(new TextDecoder().decode(stdout))![1]!
    .split(" ").map(Number) as [number, number, number, number, number, number, number];
  return 10 * (user + nice + system + irq + softirq);
}

Deno.test({
  name: "readDisturbance() does not take this process's own work for that of others",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const OWN = 300, UNSURE = 50; // milliseconds: of the process and its children, four figures in steps of 10 are read
    const all = await worked(), before = await readDisturbance([]), start = process.cpuUsage();
    for (let used = start; used.user + used.system < start.user + start.system + 1000 * OWN;) used = process.cpuUsage();
    const others = (await readDisturbance([])).others! - before.others!;
    const most = await worked() - all - OWN; // however busy the machine is
    assert(others <= most + UNSURE, `${others} ms, of ${most} that others can have worked`);
  },
});

Deno.test("isDisturbed() looks at the whole round for other work, and at each slot for the host", () => {
  const slots = (othersMs: number, stolenMs = 0) => [{ othersMs, stolenMs }, { othersMs: 0, stolenMs: 0 }];
  assertEquals(isDisturbed(slots(0), 1000, 2), false);
  assertEquals(isDisturbed(slots(190), 1000, 2), false, "a core in ten of two");
  assertEquals(isDisturbed(slots(210), 1000, 2), true);
  assertEquals(isDisturbed(slots(210), 1000, 4), false, "four cores have more to spare");
  assertEquals(isDisturbed(slots(0, 10), 1000, 2), false);
  assertEquals(isDisturbed(slots(0, 20), 1000, 2), true);
  assertEquals(isDisturbed([{}, {}], 1000, 2), false, "what is not known disturbs nothing");
});

Deno.test("areDisturbed() allows a fifth of the rounds", () => {
  assertEquals([areDisturbed(0, 20), areDisturbed(4, 20), areDisturbed(5, 20)], [false, false, true]);
});
