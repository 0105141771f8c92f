/**
 * An image that a Worker draws, and nobody copies: the heap is shared, and what is posted is a number.
 * `deno run --allow-ffi --allow-read bench/examples/image.ts`
 */
import { Heap, type Ptr, type SharedHeap } from "../../mod.ts";

const WIDTH = 1920, HEIGHT = 1080;

interface Task {
  readonly shared: SharedHeap;
  readonly image: Ptr;
}

const scope = globalThis as unknown as Worker & { readonly name: string };

async function draw({ shared, image }: Task): Promise<void> {
  using heap = await Heap.attach(shared);
  const pixels = heap.view(Uint32Array, image, WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) pixels[y * WIDTH + x] = 0xff00_0000 | (x & 255) << 8 | (y & 255);
  }
}

if (scope.name === "painter") {
  scope.onmessage = async ({ data }: MessageEvent<Task>) => {
    await draw(data);
    scope.postMessage("done"); // the heap is let go of by now, and can be closed over there
  };
} else {
  using heap = await Heap.open();
  using image = heap.own(WIDTH * HEIGHT * 4);
  const worker = new Worker(import.meta.url, { type: "module", name: "painter" });
  const done = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage({ shared: heap.share(), image: image.ptr } satisfies Task);
  await done;
  worker.terminate();
  const pixels = image.view(Uint32Array);
  console.log("a pixel:", pixels[100 * WIDTH + 200]!.toString(16), "of", pixels.length);
}
