/**
 * `deno bench -P bench/program_bench.ts`: a program as somebody may write it, a hash table whose nodes and values are
 * blocks, against the same with a `Map` of `Uint8Array`. Its functions call malloc and free in several places, each of which
 * V8 has to find room for: the workloads of the lab have one place of each, in a short loop.
 *
 * An iteration is a thousand steps: a key that is there is removed, one that is not is put in.
 *
 * @module
 */
import { Heap } from "../mod.ts";

const STEPS = 1000;
const KEYS = 8192;
const BUCKETS = 4096;
/** Of a node: four words. */
const KEY = 0, NEXT = 1, VALUE = 2, SIZE = 3, NODE_BYTES = 16;

const heap = await Heap.open();
const { malloc, free, i32: words } = heap;
const table = malloc(BUCKETS * 4) >> 2;
words.fill(0, table, table + BUCKETS);

function bucketOf(key: number): number {
  const mixed = Math.imul(key, 0x9e3779b1), more = Math.imul(mixed ^ mixed >>> 15, 0x85ebca6b);
  return table + ((more ^ more >>> 13) & (BUCKETS - 1));
}

function has(key: number): boolean {
  let node = words[bucketOf(key)]! >> 2;
  while (node !== 0 && words[node + KEY] !== key) node = words[node + NEXT]! >> 2;
  return node !== 0;
}

function put(key: number, size: number): void {
  const bucket = bucketOf(key), node = malloc(NODE_BYTES), value = malloc(size);
  if (node === 0 || value === 0) throw new Error("out of memory");
  words[(node >> 2) + KEY] = key;
  words[(node >> 2) + NEXT] = words[bucket]!;
  words[(node >> 2) + VALUE] = value;
  words[(node >> 2) + SIZE] = size;
  words[value >> 2] = key;
  words[bucket] = node;
}

function remove(key: number): void {
  let at = bucketOf(key);
  while (words[(words[at]! >> 2) + KEY] !== key) at = (words[at]! >> 2) + NEXT;
  const node = words[at]!;
  words[at] = words[(node >> 2) + NEXT]!;
  free(words[(node >> 2) + VALUE]!);
  free(node);
}

let state = 12345;

function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 1;
}

const map = new Map<number, Uint8Array>();

Deno.bench({
  name: "a hash table of blocks",
  group: `${STEPS} steps`,
  baseline: true,
  fn() {
    for (let step = 0; step < STEPS; step++) {
      const key = random() & (KEYS - 1);
      if (has(key)) remove(key);
      else put(key, 16 + random() % 112);
    }
  },
});

Deno.bench({
  name: "a Map of Uint8Array",
  group: `${STEPS} steps`,
  fn() {
    for (let step = 0; step < STEPS; step++) {
      const key = random() & (KEYS - 1);
      if (map.has(key)) map.delete(key);
      else map.set(key, new Uint8Array(16 + random() % 112));
    }
  },
});
