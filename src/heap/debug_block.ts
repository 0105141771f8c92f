/**
 * A block of the debug build: what its user sees, between two redzones in a block of the release build.
 *
 * ```
 *   inner                        ptr                       ptr + size                   inner + innerBytes
 *   | redzone: 16 bytes, or the  | user data               | redzone: at least 16 bytes, |
 *   | alignment asked for        | filled with 0xd0        | to the inner block's end    |
 * ```
 *
 * Each byte of a redzone follows from its place, and none is 0, ASCII or 0xff: strings, zeros and runs of one byte that
 * get there show. Redzones and fills are the only part of the books that is in the heap's memory; nothing is ever read
 * from them but whether they are as they were written, so user data may look like anything.
 *
 * @module
 */

import { KIB, MIB } from "./layout.ts";

/** Bytes in front of a block, where no alignment asks for more, and the least behind it. */
export const REDZONE_BYTES = 16;
/** What new memory is filled with, and what freed memory is. */
export const FILL_NEW = 0xd0;
export const FILL_FREED = 0xdf;

/** Of the bytes in front of a block of a large alignment, only these next to it are written and read. */
const FRONT_MOST_BYTES = 4 * KIB;
/** Blocks over this are filled so far only: a debug build of a program fits in the memory that the program fits in. */
const FILL_MOST_BYTES = 64 * MIB;

/** What the books say of a block, live or freed (`debug_books.ts`). */
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
  /** Numbers of stacks (`debug_stacks.ts`); 0 where they are off or not sampled. */
  readonly allocated: number;
  readonly freed: number;
  readonly live: boolean;
}

/** Where a block lies: what is read and written of it. */
export type BlockPlace = Pick<DebugBlock, "ptr" | "size" | "inner" | "innerBytes">;

/** Bytes that are not as they should be: the first and the last, as pointers. */
export interface Damage {
  readonly first: number;
  readonly last: number;
}

/** By the low eight bits of a place; 0x80 to 0xbf, no two the same within 64 bytes. */
const REDZONE = Uint8Array.from({ length: 256 }, (_, at) => 0x80 | (at * 37 + 11) & 0x3f);

function guardStart(block: BlockPlace): number {
  return Math.max(block.inner, block.ptr - FRONT_MOST_BYTES);
}

/** Writes both redzones. */
export function writeRedzones(u8: Uint8Array, block: BlockPlace): void {
  const write = (from: number, to: number): void => {
    for (let at = from; at < to; at++) u8[at] = REDZONE[at % 256]!;
  };
  write(guardStart(block), block.ptr);
  write(block.ptr + block.size, block.inner + block.innerBytes);
}

/** Fills what the user sees. */
export function fill(u8: Uint8Array, block: BlockPlace, byte: number): void {
  u8.fill(byte, block.ptr, block.ptr + Math.min(block.size, FILL_MOST_BYTES));
}

/** What was written in front of a block. */
export function frontDamage(u8: Uint8Array, block: BlockPlace): Damage | undefined {
  return damage(guardStart(block), block.ptr, (at) => u8[at] === REDZONE[at % 256]);
}

/** What was written past the end of a block. */
export function rearDamage(u8: Uint8Array, block: BlockPlace): Damage | undefined {
  return damage(block.ptr + block.size, block.inner + block.innerBytes, (at) => u8[at] === REDZONE[at % 256]);
}

/** What was written to a block, or next to it, since it was freed. */
export function freedDamage(u8: Uint8Array, block: BlockPlace): Damage | undefined {
  const end = block.ptr + Math.min(block.size, FILL_MOST_BYTES);
  return damage(block.ptr, end, (at) => u8[at] === FILL_FREED) ?? frontDamage(u8, block) ?? rearDamage(u8, block);
}

function damage(from: number, to: number, isRight: (at: number) => boolean): Damage | undefined {
  let first = from, last = to - 1;
  while (first < to && isRight(first)) first++;
  if (first === to) return undefined;
  while (isRight(last)) last--;
  return { first, last };
}
