import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { DEFAULT_VARIANT } from "../../src/heap/mod.ts";
import { DEFAULT_PEERS, HARNESSES, openAllocator, PEERS } from "../../src/peers/mod.ts";
import type { Allocator } from "../../src/workloads/mod.ts";

const IN_DENO = ["heap", ...PEERS.filter(({ language }) => language === "deno").map(({ name }) => name)];

for (const name of IN_DENO) {
  Deno.test({
    name: `openAllocator("${name}") gives blocks that are apart and keep what is written`,
    sanitizeResources: false, // allocators stay open for the rest of their process, which is otherwise a child
    fn: () => checkBlocks(name),
  });
}

async function checkBlocks(name: string): Promise<void> {
  await openAllocator(name, DEFAULT_VARIANT, <P>({ nothing, slots, malloc, free, write, read }: Allocator<P>) => {
    const held = slots(100);
    assertEquals(held.length, 100);
    for (let i = 0; i < held.length; i++) {
      assertEquals(held[i], nothing);
      const pointer = malloc(1 + i * 40);
      assertNotEquals(pointer, nothing);
      write(pointer, 0, i);
      write(pointer, i * 40, i);
      held[i] = pointer;
    }
    const hasView = name !== "ffi"; // there is none of the libc's memory
    for (let i = 0; i < held.length; i++) {
      const pointer = held[i] as P;
      if (hasView) assertEquals([read(pointer, 0), read(pointer, i * 40)], [i, i]);
      free(pointer);
    }
  });
}

Deno.test("openAllocator() gives the same block each time when it does nothing", async () => {
  await openAllocator("none", "", <P>({ malloc, free, nothing }: Allocator<P>) => {
    const pointer = malloc(16);
    free(pointer);
    assertEquals(malloc(4096), pointer);
    assertNotEquals(pointer, nothing);
  });
});

Deno.test({
  name: "openAllocator() gives aligned blocks where the allocator has any",
  sanitizeResources: false, // as above
  fn: async () => {
    const has: string[] = [];
    for (const name of ["none", ...IN_DENO]) {
      await openAllocator(name, DEFAULT_VARIANT, <P>({ alignedAlloc, nothing, free, write }: Allocator<P>) => {
        if (alignedAlloc === undefined) return;
        has.push(name);
        const pointer = alignedAlloc(4096, 100);
        assertNotEquals(pointer, nothing);
        if (name === "heap") assertEquals(Number(pointer) % 4096, 0); // heaps begin at a page
        write(pointer, 99, 1);
        free(pointer);
      });
    }
    assertEquals(has, ["none", "heap"]);
  },
});

Deno.test("openAllocator() throws when no such allocator lives in Deno", async () => {
  await assertRejects(() => openAllocator("system", "", () => {}), Error, "no allocator called system");
});

Deno.test("PEERS and HARNESSES have the names that scripts rely on", () => {
  const names = PEERS.map(({ name }) => name);
  const native = ["mimalloc", "jemalloc", "tcmalloc", "scudo", "hardened", "snmalloc", "rpmalloc"];
  assertEquals(names, ["system", ...native, "ffi", "thi.ng", "assemblyscript", "codemix", "uint8array"]);
  assert(DEFAULT_PEERS.every((name) => names.includes(name)));
  assert(HARNESSES.every(({ name, runtime }) => name === "none" && runtime === "harness"));
});
