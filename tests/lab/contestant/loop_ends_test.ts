/**
 * V8 replaces a loop while it runs, the first time, by code that knows only what it has seen. Where the loop's end was
 * not among that, the code was left there at each call, hundreds of times, before V8 compiled the function itself; and
 * a process that was measured meanwhile ran at a different speed from its like.
 */
import { assert } from "@std/assert";
import { enter } from "../../../src/lab/contest/contestants.ts";
import { formatRequest } from "../../../src/lab/contestant/protocol.ts";
import { completeParameters, WORKLOADS } from "../../../src/workloads/mod.ts";

const LOOPS: ReadonlyMap<string, string> = new Map([
  ["random-mixed", "mixedChunk"],
  ["larson", "replaceChunk"],
  ["alloc-test", "powerLawChunk"],
  ["sh8bench", "mixedBatches"],
]);
/** How often code may be left that was compiled too early: V8 decides anew in each process. It was 34 to 500. */
const MOST = 20;

Deno.test("V8 does not leave a loop's code again and again at its end", async () => {
  const contestant = (await enter(["slab-map"], [])).contestants.find(({ runtime }) => runtime === "deno")!;
  const { path, args } = contestant.command;
  const traced = args.map((arg) => arg.startsWith("--v8-flags=") ? `${arg},--trace-deopt` : arg);
  const process = new Deno.Command(path, { args: traced, stdin: "piped", stdout: "piped", stderr: "null" }).spawn();
  const requests = [...LOOPS.keys()].flatMap((name) => {
    const workload = WORKLOADS.get(name)!, parameters = completeParameters(workload, {});
    return Array.from({ length: 30 }, () => formatRequest({ workload: name, threads: 1, units: 1, parameters }));
  });
  const writer = process.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(`${requests.join("\n")}\n`)).then(() => writer.close());
  const [{ stdout }] = await Promise.all([process.output(), written]);
  const lines = new TextDecoder().decode(stdout).split("\n");
  for (const [name, loop] of LOOPS) {
    const left = lines.filter((line) => line.includes("bailout") && line.includes(`<JSFunction ${loop} `)).length;
    assert(left < MOST, `${name}: the code of ${loop} was left ${left} times`);
  }
});
