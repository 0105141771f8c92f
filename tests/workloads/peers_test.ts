/** Every workload on every allocator that lives in Deno: the same work, whatever the pointers are. */
import { assertEquals } from "@std/assert";
import { DEFAULT_VARIANT } from "../../src/heap/mod.ts";
import { openAllocator, PEERS } from "../../src/peers/mod.ts";
import { type Allocator, completeParameters, type Parameters, WORKLOADS } from "../../src/workloads/mod.ts";

const ALLOCATORS = ["heap", ...PEERS.filter(({ language }) => language === "deno").map(({ name }) => name)];
const LITTLE: Readonly<Record<string, number>> = {
  "cycles": 3000,
  "working-set": 256,
  "chunks": 100,
  "larson-rounds": 5,
};

/** Last operations and checksum of two units of each workload. */
function workOf<P>(allocator: Allocator<P>): Record<string, [drained: number, checksum: number]> {
  return Object.fromEntries(
    [...WORKLOADS].map(([name, workload]) => {
      const given: Parameters = Object.fromEntries(
        Object.entries(LITTLE).filter(([parameter]) => workload.parameters[parameter] !== undefined),
      );
      const runner = workload.prepare(allocator, completeParameters(workload, given));
      runner.begin();
      runner.unit();
      runner.unit();
      const drained = runner.drain();
      runner.end();
      return [name, [drained, runner.checksum]];
    }),
  );
}

for (const name of ALLOCATORS) {
  Deno.test({
    name: `all workloads do the same work on ${name} as on an allocator that does nothing`,
    sanitizeResources: false, // allocators stay open for the rest of their process, which is otherwise a child
    fn: async () => {
      const expected = await openAllocator("none", "", workOf);
      assertEquals(await openAllocator(name, DEFAULT_VARIANT, workOf), expected);
    },
  });
}
