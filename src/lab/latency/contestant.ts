/**
 * The entry of a Deno child that times each operation of a workload: one allocator, one unit again and again, from the
 * seed each time, so that the operations are the same ones. The clock is opened first, as in
 * `../replay/latency_child.ts`.
 *
 *     deno run -P contestant.ts --allocator thi.ng --kinds /tmp/kinds
 *     > latency random-mixed units=20 size=128 working-set=8192 cycles=50000 seed=12345
 *
 * @module
 */
import { LATENCY_MODE, type LatencyClock, openLatencyClock } from "../../os/native/latency.ts";

async function serveLatency(clock: LatencyClock): Promise<never> {
  const { parseArgs } = await import("@std/cli/parse-args");
  const { openAllocator } = await import("../../peers/mod.ts");
  const { completeParameters, OutOfMemory, timed, WORKLOADS } = await import("../../workloads/mod.ts");
  const { parseRequest, ProtocolError } = await import("../contestant/protocol.ts");
  const { latencyPasses } = await import("./passes.ts");
  const { serve } = await import("../contestant/serving.ts");
  return await serve(async () => {
    const { allocator: name = "none", variant = "", kinds: path = "", source } = parseArgs(Deno.args, {
      string: ["allocator", "variant", "kinds", "source"],
    });
    const kinds = Deno.readFileSync(path);
    return await openAllocator(name, variant, (allocator) => {
      const marked = timed(allocator, clock);
      return (line: string) => {
        const { workload: asked, units, parameters } = parseRequest(line.replace(/^latency /, "run "));
        const workload = WORKLOADS.get(asked);
        if (workload === undefined) throw new ProtocolError(`unknown workload ${asked}`);
        const runner = workload.prepare(marked, completeParameters(workload, parameters));
        const runTimed = (mode: number) => {
          runner.begin();
          clock.replay(mode);
          runner.unit();
          runner.drain();
          const missing = mode === LATENCY_MODE.OFF ? 0 : clock.missing();
          clock.replay(LATENCY_MODE.OFF);
          runner.end();
          if (missing !== 0) throw new ProtocolError(`${missing} operations fewer than expected`);
        };
        return latencyPasses(clock, kinds, units, runTimed);
      };
    }, source);
  }, (error) => error instanceof OutOfMemory);
}

if (import.meta.main) await serveLatency(await openLatencyClock());
