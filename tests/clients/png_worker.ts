/** A Worker that has libpng decode an image of a shared heap, and counts the pixels that are not what they should be. */
import { Heap, type SharedHeap } from "../../mod.ts";
import { decode, pixel } from "./png.ts";

export interface Task {
  readonly shared: SharedHeap;
  readonly png: number;
  readonly length: number;
  readonly width: number;
  readonly height: number;
}

export interface Answer {
  /** Where the pixels are, which are the asker's to free. */
  readonly pixels: number;
  /** How many are not what they should be. */
  readonly wrong: number;
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Task>) => void;
  postMessage(answer: Answer): void;
};

scope.onmessage = async ({ data: task }) => {
  const heap = await Heap.attach(task.shared);
  const pixels = decode(heap, task.png, task.length), { width, height } = task;
  let wrong = 0;
  for (let at = 0, y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      if (heap.u32[(pixels + at) / 4] !== pixel(x, y)) wrong++;
    }
  }
  heap.close();
  scope.postMessage({ pixels, wrong });
};
