/**
 * The hot path: malloc and free of small blocks, for every set of flags. This is the core of the allocator. What it turns
 * away goes to `front_gate.ts`; the other files of this folder generate it and load it.
 *
 * malloc: size -> class (a table) -> pop the class's free list. free: pointer -> class -> checks -> push. A list that
 * is empty, full or damaged, and a size or a pointer that is anything but small, goes to a slow path in a call at the
 * end.
 *
 * **This is a template.** `generate.ts` makes a module of it for one set of flags: each constant becomes a literal, what a
 * literal decides is decided, and what is left is as short as if it had been written for those flags alone. `default.ts` is
 * that of the default, committed; the others are made when they are first opened. Edit this file, then run `deno task hot`.
 * As it stands the template is a program, too: only tests run it, which check that what is generated behaves like it. The
 * parameters of `compile` are explained in `parts.ts`, the constants in `constants.ts`. So that the generator can stay
 * simple, a constant that is true or false stands only
 *
 * - alone or negated, as the condition of an `if`,
 * - and in front of a `?` whose line has nothing else: `const x = FLAG ? a : b;`.
 *
 * What V8 makes of it decides the form (each was measured):
 *
 * - V8 inlines by the length of the bytecode, at most 920 bytes into a function, and a copy for each place that calls.
 *   Branches that a constant decides count though they are gone in the end; those of a literal do not.
 *   What the slow paths are made of is not inlined (`outOfLine` in `../release.ts`, `RemoteFrees.free`).
 * - A slow call that is ever made, however rarely, is compiled into the loop of the program. A second one next to `refill`,
 *   for blocks that are sampled, cost a tenth of random-mixed, and the countdown nothing: so `refill` takes those, too.
 * - What the functions use are *parameters* of `compile` that are never assigned: those V8 folds, address and length
 *   of every array included, when it inlines malloc into a loop. Module variables cost a load, a test for the temporal
 *   dead zone and a map check each.
 * - One array, `words`, has everything: free lists, slab map, tables and links. Each further array is two more 64-bit
 *   constants to load at every access. It ends at 2 GiB of blocks, so that a bound is a 32-bit operand. The state is in
 *   front of pointer 0, out of the reach of programs: so a link's index takes an addition. That comes before the shift: behind
 *   it, it cost a fiftieth of random-mixed.
 * - All is int32: `(size | 0) !== size` costs nothing where size is one, and sends fractions, NaN and large numbers away.
 *   `| 0` and `- 0` behind the slow calls keep the result an int32 as long as it is one.
 * - `| 0` throws a plain TypeError for a bigint or a symbol, which has to be a typed one. Nothing that V8 expects there can
 *   throw, so the `try` around it is gone from the machine code.
 * - Conditions are written so that `undefined`, which a detached array reads as, takes the slow path.
 *
 * @module
 */

import type { Constants } from "./constants.ts";
import type { Compile } from "./parts.ts";

/** The hot path as it stands here, with constants in the place of literals. */
export function template(constants: Constants): Compile {
  const { HEADER, WRITE_HEADER, RESTORE, HEADERLESS_C7, READABLE_ALWAYS, READABLE_BOUNDARY } = constants;
  const { GUARD, GUARD_LEFT } = constants;
  const { INTERIOR, AGAIN, OWN_LINKS, LINKS, COUNTERS, TRACK, PROFILE, COUNTDOWN } = constants;
  const { BOX, BOX_BOUNDS, BOX_HEAD, BOX_SCAN, BOX_CANARIES, SCAN_LENGTH } = constants;
  const { MALLOCS, FREES, FAST_FREES, MINCORE_CALLS, HEADER_REJECTS, BOX_OPERATIONS } = constants;
  const { FIRST_BLOCK, CLASS, CLASS_BITS, HEADER_MAGIC, LARGEST_SEED_CLASS, CANARY, SAMPLE_LEFT } = constants;
  const { TRACE_PUSH, TRACE_POP, TRACE_COUNT, TRACE_MASK } = constants;

  const compile: Compile = (
    words,
    u8,
    heads,
    rooms,
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
    slabMap,
    inverses,
    front,
    imul,
  ) => {
    function malloc(size: number): number {
      const heap = words;
      if (COUNTERS) counts[MALLOCS] = counts[MALLOCS]! + 1;
      let whole: number;
      try {
        whole = size | 0;
      } catch {
        whole = NaN; // a bigint or a symbol
      }
      if (whole !== size || size >>> 0 > largest) return mallocSlow(size) - 0;
      const sizeClass = heap[(size + bias) >> 4]! | 0; // 0 in a heap that is closed: no slab has that
      const ptr = heap[heads + sizeClass]!;
      if (COUNTDOWN) {
        // One call for a block that is to be sampled or guarded and for an empty list: see the head.
        if (OWN_LINKS) {
          if (countDown(size) < 0 || heap[slabMap + (ptr >>> 16)] !== (sizeClass | tag)) {
            return refill((size << CLASS_BITS) | sizeClass) | 0;
          }
        } else if (LINKS) {
          if (countDown(size) < 0 || !(ptr >= FIRST_BLOCK && (heap[slabMap + (ptr >>> 16)]! & CLASS) === sizeClass)) {
            return refill((size << CLASS_BITS) | sizeClass) | 0;
          }
        } else {
          if (countDown(size) < 0 || !(ptr >= FIRST_BLOCK)) return refill((size << CLASS_BITS) | sizeClass) | 0;
        }
      } else if (OWN_LINKS) {
        // The list leads into a slab of the class that is this thread's. Slabs have 2^16 bytes.
        if (heap[slabMap + (ptr >>> 16)] !== (sizeClass | tag)) return refill(sizeClass) | 0;
      } else if (LINKS) {
        if (!(ptr >= FIRST_BLOCK && (heap[slabMap + (ptr >>> 16)]! & CLASS) === sizeClass)) {
          return refill(sizeClass) | 0;
        }
      } else {
        if (!(ptr >= FIRST_BLOCK)) return refill(sizeClass) | 0;
      }
      if (BOX) boxCheck(sizeClass, ptr, TRACE_POP);
      if (WRITE_HEADER) writeHeader(ptr, sizeClass); // before it is taken: a call for which there is no stack would lose it
      heap[heads + sizeClass] = heap[(ptr + front) >>> 2]!;
      heap[rooms + sizeClass] = heap[rooms + sizeClass]! + 1;
      return ptr;
    }

    function free(ptr: number): void {
      const heap = words;
      if (COUNTERS) counts[FREES] = counts[FREES]! + 1;
      let whole: number;
      try {
        whole = ptr | 0;
      } catch {
        whole = NaN;
      }
      fast: if (whole === ptr) {
        const sizeClass = HEADER ? headerClass(ptr) : heap[slabMap + (ptr >>> 16)]! ^ tag;
        if (INTERIOR) {
          // Interior pointers go the slow way. Blocks end where their slab ends, so the distance of a block from there,
          // here negative, is a multiple of the stride. The inverse is that of the class if the slab is this thread's;
          // otherwise, and for class 0, it is 0. Why the multiplication is exact: `inverseOf` in ../core/size_classes.ts.
          const inverse = heap[inverses + sizeClass]! >>> 0;
          if (!((imul(ptr | -65536, inverse) >>> 0) < inverse)) break fast;
        } else {
          if (!((sizeClass - 1) >>> 0 < CLASS)) break fast;
        }
        const head = heap[heads + sizeClass]!, room = heap[rooms + sizeClass]!;
        if (AGAIN) {
          if (head === ptr) break fast;
        }
        if (room > 0) {
          if (BOX) boxCheck(sizeClass, ptr, TRACE_PUSH);
          if (RESTORE) writeHeader(ptr, sizeClass);
          if (COUNTERS) counts[FAST_FREES] = counts[FAST_FREES]! + 1;
          heap[(ptr + front) >>> 2] = head;
          heap[heads + sizeClass] = ptr;
          heap[rooms + sizeClass] = room - 1;
          return;
        }
      }
      freeSlow(ptr);
    }

    /** Counts down to the next block that is sampled, by bytes, and to the next that is guarded; below 0 if this is one. */
    function countDown(size: number): number {
      const heap = words;
      let left = 0;
      if (PROFILE) {
        left = (heap[heads + SAMPLE_LEFT]! - size) | 0;
        heap[heads + SAMPLE_LEFT] = left;
      }
      if (GUARD) {
        const others = (heap[heads + GUARD_LEFT]! - 1) | 0;
        heap[heads + GUARD_LEFT] = others;
        left = left | others;
      }
      return left;
    }

    function writeHeader(ptr: number, sizeClass: number): void {
      if (HEADERLESS_C7) {
        if (sizeClass === LARGEST_SEED_CLASS) return;
      }
      u8[ptr - 1] = HEADER_MAGIC | (sizeClass - 1);
    }

    /** The class that the byte in front of a block says, or 0. */
    function headerClass(ptr: number): number {
      if (ptr < FIRST_BLOCK) return 0;
      if (READABLE_ALWAYS) {
        if (COUNTERS) counts[MINCORE_CALLS] = counts[MINCORE_CALLS]! + 1;
        if (!isMapped(ptr - 1)) return 0;
      }
      if (READABLE_BOUNDARY) {
        if ((ptr & 0xfff) === 0) {
          if (COUNTERS) counts[MINCORE_CALLS] = counts[MINCORE_CALLS]! + 1;
          if (!isMapped(ptr - 1)) return 0;
        }
      }
      const header = u8[ptr - 1]!;
      if ((header & 0xf0) === HEADER_MAGIC) return (header & 0x0f) + 1;
      if (COUNTERS) counts[HEADER_REJECTS] = counts[HEADER_REJECTS]! + 1;
      return 0;
    }

    /**
     * The Box: what is checked again at each push and pop, by the flag `integrity`. That the pointer is in bounds and the
     * start of a block always is.
     */
    function boxCheck(sizeClass: number, ptr: number, operation: number): void {
      const heap = words, fault = operation === TRACE_PUSH ? "pointer" : "list";
      if (BOX_BOUNDS) {
        if (!(sizeClass >= 1 && heap[inverses + sizeClass]! > 0)) reject(fault, sizeClass, ptr);
        Atomics.add(heap, BOX_OPERATIONS, 1);
      }
      if (TRACK) {
        const entry = (trace[TRACE_COUNT]! & TRACE_MASK) * 3;
        trace[entry] = operation;
        trace[entry + 1] = sizeClass;
        trace[entry + 2] = ptr;
        trace[TRACE_COUNT] = trace[TRACE_COUNT]! + 1;
      }
      if (!(ptr >= FIRST_BLOCK)) reject(fault, sizeClass, ptr);
      const inverse = heap[inverses + sizeClass]! >>> 0;
      if (!((imul(ptr | -65536, inverse) >>> 0) < inverse)) reject(fault, sizeClass, ptr);
      if ((heap[slabMap + (ptr >>> 16)]! & CLASS) !== sizeClass) reject(fault, sizeClass, ptr);
      if (BOX_HEAD) {
        const head = heap[heads + sizeClass]!;
        if (head !== 0 && (!(head >= FIRST_BLOCK) || (head & 15) !== 0)) reject("list", sizeClass, head);
      }
      if (BOX_CANARIES) {
        if (operation === TRACE_POP && heap[((ptr + front) >>> 2) + 1] !== (ptr ^ CANARY)) {
          reject("list", sizeClass, ptr);
        }
      }
      if (BOX_SCAN) {
        let at = operation === TRACE_PUSH ? heap[heads + sizeClass]! : heap[(ptr + front) >>> 2]!;
        for (let left = SCAN_LENGTH; left > 0 && at !== 0; left--) {
          if (at === ptr) reject(operation === TRACE_PUSH ? "again" : "list", sizeClass, ptr);
          if (!(at >= FIRST_BLOCK) || (heap[slabMap + (at >>> 16)]! & CLASS) !== sizeClass) {
            reject("list", sizeClass, at);
          }
          if (BOX_CANARIES) {
            if (heap[((at + front) >>> 2) + 1] !== (at ^ CANARY)) reject("list", sizeClass, at);
          }
          at = heap[(at + front) >>> 2]!;
        }
        if (BOX_CANARIES) {
          if (at !== 0) reject("list", sizeClass, at); // a loop
          if (operation === TRACE_PUSH) heap[((ptr + front) >>> 2) + 1] = ptr ^ CANARY;
        }
      }
    }

    return { malloc, free };
  };
  return compile;
}
