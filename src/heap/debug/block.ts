/**
 * A block of the debug build: what its user sees, between two redzones in a block of the release build.
 *
 * ```
 *   inner                        ptr                       ptr + size                   inner + innerBytes
 *   | redzone: 16 bytes, or the  | user data               | redzone: at least 16 bytes, |
 *   | alignment asked for        | filled with 0xd0        | to the inner block's end    |
 * ```
 *
 * Each byte of a redzone follows from its offset, and none is 0, ASCII or 0xff: strings, zeros and runs of one byte
 * that get there show. Redzones and fills are the only part of the books that lies in the heap's memory. They are only
 * compared with what was written there, so user data may look like anything.
 *
 * @module
 */

import { KIB, MIB } from "../state/layout.ts";

/** Bytes in front of a block, where no alignment asks for more, and the least behind it. */
export const REDZONE_BYTES = 16;
/** What new memory is filled with, and what freed memory is. */
export const FILL_NEW = 0xd0;
export const FILL_FREED = 0xdf;

/** Of the bytes in front of a block of a large alignment, only these next to it are written and read. */
const FRONT_MOST_BYTES = 4 * KIB;
/** Blocks over this are filled so far only: a debug build of a program fits in the memory that the program fits in. */
const FILL_MOST_BYTES = 64 * MIB;

/** What the books say of a block, live or freed (`books.ts`). */
export interface DebugBlock {
  readonly record: number;
  readonly ptr: number;
  readonly size: number;
  /** The release build's block, and the bytes of it that may be written. */
  readonly inner: number;
  readonly innerBytes: number;
  /** Of the inner block, as in `BlockInfo`. */
  readonly sizeClass: number;
  readonly slab: number;
  /** Numbers of stacks (`stacks.ts`); 0 where they are off or not sampled. */
  readonly allocated: number;
  readonly freed: number;
  readonly live: boolean;
}

/** Where a block lies: what is read and written of it. */
export type BlockBytes = Pick<DebugBlock, "ptr" | "size" | "inner" | "innerBytes">;

/** Bytes that are not as they should be: the first and the last, as pointers. */
export interface Damage {
  readonly first: number;
  readonly last: number;
}

/** A pattern repeats after so many bytes. */
const LINE_BYTES = 64;

/** What bytes must be, by the low six bits of their offset: a byte each, and eight bytes each. */
class Pattern {
  readonly bytes: Uint8Array;
  /** No byte is 0 or 0xff, so these are neither zeros nor NaN: equal numbers are equal bytes. */
  readonly words: Float64Array;

  constructor(byteAt: (at: number) => number) {
    this.bytes = Uint8Array.from({ length: LINE_BYTES }, (_, at) => byteAt(at));
    this.words = new Float64Array(this.bytes.buffer);
  }
}

/** 0x80 to 0xbf, no two the same. */
const REDZONE = new Pattern((at) => 0x80 | (at * 37 + 11) & 0x3f);
/** As much of it as a page takes at once, wherever that begins. */
const REDZONE_RUN = Uint8Array.from(
  { length: FRONT_MOST_BYTES + LINE_BYTES },
  (_, at) => REDZONE.bytes[at % LINE_BYTES]!,
);
const FREED = new Pattern(() => FILL_FREED);

/** What is shorter is compared byte by byte: a view of its words would cost more. */
const LINES_LEAST_BYTES = 4 * LINE_BYTES;

function guardStart(block: BlockBytes): number {
  return Math.max(block.inner, block.ptr - FRONT_MOST_BYTES);
}

/** Writes both redzones. */
export function writeRedzones(u8: Uint8Array, block: BlockBytes): void {
  const write = (from: number, to: number): void => {
    for (let at = from; at < to;) {
      const first = at & (LINE_BYTES - 1), bytes = Math.min(REDZONE_RUN.length - first, to - at);
      u8.set(REDZONE_RUN.subarray(first, first + bytes), at);
      at += bytes;
    }
  };
  write(guardStart(block), block.ptr);
  write(block.ptr + block.size, block.inner + block.innerBytes);
}

/** Fills what the user sees, from an offset on. */
export function fill(u8: Uint8Array, block: BlockBytes, byte: number, from = 0): void {
  u8.fill(byte, block.ptr + from, block.ptr + Math.max(from, Math.min(block.size, FILL_MOST_BYTES)));
}

/** What was written in front of a block. */
export function frontDamage(u8: Uint8Array, block: BlockBytes): Damage | undefined {
  return damage(u8, guardStart(block), block.ptr, REDZONE);
}

/** What was written past the end of a block. */
export function rearDamage(u8: Uint8Array, block: BlockBytes): Damage | undefined {
  return damage(u8, block.ptr + block.size, block.inner + block.innerBytes, REDZONE);
}

/** What was written to a block, or next to it, since it was freed. Eight bytes at a time. */
export function freedDamage(u8: Uint8Array, block: BlockBytes): Damage | undefined {
  const end = block.ptr + Math.min(block.size, FILL_MOST_BYTES);
  return damage(u8, block.ptr, end, FREED) ?? frontDamage(u8, block) ?? rearDamage(u8, block);
}

function damage(u8: Uint8Array, from: number, to: number, pattern: Pattern): Damage | undefined {
  let first = from;
  if (to - from >= LINES_LEAST_BYTES) {
    const line = Math.ceil(from / LINE_BYTES) * LINE_BYTES;
    first = firstOther(u8, from, line, pattern);
    if (first === line) first += equalLines(u8, line, to, pattern) * LINE_BYTES;
  }
  first = firstOther(u8, first, to, pattern);
  if (first === to) return undefined;
  let last = to - 1;
  while (u8[last] === pattern.bytes[last & (LINE_BYTES - 1)]) last--;
  return { first, last };
}

/** The first offset whose byte is not as it should be. */
function firstOther(u8: Uint8Array, from: number, to: number, { bytes }: Pattern): number {
  let at = from;
  while (at < to && u8[at] === bytes[at & (LINE_BYTES - 1)]) at++;
  return at;
}

/** How many whole lines are as they should be, before the first that is not. */
function equalLines(u8: Uint8Array, from: number, to: number, { words: line }: Pattern): number {
  const lines = Math.floor((to - from) / LINE_BYTES);
  const words = new Float64Array(u8.buffer, u8.byteOffset + from, lines * 8), end = words.length;
  // Destructured, they would be objects.
  const a = line[0]!, b = line[1]!, c = line[2]!, d = line[3]!, e = line[4]!, f = line[5]!, g = line[6]!, h = line[7]!;
  let at = 0;
  while (
    at < end && words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d &&
    words[at + 4] === e && words[at + 5] === f && words[at + 6] === g && words[at + 7] === h
  ) at += 8;
  return at / 8;
}
