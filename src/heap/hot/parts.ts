/**
 * What the hot path is made of and what it is: the parameters of `compile`, in their order, and the two functions that
 * it returns. The template and each module that is generated from it have this shape.
 *
 * @module
 */

/** What the Box finds wrong: the pointer that is freed, that it is free already, or the list. */
export type BoxFault = "pointer" | "again" | "list";

/** What the hot path works on, and calls where it does not do. */
export interface HotParts {
  /** The heap in words, its state and at most 2 GiB of blocks: free lists, tables, and the links in the blocks. */
  readonly words: Int32Array;
  /** The heap in bytes, from pointer 0: for headers. */
  readonly u8: Uint8Array;
  /** Index of the head of class 0's free list; the others follow. */
  readonly heads: number;
  /** Index of the room on class 0's free list; the others follow. */
  readonly rooms: number;
  /** What the words of the slab map have for slabs that this thread owns, above the class; 0 for the first thread. */
  readonly tag: number;
  /** The class of a size is at `(size + bias) >> 4`, up to `largest`. */
  readonly bias: number;
  readonly largest: number;
  /**
   * An empty list: gives a block, having put others on the list; 0 if there is no memory. Where malloc counts down, its
   * argument is `size << CLASS_BITS | sizeClass`, and it is called for a block that is to be sampled or guarded, too.
   */
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
  /** Index of the slab map: a word for each slab, its class and whose it is. */
  readonly slabMap: number;
  /** Index of the table of inverses, by class: 2^32 over the stride, as `inverseOf` in `../core/size_classes.ts` rounds it. */
  readonly inverses: number;
  /** Bytes of state in front of pointer 0. */
  readonly front: number;
}

/** The two functions of a heap. */
export interface HotPath {
  malloc(size: number): number;
  free(ptr: number): void;
}

/** Makes the two functions for one heap, of parameters that are never assigned: see `template.ts`. */
export type Compile = (
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
  front: number,
  imul: (a: number, b: number) => number,
) => HotPath;

/** The hot path of one heap. */
export function compiled(compile: Compile, parts: HotParts): HotPath {
  const { words, u8, heads, rooms, tag, bias, largest, refill, mallocSlow, freeSlow, isMapped, reject } = parts;
  return compile(
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
    parts.counts,
    parts.trace,
    parts.slabMap,
    parts.inverses,
    parts.front,
    Math.imul,
  );
}
