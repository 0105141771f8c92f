/**
 * The stages of the default heap's hot path, as `src/heap/hot/default.ts` has them: on its own tables, and on lists of
 * its blocks.
 *
 * @module
 */
import {
  INVERSES_OFFSET,
  MAX_CLASSES,
  sizeClasses,
  SLAB_MAP_OFFSET,
  SMALL_SPACE_BYTES,
  stateBytes,
  viewState,
  WORD_CLASS_OF,
} from "../../heap/inspect/mod.ts";
import { DEFAULT_VARIANT, Heap } from "../../heap/mod.ts";
import { fast, LARGEST_SIZE, type Stage, type StageLoops, stageLoops } from "./loops.ts";

const STAGES: readonly Stage[] = [
  fast("malloc: is the size small", "if ((size | 0) !== size || size >>> 0 > LARGEST) return fail(size);"),
  fast("malloc: its class, from a table", "const k = words[(size + BIAS) >> 4]; sink = (sink + k) | 0;"),
  fast("malloc: first block of the list", "const p = words[HEADS + k]; sink = (sink + p) | 0;"),
  fast("malloc: is it of the class", "if (words[SLAB_MAP + (p >>> 16)] !== k) return fail(p);"),
  fast("malloc: unlink it", "words[HEADS + k] = words[FIRST + (p >> 2)];"),
  fast("malloc: count the room", "words[ROOMS + k] = words[ROOMS + k] + 1;"),
  fast(
    "free: class, from the slab map",
    "if ((p | 0) !== p) return fail(p); const c = words[SLAB_MAP + (p >>> 16)] ^ 0; sink = (sink + c) | 0;",
  ),
  fast(
    "free: is it a block's start",
    "const v = words[INVERSES + c] >>> 0; if (!((Math.imul(p | -65536, v) >>> 0) < v)) return fail(p);",
  ),
  fast(
    "free: not just freed, and room",
    "const h = words[HEADS + c], room = words[ROOMS + c]; if (h === p || !(room > 0)) return fail(p);",
  ),
  fast("free: link it", "words[FIRST + (p >> 2)] = h; words[HEADS + c] = p;"),
  fast("free: count the room", "words[ROOMS + c] = room - 1;"),
];

/** Room on each list, in each run: more than one takes or gives. */
const ROOM = 2 ** 30;

/** Makes the loops. */
export async function defaultLoops(): Promise<StageLoops> {
  const heap = await Heap.open();
  const { table, bias, largest } = sizeClasses("fine", false);
  const first = stateBytes(heap.u8.length) / 4;
  // As long as the array that the heap itself uses.
  const words = new Int32Array(viewState(heap).buffer, 0, first + SMALL_SPACE_BYTES / 4);
  const heads = first + heap.calloc(2 * MAX_CLASSES, 4) / 4, rooms = heads + MAX_CLASSES;
  for (let size = 1; size <= LARGEST_SIZE; size++) {
    const sizeClass = table[(size + bias) >> 4]!;
    if (words[heads + sizeClass] !== 0) continue;
    const ptr = heap.malloc(size), next = heap.malloc(size);
    words[first + ptr / 4] = next;
    words[first + next / 4] = ptr;
    words[heads + sizeClass] = ptr;
  }
  const reset = () => words.fill(ROOM, rooms, rooms + MAX_CLASSES);
  return stageLoops(DEFAULT_VARIANT, heap, STAGES, {
    BIAS: bias + 16 * WORD_CLASS_OF,
    LARGEST: largest,
    HEADS: heads,
    ROOMS: rooms,
    FIRST: first,
    SLAB_MAP: SLAB_MAP_OFFSET / 4,
    INVERSES: INVERSES_OFFSET / 4,
    words,
  }, reset);
}
