/** An image in a shared heap: libpng encodes it here, and decodes it in Workers, into blocks that are freed here. */
import { assert, assertEquals } from "@std/assert";
import { isInstalled } from "../../bench/clients/mod.ts";
import { Heap } from "../../mod.ts";
import { encode, LIBRARY, pixel } from "./png.ts";
import type { Answer, Task } from "./png_worker.ts";

const SKIPPED = isInstalled(LIBRARY) ? "" : ` (skipped: ${LIBRARY} is not installed)`;
const WIDTH = 1920, HEIGHT = 1080, WORKERS = 2;

for (const build of ["release", "debug"] as const) {
  Deno.test({
    name: `libpng in two Workers decodes what it encoded here, in a ${build} heap${SKIPPED}`,
    ignore: SKIPPED !== "",
    async fn() {
      const heap = await Heap.open({ build });
      const pixels = heap.malloc(WIDTH * HEIGHT * 4);
      for (let y = 0; y < HEIGHT; y++) {
        for (let x = 0; x < WIDTH; x++) heap.u32[pixels / 4 + y * WIDTH + x] = pixel(x, y);
      }
      const { png, length } = encode(heap, pixels, WIDTH, HEIGHT);
      assert(length < WIDTH * HEIGHT * 2, "it was compressed");
      const shared = heap.share();
      const task: Task = { shared, png, length, width: WIDTH, height: HEIGHT };
      const workers = Array.from(
        { length: WORKERS },
        () => new Worker(new URL("png_worker.ts", import.meta.url), { type: "module" }),
      );
      const decoded = await Promise.all(
        workers.map((worker) =>
          new Promise<Answer>((resolve, reject) => {
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
            worker.postMessage(task);
          })
        ),
      );
      for (const worker of workers) worker.terminate();
      for (const { pixels: own, wrong } of decoded) {
        assertEquals(wrong, 0);
        heap.free(own);
      }
      heap.free(pixels);
      heap.free(png);
      heap.check();
      assertEquals(heap.stats().liveBlocks, 0);
      heap.close();
    },
  });
}
