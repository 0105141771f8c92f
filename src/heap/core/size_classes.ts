/**
 * Size classes: which strides there are, and which one serves a size. Class 0 means no class; the others count from 1 (with
 * `classes=seed`, class k is the history's C(k-1)).
 *
 * - `fine`: blocks of 0 bytes, multiples of 16 up to 128, then eight a doubling up to 32 KiB; 73 classes. A block wastes
 *   at most 15 bytes or an eighth of its size, and a power of two fits exactly.
 * - `seed`: eight powers of two, 16 to 2048, as the designs with a header have them; the last byte of a stride is the
 *   header of the next block, so that 16 bytes go into the stride of 32.
 *
 * Blocks end where their slab ends, so that an address is a multiple of every power of two that divides its stride.
 *
 * @module
 */

import type { ClassSet } from "../flags.ts";
import { BLOCK_ALIGNMENT, KIB, SLAB_BYTES } from "../state/layout.ts";

/** A set of size classes. Indexed by class; entry 0 is unused. */
export interface SizeClasses {
  /** Bytes from one block to the next. */
  readonly strides: readonly number[];
  /** Bytes of a block that belong to its user: the stride, less the header if there is one. */
  readonly usable: readonly number[];
  /** Blocks in a slab. */
  readonly blocks: readonly number[];
  /** The largest size that a class serves; anything larger is a large block. */
  readonly largest: number;
  /** Class of a size: `table[(size + bias) >> 4]`, for sizes up to `largest`. */
  readonly table: Uint8Array;
  /** 15, or 16 where a header takes a byte. */
  readonly bias: number;
}

function fineStrides(): number[] {
  const strides = [16]; // blocks of 0 bytes
  for (let stride = 16; stride <= 128; stride += 16) strides.push(stride);
  for (let base = 128; base < 32 * KIB; base *= 2) {
    for (let eighth = 1; eighth <= 8; eighth++) strides.push(base + eighth * base / 8);
  }
  return strides;
}

/** Makes the tables of a set, for blocks with or without the one-byte header. Cost: some microseconds. */
export function sizeClasses(set: ClassSet, header: boolean): SizeClasses {
  const strides = [0, ...(set === "fine" ? fineStrides() : [16, 32, 64, 128, 256, 512, 1024, 2048])];
  const usable = strides.map((stride) => Math.max(0, stride - (header ? 1 : 0)));
  if (set === "fine") usable[1] = 0;
  // A header lies before its block: the first block of a slab would have it on the slab before, so that one is not used.
  const blocks = strides.map((stride) => stride === 0 ? 0 : Math.floor(SLAB_BYTES / stride) - (header ? 1 : 0));
  const bias = header ? BLOCK_ALIGNMENT : BLOCK_ALIGNMENT - 1;
  const largest = usable.at(-1)!;
  const table = new Uint8Array(((largest + bias) >> 4) + 1);
  for (let index = 0, sizeClass = 1; index < table.length; index++) {
    const largestSize = index * BLOCK_ALIGNMENT + BLOCK_ALIGNMENT - 1 - bias; // of those that have this index
    while (usable[sizeClass]! < largestSize) sizeClass++;
    table[index] = sizeClass;
  }
  return { strides, usable, blocks, largest, table, bias };
}

/**
 * The number that tells whether a distance is a multiple of a stride without dividing: `-distance * inverse mod 2**32` is
 * below `inverse` exactly when it is, for distances up to 65,536 and strides from 16 to 32,768. The distance is negative
 * because that from the end of a slab is, `ptr | -65536`, in one instruction.
 *
 * After Lemire, Kaser, Kurz: "Faster remainder by direct computation" (2019), section 3.2, where the number is rounded up
 * and the distance positive. Here it is rounded down: with 2^32 = inverse * stride + r, the product is k * r, at most
 * 65,536, for k strides, and at least `inverse` for each other distance.
 */
export function inverseOf(stride: number): number {
  return stride === 0 ? 0 : Math.floor(2 ** 32 / stride);
}
