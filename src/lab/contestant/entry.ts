/**
 * The entry of a Deno child: one allocator, measured turn by turn as the coordinator asks (see `protocol.ts`).
 *
 *     deno run -P entry.ts --allocator thi.ng
 *     deno run -P entry.ts --allocator heap --variant slab-map --source file:///home/me/hakmem
 *
 * Nothing but the allocator's own modules and the workloads is loaded, so that the hot loops see one allocator and V8's
 * type feedback is that of a program which uses it alone.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { openAllocator } from "../../peers/mod.ts";
import { type Allocator, completeParameters, OutOfMemory, type Runner, WORKLOADS } from "../../workloads/mod.ts";
import { Crew, CrewFailed, type CrewOptions } from "./crew/crew.ts";
import { formatChecksum, formatTurn, parseRequest, ProtocolError, type Request, type Turn } from "./protocol.ts";
import { serve } from "./serving.ts";
import { keepUnoptimised, openTierProbe } from "./tier.ts";

const tierOf = openTierProbe();

/** Answers one request. */
type Measure = (request: Request) => Turn | Promise<Turn>;

/** Binds the requests to an allocator. Runners are kept: each parameter set has its own slots, all share one loop. */
function measureWith<P>(allocator: Allocator<P>, options: CrewOptions): Measure {
  const measured = new Map<string, Measured>();
  const crew = new Crew(allocator, tierOf, options);
  return (request) => {
    const { threads = 1 } = request;
    if (threads > 1) return crew.turn({ ...request, threads });
    const key = JSON.stringify([request.workload, request.parameters]);
    let one = measured.get(key);
    if (one === undefined) {
      const workload = WORKLOADS.get(request.workload);
      if (workload === undefined) throw new ProtocolError(`unknown workload ${request.workload}`);
      const parameters = completeParameters(workload, request.parameters);
      one = { runner: workload.prepare(allocator, parameters), perUnit: workload.operationsPerUnit(parameters) };
      keepUnoptimised(one.runner.unit);
      measured.set(key, one);
    }
    return measure(one, request.units);
  };
}

interface Measured {
  readonly runner: Runner;
  /** Operations of a unit. */
  readonly perUnit: number;
}

function measure({ runner, perUnit }: Measured, units: number): Turn {
  runner.begin();
  const start = performance.now();
  runner.unit();
  const checksum = formatChecksum(runner.checksum);
  for (let i = 1; i < units; i++) runner.unit();
  const drained = runner.drain();
  const nanoseconds = (performance.now() - start) * 1e6;
  const tier = tierOf(runner.hot);
  const operations = units * perUnit + drained;
  const turnChecksum = formatChecksum(runner.checksum);
  runner.end();
  return { units, nanoseconds, operations, checksum, turnChecksum, tier };
}

if (import.meta.main) {
  await serve(async () => {
    const { allocator: name = "none", variant = "", source, heaps } = parseArgs(Deno.args, {
      string: ["allocator", "variant", "source", "heaps"],
    });
    const measureRequest: Measure = await openAllocator(
      name,
      variant,
      (allocator) => measureWith(allocator, { name, variant, source, ownHeaps: heaps === "own" }),
      source,
    );
    return async (line) => formatTurn(await measureRequest(parseRequest(line)));
  }, (error) => error instanceof OutOfMemory || error instanceof CrewFailed);
}
