/**
 * The header byte of small blocks, off the hot path: what the flags want in front of a block, and whether it is there.
 * It lies right behind the block before it, so a write past the end of that block damages it.
 *
 * ```
 *   ... previous block ............ H | user data (stride - 1 bytes) ............ H | next block
 *                                   ^ MAGIC | class - 1
 * ```
 *
 * @module
 */

import { HeaderCorruptedError, hex } from "../errors.ts";
import type { Flags } from "../flags.ts";
import type { SizeClasses } from "./size_classes.ts";
import { HEADER_MAGIC } from "../state/layout.ts";

/** See the module. */
export class Headers {
  /** By class: what is written in front of each block when it is carved, never a stale header; empty without headers. */
  readonly carved: readonly number[];
  readonly #u8: Uint8Array;
  /** By class: what is due in front of each block; 0 where nothing is. */
  readonly #due: readonly number[];

  constructor(u8: Uint8Array, flags: Flags, { strides }: SizeClasses) {
    this.#u8 = u8;
    const last = strides.length - 1;
    this.#due = strides.map((_, sizeClass) =>
      flags.header === "none" || flags.writeHeader === "never" || (flags.c7 === "headerless" && sizeClass === last)
        ? 0
        : HEADER_MAGIC | (sizeClass - 1)
    );
    this.carved = flags.header === "none" ? [] : this.#due;
  }

  /** Whether the blocks of a class have headers. */
  isDue(sizeClass: number): boolean {
    return this.#due[sizeClass] !== 0;
  }

  /** The error for a block whose header is not what is due; undefined if it is, or if none is. */
  damage(ptr: number, sizeClass: number): HeaderCorruptedError | undefined {
    const due = this.#due[sizeClass]!;
    if (due === 0) return undefined; // the byte may be in a cache line that nobody has looked at
    const found = this.#u8[ptr - 1]!;
    if (found === due) return undefined;
    return new HeaderCorruptedError(
      `the header in front of the block ${hex(ptr)} is ${hex(found)}, not ${
        hex(due)
      }, so something was written before ` +
        `its start, or past the end of the block before. It stays as it is.`,
      ptr,
    );
  }

  /** @throws {HeaderCorruptedError} for a block whose header is not what is due. */
  assertSound(ptr: number, sizeClass: number): void {
    const damage = this.damage(ptr, sizeClass);
    if (damage !== undefined) throw damage;
  }
}
