/** A process of `stress` that a signal ends, as one does that touched memory which is not there. */
import type { StressMessage, StressRequest } from "../../../../src/verify/stress/child.ts";

const request = JSON.parse(await new Response(Deno.stdin.readable).text()) as StressRequest;
const sums = { programs: 0, operations: 0, counts: {} };
const say = (message: StressMessage) => Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(message)}\n`));

say({ kind: "program", seed: 4, sums });
if (!("program" in request) || request.program.operations.some(({ op }) => op === "free")) {
  Deno.kill(Deno.pid, "SIGKILL");
  for (;;); // until it arrives
}
say({ kind: "done", sums });
