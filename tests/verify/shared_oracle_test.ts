import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap } from "../../src/heap/mod.ts";
import { OracleError } from "../../src/verify/oracle.ts";
import { SharedOracle } from "../../src/verify/shared_oracle.ts";

const SLOTS = 8;
const memory = () => new SharedArrayBuffer(SharedOracle.bytesFor(SLOTS));

/** Where a thread ends. */
class End extends Error {}

/** An oracle whose thread ends after so many steps. */
function mortal(heap: Heap, table: SharedArrayBuffer, life: number): SharedOracle {
  return new SharedOracle(heap, table, 0, () => {
    if (life-- === 0) throw new End();
  });
}

Deno.test("blocks of one thread are verified, resized and freed by another", async () => {
  using heap = await Heap.open();
  const table = memory(), one = new SharedOracle(heap, table, 0), other = new SharedOracle(heap, table, 1);
  assertEquals([one.take(0), other.take(0)], [true, false]);
  one.malloc(100);
  assert(one.take(1));
  one.calloc(10, 20_000);
  assert(one.take(2));
  one.alignedAlloc(65_536, 50);
  assertEquals([one.liveBytes, one.peakLiveBytes], [200_150, 200_150]);
  assert(other.take(0) && other.isForeign);
  other.realloc(5000);
  assert(other.take(1) && other.isForeign);
  other.free();
  assert(other.take(2));
  other.inspect();
  assert(other.take(0) && !other.isForeign);
  other.putBack();
  assertEquals(other.audit(0), { inDoubt: 0, lost: 0 });
  assertEquals([other.liveBytes, other.peakLiveBytes, heap.stats().liveBlocks], [5050, 205_050, 2]);
  one.freeAll();
  assertEquals([one.audit(0), heap.stats().liveBlocks], [{ inDoubt: 0, lost: 0 }, 0]);
});

for (const operation of ["malloc", "calloc", "alignedAlloc", "realloc", "free"] as const) {
  Deno.test(`a thread that ends at any step of ${operation}() leaves one block in doubt, and none behind`, async () => {
    using heap = await Heap.open();
    for (let life = 0, isOver = false; !isOver; life++) {
      const table = memory(), auditor = new SharedOracle(heap, table, 1);
      for (const slot of [0, 1]) assert(auditor.take(slot) && auditor.malloc(100) !== 0);
      const oracle = mortal(heap, table, life), isChange = operation === "realloc" || operation === "free";
      assert(oracle.take(isChange ? 0 : 2));
      try {
        if (operation === "malloc") oracle.malloc(3000);
        if (operation === "calloc") oracle.calloc(3, 1000);
        if (operation === "alignedAlloc") oracle.alignedAlloc(1 << 20, 3000);
        if (operation === "realloc") oracle.realloc(3000);
        if (operation === "free") oracle.free();
        isOver = true;
        assert(life >= 2, "there are steps to end at");
      } catch (error) {
        if (!(error instanceof End)) throw error;
        assertThrows(() => auditor.audit(0), OracleError, "in doubt");
        const { inDoubt, lost } = auditor.audit(1);
        assertEquals(inDoubt, 1);
        assert(lost <= (operation === "realloc" ? 2 : 1));
      }
      assertEquals(auditor.audit(0), { inDoubt: 0, lost: 0 });
      auditor.freeAll();
      assertEquals(heap.stats().liveBlocks, 0);
    }
  });
}

Deno.test("an audit finds blocks that are given out twice, gone, damaged, or nobody's", async () => {
  using heap = await Heap.open();
  const make = () => {
    const oracle = new SharedOracle(heap, memory(), 0), ptrs: number[] = [];
    for (const slot of [0, 1]) {
      assert(oracle.take(slot));
      ptrs.push(oracle.malloc(64));
    }
    return { oracle, ptr: ptrs[0]! };
  };
  const finds = (spoil: (made: ReturnType<typeof make>) => void, message: string) => {
    const made = make();
    spoil(made);
    assertThrows(() => made.oracle.audit(0), OracleError, message);
    for (const { ptr } of [...heap.blocks()]) heap.free(ptr);
  };
  finds(({ ptr }) => heap.free(ptr), "has no");
  finds(({ ptr }) => heap.u8[ptr + 63]!++, "something else wrote into");
  finds(() => heap.malloc(10), "nobody has");
  finds(({ oracle, ptr }) => {
    heap.free(ptr);
    assert(oracle.take(2));
    assertEquals(oracle.malloc(64), ptr);
  }, "given out twice");
});
