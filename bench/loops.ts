/**
 * The loops of `sizes_bench.ts`: how a batch of blocks is allocated and freed.
 *
 * @module
 */
import type { Allocator, Slots } from "../src/workloads/mod.ts";

/** Blocks in one iteration. */
export const BATCH = 1000;

/** The order of the frees: at once, the newest first, the oldest first, or a random order. */
export const ORDERS = ["malloc+free pairs", "batch LIFO", "batch FIFO", "random order"] as const;

/** A loop for each order; each runs one batch of a size. */
export type Loops = Readonly<Record<typeof ORDERS[number], (size: number) => void>>;

/**
 * Makes loops for one allocator, from text. Closures of one source share their type feedback, and so do functions that
 * are made of equal text: with three allocators in one process, calls through FFI then took ten times as long.
 */
export function makeLoops<P>(allocator: Allocator<P>): Loops {
  const { malloc, free, nothing } = allocator;
  const slots = allocator.slots(BATCH);
  const order = shuffledIndices();
  const pairs = compile<P>("for (let i = 0; i < n; i++) { const p = malloc(size); slots[0] = p; free(p); }");
  const lifo = compile<P>(`${FILL} for (let i = n - 1; i >= 0; i--) { free(slots[i]); slots[i] = nothing; }`);
  const fifo = compile<P>(`${FILL} for (let i = 0; i < n; i++) { free(slots[i]); slots[i] = nothing; }`);
  const random = compile<P>(
    `${FILL} for (let i = 0; i < n; i++) { const s = order[i]; free(slots[s]); slots[s] = nothing; }`,
  );
  const bind = (loop: Loop<P>) => (size: number) => loop(malloc, free, nothing, slots, order, BATCH, size);
  return {
    "malloc+free pairs": bind(pairs),
    "batch LIFO": bind(lifo),
    "batch FIFO": bind(fifo),
    "random order": bind(random),
  };
}

const FILL = "for (let i = 0; i < n; i++) slots[i] = malloc(size);";

type Loop<P> = (
  malloc: Allocator<P>["malloc"],
  free: Allocator<P>["free"],
  nothing: P,
  slots: Slots<P>,
  order: Int32Array,
  n: number,
  size: number,
) => void;

/** Goes into the text of each loop, so that no two are equal. */
let loopsMade = 0;

function compile<P>(body: string): Loop<P> {
  const parameters = ["malloc", "free", "nothing", "slots", "order", "n", "size"];
  const unique = `/* ${loopsMade++} */`;
  return new Function(...parameters, `${unique} size |= 0; ${body}`) as Loop<P>;
}

/**
 * Runs each loop until V8's last compiler has had it; the warm-up of `deno bench` is too short for that.
 */
export function warmUp(loops: Loops): void {
  for (const order of ORDERS) {
    const end = performance.now() + WARM_UP_MILLISECONDS;
    while (performance.now() < end) loops[order](16);
  }
}

const WARM_UP_MILLISECONDS = 200;

/** A fixed random order: the same in each run. */
function shuffledIndices(): Int32Array {
  const order = Int32Array.from({ length: BATCH }, (_, index) => index);
  let x = 12345;
  for (let left = BATCH - 1; left > 0; left--) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    const chosen = (x >>> 1) % (left + 1);
    const swapped = order[chosen] as number;
    order[chosen] = order[left] as number;
    order[left] = swapped;
  }
  return order;
}
