/** The TypeScript workloads and their C twins: one random stream, one checksum, whatever the parameters. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Child } from "../../src/lab/contest/child.ts";
import { enter } from "../../src/lab/contest/contestants.ts";
import { completeParameters, type Parameters, WORKLOADS } from "../../src/workloads/mod.ts";
import { answersOf, compilesWithoutWarning } from "../os/run_child.ts";

const CASES: readonly [workload: string, parameters: Parameters][] = [
  ["random-mixed", {}],
  ["random-mixed", { size: 16, "working-set": 64, cycles: 9_999, seed: 1 }],
  ["random-mixed", { size: 4096, "working-set": 1 << 14, cycles: 10_001, seed: 0xffff_ffff }],
  ["random-mixed", { size: 1024, cycles: 1, seed: 0x8000_0000 }],
  ["hot-pair", { size: 16, cycles: 12_345 }],
  ["hot-pair", { size: 4096, cycles: 30_000, seed: 0xffff_0000 }],
  ["larson", {}],
  ["larson", { min: 2, max: 3, chunks: 1, "larson-rounds": 100 }],
  ["larson", { min: 100, max: 5000, chunks: 777, "larson-rounds": 13, seed: 0xdead_beef }],
  ["slow-mix", {}],
  ["slow-mix", { "working-set": 16, cycles: 10_001, seed: 1 }],
  ["slow-mix", { "working-set": 4096, cycles: 9_999, seed: 0xffff_ffff }],
  ["sh6bench", {}],
  ["sh6bench", { min: 2, max: 3, "working-set": 64, cycles: 6_399, seed: 0x8000_0000 }],
  ["sh6bench", { min: 3, max: 1 << 14, "working-set": 128, cycles: 19_267, seed: 0xffff_ffff }],
  ["sh6bench", { cycles: 1, seed: 1 }],
  ["sh8bench", {}],
  ["sh8bench", { min: 2, max: 3, "working-set": 128, cycles: 6_401, seed: 0x8000_0000 }],
  ["sh8bench", { min: 3, max: 1 << 14, "working-set": 256, cycles: 19_267, seed: 0xffff_ffff }],
  ["sh8bench", { cycles: 1, seed: 1 }],
  ["alloc-test", {}],
  ["alloc-test", { "working-set": 256, cycles: 9_999, seed: 1 }],
  ["alloc-test", { "working-set": 1 << 16, cycles: 300_001, seed: 0xffff_ffff }],
  ["mstress", {}],
  ["mstress", { "working-set": 8, cycles: 9_999, seed: 1 }],
  ["mstress", { "working-set": 1 << 14, cycles: 1, seed: 0xffff_ffff }],
  ["rptest", {}],
  ["rptest", { min: 2, max: 3, "working-set": 16, cycles: 9_999, seed: 1 }],
  ["rptest", { min: 17, max: 1 << 15, "working-set": 1 << 13, cycles: 100_101, seed: 0xffff_ffff }],
  ["xmalloc-test", {}],
  ["xmalloc-test", { min: 2, max: 3, cycles: 1, seed: 0xffff_ffff }],
  ["cache-scratch", {}],
  ["cache-thrash", { size: 1, cycles: 101, seed: 0xffff_ffff }],
];

Deno.test("workloads give equal checksums and operations in TypeScript and in C", async (t) => {
  const { contestants } = await enter([], ["system"]);
  const labels = ["none (deno)", "none (native)", "system"];
  await using children = new AsyncDisposableStack();
  const processes: Child[] = [];
  for (const label of labels) {
    const contestant = contestants.find((each) => each.label === label);
    if (contestant === undefined) throw new Error(`${label} is missing: is there a C compiler?`);
    processes.push(children.use(await Child.start(contestant.command)));
  }
  for (const [name, given] of CASES) {
    await t.step(`${name} ${JSON.stringify(given)}`, async () => {
      const workload = WORKLOADS.get(name);
      if (workload === undefined) throw new Error(`no workload ${name}`);
      const parameters = completeParameters(workload, given);
      for (const units of [1, 3]) {
        const slots = [];
        for (const process of processes) slots.push(await process.run({ workload: name, units, parameters }));
        const work = slots.map(({ operations, checksum, turnChecksum }) => ({ operations, checksum, turnChecksum }));
        assertEquals(work, work.map(() => work[0]));
      }
    });
  }
});

Deno.test("a request in C that cannot be is an error, and the process goes on", async () => {
  const { contestants } = await enter([], ["system"]);
  for (const label of ["none (native)", "system"]) {
    const { path, args } = contestants.find((each) => each.label === label)!.command;
    const wrong = [
      "run sh6bench working-set=32", // a batch would free a block twice
      "run sh8bench working-set=1",
      "run sh8bench working-set=64",
      "run cache-thrash size=8192", // more than the block of the allocator that does nothing
      "run random-mixed size=4294967312",
      "run random-mixed size=16x",
      "run random-mixed units=-1",
      "run random-mixed cycles=0",
      "run mstress working-set=131072",
      "run larson chunks=4294967295",
      "run xmalloc-test threads=3",
      "run random-mixed nonsense",
      "run nothing",
      "run",
      "",
      "\x7f".repeat(300),
    ];
    const { code, signal, lines } = await answersOf(path, args, [...wrong, "run hot-pair", ""].join("\n"));
    assertEquals([code, signal, lines.length], [0, null, 1 + wrong.length + 1], lines.join("\n"));
    for (const [index, request] of wrong.entries()) assert(lines[index + 1]!.startsWith("error "), request);
    assert(lines.at(-1)!.startsWith("ok "));
  }
});

Deno.test("several threads give equal checksums and operations in TypeScript and in C, whoever did what", async (t) => {
  const { contestants } = await enter(["slab-map"], ["system", "ffi"]);
  await using children = new AsyncDisposableStack();
  const processes: Child[] = [];
  for (const { label, command } of contestants) {
    if (["hakmem", "system", "ffi", "none (deno)", "none (native)"].includes(label)) {
      processes.push(children.use(await Child.start(command)));
    }
  }
  assertEquals(processes.length, 5);
  for (const [name, workload] of WORKLOADS) {
    const parameters = completeParameters(workload, { seed: 0xffff_fffe });
    for (const [threads, units] of [[2, 3], [4, 2], [1, 1]] as const) {
      await t.step(`${name} with ${threads}`, async () => {
        const slots = [];
        for (const process of processes) slots.push(await process.run({ workload: name, threads, units, parameters }));
        const work = slots.map(({ operations, checksum, turnChecksum }) => ({ operations, checksum, turnChecksum }));
        assertEquals(work, work.map(() => work[0]));
        for (const slot of slots) {
          if (threads === 1) assertEquals(slot.threads, undefined);
          else assertEquals(slot.threads?.reduce((sum, { operations }) => sum + operations, 0), slot.operations);
        }
      });
    }
  }
});

Deno.test("the C program refuses what it cannot do", async () => {
  const { contestants } = await enter([], ["system"]);
  const command = contestants.find(({ label }) => label === "system")?.command;
  if (command === undefined) throw new Error("system is missing: is there a C compiler?");
  const child = new Deno.Command(command.path, { stdin: "piped", stdout: "piped", stderr: "null" })
    .spawn();
  const writer = child.stdin.getWriter();
  const lines = ["run nothing units=1", "walk", "run larson units=1 max=4 min=9", "run hot-pair unit=1", "run"];
  await writer.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
  await writer.close();
  const { code, stdout } = await child.output();
  const answers = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(code, 0);
  assertEquals(answers.map((answer) => answer.split(" ")[0]), ["ready", ...lines.map(() => "error")]);
  assertNotEquals((await new Deno.Command(command.path, { args: ["other"], stderr: "null" }).output()).code, 0);
});

Deno.test("the workloads in C compile without a warning", async (t) => {
  const native = new URL("../../native/", import.meta.url).pathname;
  const sources = [`${native}workloads.c`, `${native}identity.c`];
  for await (const { name } of Deno.readDir(`${native}workloads`)) {
    if (name.endsWith(".c")) sources.push(`${native}workloads/${name}`);
  }
  // The program in two files, how slots are filled, threads, and one for each workload; the cache-* are one.
  assertEquals(sources.length, WORKLOADS.size + 3);
  await compilesWithoutWarning(t, ["-O3"], sources);
  await compilesWithoutWarning(t, ["-O3", "-DDO_NOTHING"], sources);
});
