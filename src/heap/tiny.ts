/**
 * The hot path: malloc and free of small blocks. This is the product; everything else in this folder is what happens
 * when these few lines do not do.
 *
 * malloc: size -> class (a table) -> pop the class's free list. free: pointer -> class -> checks -> push. A list that
 * is empty, full or damaged, and a size or a pointer that is anything but small, goes to a slow path in a call at the
 * end. What V8 makes of it decides the form (each was measured):
 *
 * - The flags are in this module's URL, `tiny.ts?header=byte&...`; as module constants they are folded, and the branches
 *   of the others are gone. A variant's code has type feedback of its own.
 * - What the functions use are *parameters* of `compile` that are never assigned: those V8 folds, address and length
 *   of every array included, when it inlines malloc into a loop. Module variables cost a load, a test for the temporal
 *   dead zone and a map check each.
 * - One array, `words`, has everything: free lists, slab map, tables and links. Each further array is two more 64-bit
 *   constants to load at every access. It ends at 2 GiB, so that a bound is a 32-bit operand.
 * - All is int32: `(size | 0) !== size` costs nothing where size is one, and sends fractions, NaN and large numbers away.
 *   `| 0` and `- 0` behind the slow calls keep the result an int32 as long as it is one.
 * - Conditions are written so that `undefined`, which a detached array reads as, takes the slow path.
 *
 * @module
 */

import { type Flags, flagsFromUrl } from "./flags.ts";
import { DEFAULT_VARIANT, VARIANTS } from "./variants.ts";
import * as layout from "./layout.ts";

/** The flags that this instance of the module was compiled with. */
export const flags: Flags = flagsFromUrl(import.meta.url, VARIANTS[DEFAULT_VARIANT]!);

// V8 folds a module's own constants, but loads imported ones each time.
const FIRST_BLOCK = layout.FIRST_BLOCK;
const SLAB_SHIFT = layout.SLAB_SHIFT;
const SLAB_MAP = layout.SLAB_MAP_OFFSET / 4;
const CLASS_OF = layout.WORD_CLASS_OF;
const INVERSES = layout.WORD_INVERSES;
const HEADER = flags.header === "byte";
const WRITE_HEADER = HEADER && flags.writeHeader === "alloc";
const HEADERLESS_C7 = flags.c7 === "headerless";
const READABLE_ALWAYS = HEADER && flags.readable === "always";
const READABLE_BOUNDARY = HEADER && flags.readable === "boundary";
const INTERIOR = flags.interior === 1;
const AGAIN = flags.again === 1;

/** High four bits of a header; the low four are the class, less one. */
export const HEADER_MAGIC = 0xa0;
const LARGEST_SEED_CLASS = 8;

/** What the hot path works on, and calls where it does not do. */
export interface TinyParts {
  /** The heap in words, its first 2 GiB if it is larger: free lists, tables, and the links in the blocks. */
  readonly words: Int32Array;
  readonly u8: Uint8Array;
  /** Index of the thread cache's first word. */
  readonly cache: number;
  /** The class of a size is at `WORD_CLASS_OF + ((size + bias) >> 4)`, up to `largest`. */
  readonly bias: number;
  readonly largest: number;
  /** An empty list: gives a block, having put others on the list; 0 if there is no memory. */
  readonly refill: (sizeClass: number) => number;
  /** Any size that is not small. */
  readonly mallocSlow: (size: number) => number;
  /** Any pointer that is not freed in a few stores. */
  readonly freeSlow: (ptr: number) => void;
  /** mincore: whether the byte at an offset is mapped. */
  readonly isMapped: (ptr: number) => boolean;
}

/** The two functions of a heap. */
export interface Tiny {
  malloc(size: number): number;
  free(ptr: number): void;
}

/** Makes malloc and free for one heap. */
export function compile(parts: TinyParts): Tiny {
  const { words, u8, cache, bias, largest, refill, mallocSlow, freeSlow, isMapped } = parts;
  return compileParts(
    words,
    u8,
    cache + layout.CACHE_HEADS,
    cache + layout.CACHE_ROOMS,
    bias,
    largest,
    refill,
    mallocSlow,
    freeSlow,
    isMapped,
  );
}

function compileParts(
  words: Int32Array,
  u8: Uint8Array,
  heads: number,
  rooms: number,
  bias: number,
  largest: number,
  refill: (sizeClass: number) => number,
  mallocSlow: (size: number) => number,
  freeSlow: (ptr: number) => void,
  isMapped: (ptr: number) => boolean,
): Tiny {
  function malloc(size: number): number {
    if ((size | 0) !== size || size >>> 0 > largest) return mallocSlow(size) - 0;
    const sizeClass = words[CLASS_OF + ((size + bias) >> 4)]!;
    const ptr = words[heads + sizeClass]!;
    if (!(ptr >= FIRST_BLOCK)) return refill(sizeClass) | 0;
    words[heads + sizeClass] = words[ptr >> 2]!;
    words[rooms + sizeClass] = words[rooms + sizeClass]! + 1;
    if (WRITE_HEADER && !(HEADERLESS_C7 && sizeClass === LARGEST_SEED_CLASS)) {
      u8[ptr - 1] = HEADER_MAGIC | (sizeClass - 1);
    }
    return ptr;
  }

  function free(ptr: number): void {
    if ((ptr | 0) !== ptr) return freeSlow(ptr);
    let sizeClass: number;
    if (HEADER) {
      if (ptr < FIRST_BLOCK) return freeSlow(ptr);
      if (READABLE_ALWAYS || (READABLE_BOUNDARY && (ptr & 0xfff) === 0)) {
        if (!isMapped(ptr - 1)) return freeSlow(ptr);
      }
      const header = u8[ptr - 1]!;
      if ((header & 0xf0) !== HEADER_MAGIC) return freeSlow(ptr);
      sizeClass = (header & 0x0f) + 1;
    } else {
      sizeClass = words[SLAB_MAP + (ptr >>> SLAB_SHIFT)]!;
      if (INTERIOR) {
        // Blocks end where their slab ends: the distance from there is a multiple of the stride. Class 0 has inverse 0.
        const inverse = words[INVERSES + sizeClass]! >>> 0;
        if (!((Math.imul((~ptr & 0xffff) + 1, inverse) >>> 0) < inverse)) return freeSlow(ptr);
      } else if (!(sizeClass > 0)) {
        return freeSlow(ptr);
      }
    }
    const head = words[heads + sizeClass]!, room = words[rooms + sizeClass]!;
    if ((AGAIN && head === ptr) || !(room > 0)) return freeSlow(ptr);
    words[ptr >> 2] = head;
    words[heads + sizeClass] = ptr;
    words[rooms + sizeClass] = room - 1;
  }

  return { malloc, free };
}
