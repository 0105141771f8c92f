/**
 * The hot path: malloc and free of small blocks. This is the product; everything else in the heap is what happens
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
 *   constants to load at every access. It ends at 2 GiB of blocks, so that a bound is a 32-bit operand. The state is in
 *   front of pointer 0, out of the reach of programs: so a link's index takes an addition, a fiftieth of random-mixed.
 * - All is int32: `(size | 0) !== size` costs nothing where size is one, and sends fractions, NaN and large numbers away.
 *   `| 0` and `- 0` behind the slow calls keep the result an int32 as long as it is one.
 * - `| 0` throws a plain TypeError for a bigint or a symbol, which has to be a typed one. Nothing that V8 expects there can
 *   throw, so the `try` around it is gone from the machine code.
 * - V8 inlines by the length of the bytecode, at most 920 bytes into a function, and a copy for each place that calls.
 *   Branches of other flags count though they are gone in the end. So the default variant has two functions of its own,
 *   171 and 199 bytes long; those for all flags have 284 and 434, and what is not of the header variants is a call in them.
 *   What the slow paths are made of is not inlined (`outOfLine` in `../release.ts`, `RemoteFrees.free`).
 * - Conditions are written so that `undefined`, which a detached array reads as, takes the slow path.
 *
 * @module
 */

import { COUNTER } from "../state/counters.ts";
import { type Flags, flagsFromUrl } from "../flags.ts";
import { DEFAULT_VARIANT, VARIANTS } from "../variants.ts";
import * as layout from "../state/layout.ts";
import * as ring from "../core/trace.ts";

/** The flags that this instance of the module was compiled with. */
export const flags: Flags = flagsFromUrl(import.meta.url, VARIANTS[DEFAULT_VARIANT]!);

// V8 folds a module's own constants, but loads imported ones each time.
const FIRST_BLOCK = layout.FIRST_BLOCK;
const SLAB_SHIFT = layout.SLAB_SHIFT;
const SLAB_MAP = layout.SLAB_MAP_OFFSET / 4;
const INVERSES = layout.INVERSES_OFFSET / 4;
const HEADER = flags.header === "byte";
const CLASS = layout.MAX_CLASSES - 1;
const WRITE_HEADER = HEADER && flags.writeHeader === "alloc" && flags.fault !== "drop-header";
const HEADERLESS_C7 = flags.c7 === "headerless";
const READABLE_ALWAYS = HEADER && flags.readable === "always";
const READABLE_BOUNDARY = HEADER && flags.readable === "boundary";
const BOX = flags.push === "box";
// Restoring is what box-lite is for; the flag says it for the others.
const RESTORE = HEADER && flags.restore === 1;
const INTEGRITY = flags.integrity;
const TRACK = flags.track === 1;
const INTERIOR = flags.interior === 1;
const AGAIN = flags.again === 1;
const LINKS = flags.links === 1;
// A header does not say who owns the slab, so the lists of those variants have blocks of any owner's.
const OWN_LINKS = LINKS && !HEADER;
const COUNTERS = flags.counters === 1;
const { mallocs: MALLOCS, frees: FREES, fastFrees: FAST_FREES, mincoreCalls: MINCORE_CALLS } = COUNTER;
const HEADER_REJECTS = COUNTER.headerRejects;
const LINK_TWICE = flags.fault === "link-twice";
const MISCOUNT = flags.fault === "miscount";
const FAULTY = LINK_TWICE || MISCOUNT;
/** Whether the hot path is that of the default variant, which is written out: see above. */
const IS_DEFAULT = !HEADER && LINKS && INTERIOR && AGAIN && !BOX && !COUNTERS && !FAULTY;
const CANARY = layout.FREE_CANARY;
const BOX_OPERATIONS = layout.WORD_BOX_OPERATIONS;
const SCAN_LENGTH = 100;
const WHOLE_LENGTH = 65_536; // no list is longer: see the flag `capacity`
const { TRACE_LENGTH, TRACE_PUSH, TRACE_POP } = ring;

const HEADER_MAGIC = layout.HEADER_MAGIC;
const LARGEST_SEED_CLASS = 8;

/** What the Box finds wrong: the pointer that is freed, that it is free already, or the list. */
export type BoxFault = "pointer" | "again" | "list";

/** What the hot path works on, and calls where it does not do. */
export interface TinyParts {
  /** The heap in words, its state and at most 2 GiB of blocks: free lists, tables, and the links in the blocks. */
  readonly words: Int32Array;
  /** Index of the word that pointer 0 leads to. */
  readonly first: number;
  readonly u8: Uint8Array;
  /** Index of the thread cache's first word. */
  readonly cache: number;
  /** What the words of the slab map have for slabs that this thread owns, above the class; 0 for the first thread. */
  readonly tag: number;
  /** The class of a size is at `(size + bias) >> 4`, up to `largest`. */
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
  /** The Box found something: throws, and gives a list up that is damaged. See `FrontGate.reject`. */
  readonly reject: (fault: BoxFault, sizeClass: number, ptr: number) => never;
  /** The counters, written by counting builds only. */
  readonly counts: Float64Array;
  /** The ring of the last list operations, written where the flag `track` is set. */
  readonly trace: Int32Array;
}

/** The two functions of a heap. */
export interface Tiny {
  malloc(size: number): number;
  free(ptr: number): void;
}

/** Makes malloc and free for one heap. */
export function compile(parts: TinyParts): Tiny {
  const {
    words,
    first,
    u8,
    cache,
    tag,
    bias,
    largest,
    refill,
    mallocSlow,
    freeSlow,
    isMapped,
    reject,
    counts,
    trace,
  } = parts;
  return compileParts(
    words,
    u8,
    cache + layout.CACHE_HEADS,
    cache + layout.CACHE_ROOMS,
    tag,
    bias,
    largest,
    refill,
    mallocSlow,
    freeSlow,
    isMapped,
    reject,
    counts,
    trace,
    SLAB_MAP,
    INVERSES,
    first,
    Math.imul,
  );
}

function compileParts(
  words: Int32Array,
  u8: Uint8Array,
  heads: number,
  rooms: number,
  tag: number,
  bias: number,
  largest: number,
  refill: (sizeClass: number) => number,
  mallocSlow: (size: number) => number,
  freeSlow: (ptr: number) => void,
  isMapped: (ptr: number) => boolean,
  reject: (fault: BoxFault, sizeClass: number, ptr: number) => never,
  counts: Float64Array,
  trace: Int32Array,
  slabMap: number,
  inverses: number,
  first: number,
  imul: (a: number, b: number) => number,
): Tiny {
  function malloc(size: number): number {
    const heap = words;
    let whole: number;
    try {
      whole = size | 0;
    } catch {
      return mallocSlow(size);
    }
    if (whole !== size || size >>> 0 > largest) return mallocSlow(size) - 0;
    const sizeClass = heap[(size + bias) >> 4]! | 0; // 0 in a heap that is closed: no slab has that
    const ptr = heap[heads + sizeClass]!;
    if (heap[slabMap + (ptr >>> 16)] !== (sizeClass | tag)) return refill(sizeClass) | 0; // 16 is SLAB_SHIFT
    heap[heads + sizeClass] = heap[first + (ptr >> 2)]!;
    heap[rooms + sizeClass] = heap[rooms + sizeClass]! + 1;
    return ptr;
  }

  function free(ptr: number): void {
    const heap = words;
    let whole: number;
    try {
      whole = ptr | 0;
    } catch {
      return freeSlow(ptr);
    }
    if (whole === ptr) {
      const sizeClass = heap[slabMap + (ptr >>> 16)]! ^ tag;
      // Blocks end where their slab ends: the distance from there is a multiple of the stride. Class 0 has inverse 0, and
      // so has what the word of another owner's slab comes to.
      const inverse = heap[inverses + sizeClass]! >>> 0;
      if ((imul((~ptr & 0xffff) + 1, inverse) >>> 0) < inverse) {
        const head = heap[heads + sizeClass]!, room = heap[rooms + sizeClass]!;
        if (head !== ptr && room > 0) {
          heap[first + (ptr >> 2)] = head;
          heap[heads + sizeClass] = ptr;
          heap[rooms + sizeClass] = room - 1;
          return;
        }
      }
    }
    freeSlow(ptr);
  }

  function mallocByFlags(size: number): number {
    if (COUNTERS) count(MALLOCS);
    let whole: number;
    try {
      whole = size | 0;
    } catch {
      return mallocSlow(size);
    }
    if (whole !== size || size >>> 0 > largest) return mallocSlow(size) - 0;
    const sizeClass = words[(size + bias) >> 4]! | 0; // 0 in a heap that is closed: no slab has that
    const ptr = words[heads + sizeClass]!;
    if (OWN_LINKS ? words[SLAB_MAP + (ptr >>> SLAB_SHIFT)] !== (sizeClass | tag) : !isLink(ptr, sizeClass)) {
      return refill(sizeClass) | 0;
    }
    if (BOX) boxCheck(sizeClass, ptr, TRACE_POP);
    if (WRITE_HEADER) writeHeader(ptr, sizeClass); // before it is taken: a call for which there is no stack would lose it
    words[heads + sizeClass] = words[first + (ptr >> 2)]!;
    words[rooms + sizeClass] = words[rooms + sizeClass]! + 1;
    return ptr;
  }

  function freeByFlags(ptr: number): void {
    if (COUNTERS) count(FREES);
    let whole: number;
    try {
      whole = ptr | 0;
    } catch {
      return freeSlow(ptr);
    }
    if (whole !== ptr) return freeSlow(ptr);
    let sizeClass: number;
    if (HEADER) {
      sizeClass = headerClass(ptr);
      if (sizeClass === 0) return freeSlow(ptr);
    } else {
      sizeClass = words[SLAB_MAP + (ptr >>> SLAB_SHIFT)]! ^ tag;
      if (INTERIOR) {
        const inverse = words[INVERSES + sizeClass]! >>> 0;
        if (!((Math.imul((~ptr & 0xffff) + 1, inverse) >>> 0) < inverse)) return freeSlow(ptr);
      } else if (!((sizeClass - 1) >>> 0 < CLASS)) {
        return freeSlow(ptr);
      }
    }
    const head = words[heads + sizeClass]!, room = words[rooms + sizeClass]!;
    if ((AGAIN && head === ptr) || !(room > 0)) return freeSlow(ptr);
    if (BOX) boxCheck(sizeClass, ptr, TRACE_PUSH);
    if (RESTORE) writeHeader(ptr, sizeClass);
    if (COUNTERS) count(FAST_FREES);
    words[first + (ptr >> 2)] = head;
    words[heads + sizeClass] = ptr;
    words[rooms + sizeClass] = room - 1;
    if (FAULTY) spoil(ptr, sizeClass);
  }

  function isLink(ptr: number, sizeClass: number): boolean {
    return ptr >= FIRST_BLOCK && (!LINKS || (words[SLAB_MAP + (ptr >>> SLAB_SHIFT)]! & CLASS) === sizeClass);
  }

  function writeHeader(ptr: number, sizeClass: number): void {
    if (HEADERLESS_C7 && sizeClass === LARGEST_SEED_CLASS) return;
    u8[ptr - 1] = HEADER_MAGIC | (sizeClass - 1);
  }

  /** The class that the byte in front of a block says, or 0. */
  function headerClass(ptr: number): number {
    if (ptr < FIRST_BLOCK) return 0;
    if (READABLE_ALWAYS || (READABLE_BOUNDARY && (ptr & 0xfff) === 0)) {
      if (COUNTERS) count(MINCORE_CALLS);
      if (!isMapped(ptr - 1)) return 0;
    }
    const header = u8[ptr - 1]!;
    if ((header & 0xf0) === HEADER_MAGIC) return (header & 0x0f) + 1;
    if (COUNTERS) count(HEADER_REJECTS);
    return 0;
  }

  function count(counter: number): void {
    counts[counter] = counts[counter]! + 1;
  }

  /** The bug that was asked for, once in 256 blocks. */
  function spoil(ptr: number, sizeClass: number): void {
    if ((ptr & 0xff0) !== 0) return;
    if (LINK_TWICE) words[first + (ptr >> 2)] = ptr;
    if (MISCOUNT) words[rooms + sizeClass] = words[rooms + sizeClass]! + 1;
  }

  /**
   * The Box: what is checked again at each push and pop, by the flag `integrity`. Guard and contamination (a user
   * pointer where the base of a block is due) always are.
   */
  function boxCheck(sizeClass: number, ptr: number, operation: number): void {
    const fault = operation === TRACE_PUSH ? "pointer" : "list";
    if (INTEGRITY >= 1) {
      if (!(sizeClass >= 1 && words[INVERSES + sizeClass]! > 0)) reject(fault, sizeClass, ptr);
      Atomics.add(words, BOX_OPERATIONS, 1);
    }
    if (TRACK) {
      const at = (trace[TRACE_LENGTH * 3]! & (TRACE_LENGTH - 1)) * 3;
      trace[at] = operation;
      trace[at + 1] = sizeClass;
      trace[at + 2] = ptr;
      trace[TRACE_LENGTH * 3] = trace[TRACE_LENGTH * 3]! + 1;
    }
    if (!(ptr >= FIRST_BLOCK)) reject(fault, sizeClass, ptr);
    const inverse = words[INVERSES + sizeClass]! >>> 0;
    if (!((Math.imul((~ptr & 0xffff) + 1, inverse) >>> 0) < inverse)) reject(fault, sizeClass, ptr);
    if ((words[SLAB_MAP + (ptr >>> SLAB_SHIFT)]! & CLASS) !== sizeClass) reject(fault, sizeClass, ptr);
    const head = words[heads + sizeClass]!;
    if (INTEGRITY >= 2 && head !== 0 && (!(head >= FIRST_BLOCK) || (head & 15) !== 0)) reject("list", sizeClass, head);
    if (INTEGRITY < 3) return;
    if (INTEGRITY >= 4 && operation === TRACE_POP && words[first + (ptr >> 2) + 1] !== (ptr ^ CANARY)) {
      reject("list", sizeClass, ptr);
    }
    let at = operation === TRACE_PUSH ? head : words[first + (ptr >> 2)]!;
    for (let left = INTEGRITY >= 4 ? WHOLE_LENGTH : SCAN_LENGTH; left > 0 && at !== 0; left--) {
      if (at === ptr) reject(operation === TRACE_PUSH ? "again" : "list", sizeClass, ptr);
      if (!(at >= FIRST_BLOCK) || (words[SLAB_MAP + (at >>> SLAB_SHIFT)]! & CLASS) !== sizeClass) {
        reject("list", sizeClass, at);
      }
      if (INTEGRITY >= 4 && words[first + (at >> 2) + 1] !== (at ^ CANARY)) reject("list", sizeClass, at);
      at = words[first + (at >> 2)]!;
    }
    if (INTEGRITY >= 4) {
      if (at !== 0) reject("list", sizeClass, at); // a loop
      if (operation === TRACE_PUSH) words[first + (ptr >> 2) + 1] = ptr ^ CANARY;
    }
  }

  return IS_DEFAULT ? { malloc, free } : { malloc: mallocByFlags, free: freeByFlags };
}
