/**
 * The stages of the history's hot path: blocks have a header of a byte in front, and there are a few classes. Behind them
 * those that only some variants have, or slow paths.
 *
 * @module
 */
import {
  HEADER_MAGIC,
  inverseOf,
  KIB,
  sizeClasses,
  SLAB_MAP_OFFSET,
  SMALL_SPACE_BYTES,
  viewState,
  WORD_BOX_OPERATIONS,
} from "../../heap/inspect/mod.ts";
import { Heap, type Ptr } from "../../heap/mod.ts";
import { extra, fast, type Stage, type StageLoops, stageLoops } from "./loops.ts";

/** In the order of the path: those of malloc, those of free, and then what only some variants or slow paths have. */
const STAGES: readonly Stage[] = [
  fast("class lookup", "const k = words[CLASS_OF + ((size + 16) >> 4)]; sink = (sink + k) | 0;"),
  fast("pop", "const p = words[HEADS + k]; words[HEADS + k] = words[p >> 2]; sink = (sink + p) | 0;"),
  fast("list check", "if (tables[SLAB_MAP + (p >>> 16)] !== k) return fail(p);"),
  fast("header write", `u8[p - 1] = ${HEADER_MAGIC} | (k - 1);`),
  fast("boundary test", "if ((p & 0xfff) === 0) sink = (sink + 1) | 0;"),
  fast("header read", "const h = u8[p - 1]; sink = (sink + h) | 0;"),
  fast("magic and class check", `if ((h & 0xf0) !== ${HEADER_MAGIC}) return fail(p); const c = (h & 15) + 1;`),
  fast("capacity check", "const room = words[ROOMS + c]; if (!(room > 0)) return fail(p); words[ROOMS + c] = room;"),
  fast("again check", "if (words[HEADS + c] === p) return fail(p);"),
  fast("push", "words[p >> 2] = words[HEADS + c]; words[HEADS + c] = p;"),
  extra("header restore", `u8[p - 1] = ${HEADER_MAGIC} | (c - 1);`),
  extra("Box: class bounds", "if (!(c >= 1 && words[INVERSES + c] > 0)) return fail(p);"),
  extra("Box: atomic counter", "Atomics.add(tables, COUNTER, 1);"),
  extra("Box: guard", "if (!(p >= 65536)) return fail(p);"),
  extra(
    "Box: contamination",
    "const v = words[INVERSES + c] >>> 0; if (!((Math.imul(p | -65536, v) >>> 0) < v)) return fail(p);",
  ),
  extra(
    "Box: head range, alignment",
    "const d = words[HEADS + c]; if (!(d >= 65536) || (d & 15) !== 0) return fail(d);",
  ),
  extra("registry lookup", "if (tables[SLAB_MAP + (p >>> 16)] !== c) return fail(p);"),
  extra("AllocHeader probe", "sink = (sink + words[(p - 16) >> 2]) | 0;"),
  extra(
    "Box: scan of 100 blocks",
    "for (let at = words[p >> 2], left = 100; left > 0; left--) { sink = (sink + at) | 0; at = words[at >> 2]; }",
  ),
];

/** Blocks in the ring of each class. */
const RING = 128;

/** The release path of a header variant without `mincore`, which is a stage of its own in the report. */
const VARIANT = "phase7,c7=header,readable=never";

/** Makes the loops. */
export async function historyLoops(): Promise<StageLoops> {
  const heap = await Heap.open({ variant: VARIANT });
  const { strides, table } = sizeClasses("seed", true);
  const own = heap.malloc(64 * KIB) / 4;
  const offsets = { CLASS_OF: own, HEADS: own + 4096, ROOMS: own + 4352, INVERSES: own + 4608 };
  const words = new Int32Array(heap.u8.buffer, 0, SMALL_SPACE_BYTES / 4), state = viewState(heap);
  words.set(table, offsets.CLASS_OF);
  words.set(strides.map(inverseOf), offsets.INVERSES);
  for (let sizeClass = 1; sizeClass < strides.length; sizeClass++) {
    const ring = Array.from({ length: RING }, (): Ptr => heap.malloc(strides[sizeClass]! - 1));
    ring.forEach((ptr, index) => words[ptr / 4] = ring[(index + 1) % RING]!);
    words[offsets.HEADS + sizeClass] = ring[0]!;
    words[offsets.ROOMS + sizeClass] = 100;
  }
  return stageLoops(VARIANT, heap, STAGES, {
    ...offsets,
    SLAB_MAP: SLAB_MAP_OFFSET / 4,
    COUNTER: WORD_BOX_OPERATIONS,
    words,
    tables: state,
    u8: heap.u8,
  });
}
