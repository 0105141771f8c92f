/**
 * Libraries in C on the heap's functions: each client of `bench/clients` does the same in both builds as on malloc, frees
 * all it was given, and no fault is found. Debug builds do less, since each block costs them microseconds.
 */
import { assert, assertEquals } from "@std/assert";
import { CLIENTS, isInstalled } from "../../bench/clients/mod.ts";
import { Heap } from "../../mod.ts";

for (const client of CLIENTS) {
  const skipped = isInstalled(client.library) ? "" : ` (skipped: ${client.library} is not installed)`;
  for (const build of ["release", "debug"] as const) {
    const amount = build === "debug" ? client.debugAmount : client.amount;
    Deno.test({
      name: `${client.name} does with a ${build} heap what it does with malloc: ${amount} ${client.unit}${skipped}`,
      ignore: skipped !== "",
      async fn() {
        const expected = client.run(amount, undefined);
        const lines: string[] = [];
        {
          using heap = await Heap.open({ build, log: (line) => lines.push(line) });
          const allocator = heap.nativeAllocator();
          assertEquals(client.run(amount, allocator), expected);
          assertEquals([allocator.blocks, allocator.errors], [0, []]);
          assertEquals(client.run(Math.ceil(amount / 20), allocator), client.run(Math.ceil(amount / 20), undefined));
          heap.check();
          allocator.close();
          assertEquals(heap.stats().liveBlocks, 0);
        }
        assertEquals(lines, []);
      },
    });
  }
}

const KIB = 1024, MIB = 1024 * KIB;

/** Lua ends the process where it has no memory and is not in a protected call, as while its libraries are loaded. */
const LEAST_BYTES: Readonly<Record<string, number>> = { Lua: 2 * MIB };

for (const client of CLIENTS) {
  const skipped = isInstalled(client.library) ? "" : ` (skipped: ${client.library} is not installed)`;
  Deno.test({
    name: `${client.name} gets no more than the heap may take, says so, and leaves nothing${skipped}`,
    ignore: skipped !== "",
    async fn() {
      const expected = client.run(client.debugAmount, undefined), least = LEAST_BYTES[client.name] ?? 0;
      let refused = 0;
      for (const maxBytes of [64 * KIB, 256 * KIB, 512 * KIB, MIB, 3 * MIB].filter((bytes) => bytes >= least)) {
        using heap = await Heap.open({ maxBytes });
        using allocator = heap.nativeAllocator();
        try {
          assertEquals(client.run(client.debugAmount, allocator), expected);
        } catch (error) {
          assert(error instanceof Error && error.name !== "AssertionError", String(error));
          refused++;
        }
        assertEquals([allocator.blocks, allocator.errors], [0, []]);
        heap.check();
      }
      assert(refused > 0); // otherwise its memory did not come from this heap
    },
  });
}
