/**
 * The entry of a Deno child: one allocator, measured slot by slot as the coordinator asks (see `protocol.ts`).
 *
 *     deno run -P contestant.ts --allocator thi.ng
 *     deno run -P contestant.ts --allocator heap --variant slab-map --source file:///home/me/hakmem
 *
 * Nothing but the allocator's own modules and the workloads is loaded, so that the hot loops see one allocator and V8's
 * type feedback is that of a program which uses it alone.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { openAllocator } from "../peers/mod.ts";
import { type Allocator, completeParameters, type Runner, WORKLOADS } from "../workloads/mod.ts";
import { formatChecksum, formatSlot, parseRequest, ProtocolError, type Request, type Slot } from "./protocol.ts";
import { serve } from "./serving.ts";
import { keepUnoptimised, openTierProbe } from "./tier.ts";

const tierOf = openTierProbe();

/** Answers one request. */
type Measure = (request: Request) => Slot;

/** Binds the requests to an allocator. Runners are kept: each parameter set has its own slots, all share one loop. */
function measureWith<P>(allocator: Allocator<P>): Measure {
  const runners = new Map<string, Runner>();
  return (request) => {
    const key = JSON.stringify([request.workload, request.parameters]);
    let runner = runners.get(key);
    if (runner === undefined) {
      const workload = WORKLOADS.get(request.workload);
      if (workload === undefined) throw new ProtocolError(`unknown workload ${request.workload}`);
      runner = workload.prepare(allocator, completeParameters(workload, request.parameters));
      keepUnoptimised(runner.unit);
      runners.set(key, runner);
    }
    return measure(runner, request.units);
  };
}

function measure(runner: Runner, units: number): Slot {
  runner.begin();
  const start = performance.now();
  runner.unit();
  const checksum = formatChecksum(runner.checksum);
  for (let i = 1; i < units; i++) runner.unit();
  runner.drain();
  const nanoseconds = (performance.now() - start) * 1e6;
  const tier = tierOf(runner.hot);
  const { operations } = runner;
  const slotChecksum = formatChecksum(runner.checksum);
  runner.end();
  return { units, nanoseconds, operations, checksum, slotChecksum, tier };
}

if (import.meta.main) {
  await serve(async () => {
    const options = parseArgs(Deno.args, { string: ["allocator", "variant", "source"] });
    const { allocator = "none", variant = "", source } = options;
    const measureRequest: Measure = await openAllocator(allocator, variant, measureWith, source);
    return (line) => formatSlot(measureRequest(parseRequest(line)));
  });
}
