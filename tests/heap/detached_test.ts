/** A program that gives the buffer of the heap's views away: it loses its views, and the heap nothing. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Heap, HeapDetachedError, HeapError } from "../../mod.ts";
import { openVirtualMemory } from "../../src/os/mod.ts";

type Giving = (view: Uint8Array<ArrayBuffer>) => unknown;

const GIVING: Record<string, Giving> = {
  "structuredClone": (view) => structuredClone(view, { transfer: [view.buffer] }),
  "buffer.transfer()": (view) => view.buffer.transfer(),
  "buffer.transfer(16)": (view) => view.buffer.transfer(16),
  "buffer.transferToFixedLength()": (view) => view.buffer.transferToFixedLength(),
  "a byte stream's read(view)": async (view) => {
    const stream = new ReadableStream({
      type: "bytes",
      pull(controller) {
        controller.byobRequest!.respond(1);
      },
    });
    await stream.getReader({ mode: "byob" }).read(view);
  },
  "postMessage": (view) => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(view, [view.buffer]);
    port1.close();
    port2.close();
  },
};

for (const [how, give] of Object.entries(GIVING)) {
  for (const build of ["release", "debug"] as const) {
    for (const shared of [false, true]) {
      const name = `${how}, ${build}${shared ? ", shared" : ""}: the heap goes on, says so, and gives its memory back`;
      Deno.test(name, async () => {
        const lines: string[] = [];
        const system = await openVirtualMemory();
        const heap = await Heap.open({ build, reserveBytes: 2 ** 36, log: (line) => lines.push(line) });
        const other = shared ? await Heap.attach(heap.share()) : undefined;
        const ptr = heap.malloc(100), kept = heap.malloc(50);
        await give(heap.bytes(ptr));
        assertEquals(heap.u8.length, 0);
        assertEquals(
          (assertThrows(() => heap.bytes(ptr), HeapDetachedError) as HeapDetachedError).code,
          "HEAP_DETACHED",
        );
        heap.free(ptr);
        assert(heap.owns(kept));
        assertEquals(heap.ptrAt(heap.pointer(kept)), kept);
        heap.check();
        assertEquals(heap.stats().liveBlocks, 1);
        if (other !== undefined) {
          other.u8[kept] = 7;
          assertEquals(other.bytes(kept, 1)[0], 7);
          other.close();
        }
        heap.close();
        assertEquals(assertThrows(() => heap.malloc(1), HeapError).code, "HEAP_CLOSED");
        for (let at = 1n; at < 16n; at++) {
          assert(!system.isMapped(heap.base + at * 2n ** 32n), `${at} of 16 parts are still mapped`);
        }
        system.close();
        if (build === "debug") assert(lines.some((line) => line.includes("live blocks: 1, of 50 bytes")), lines.join());
      });
    }
  }
}

Deno.test("views are of an ArrayBuffer by type: what wants one takes them without a cast", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(4);
  const bytes: Uint8Array<ArrayBuffer> = heap.bytes(ptr, 4);
  bytes.set([1, 2, 3, 4]);
  assertEquals(await new Blob([bytes]).bytes(), bytes);
  assertEquals(await new Response(bytes).bytes(), bytes);
  assertEquals((await crypto.subtle.digest("SHA-256", bytes)).byteLength, 32);
  const whole: ArrayBuffer[] = [heap.u8.buffer, heap.i8.buffer, heap.u16.buffer, heap.i16.buffer, heap.u32.buffer];
  whole.push(heap.i32.buffer, heap.f32.buffer, heap.f64.buffer, heap.data.buffer);
  assertEquals(new Set(whole).size, 1);
});
