/** A process of `stress` whose heap hangs: in the first program of a run, and in each replay that frees a block. */
import type { StressMessage, StressRequest } from "../../../../src/verify/stress/child.ts";

const request = JSON.parse(await new Response(Deno.stdin.readable).text()) as StressRequest;
const sums = { programs: 0, operations: 0, counts: {} };
const say = (message: StressMessage) => Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(message)}\n`));

say({ kind: "program", seed: "program" in request ? request.program.seed : 4, sums });
if (!("program" in request) || request.program.operations.some(({ op }) => op === "free")) { for (;;); }
say({ kind: "done", sums });
