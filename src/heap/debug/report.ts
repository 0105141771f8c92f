/**
 * What an error of the debug build says: what is wrong, the block that it is about, the bytes around it, and
 * the stacks of allocation, first free and this call.
 *
 * @module
 */

import type { Damage, DebugBlock } from "./block.ts";
import { captureCall } from "../stacks/capture.ts";
import type { DebugStacks } from "./stacks.ts";
import {
  addressHint,
  BufferOverflowError,
  BufferUnderflowError,
  DoubleFreeError,
  hex,
  InvalidPointerError,
  UseAfterFreeError,
} from "../errors.ts";

const LINE_BYTES = 16;
const DUMP_LINES = 3;
/** Damaged bytes that are shown. */
const MOST_BYTES = 16;

/** Makes the errors of one heap. */
export class DebugReport {
  readonly #u8: Uint8Array;
  readonly #stacks: DebugStacks;
  /** What to say of a stack that was not captured. */
  readonly #noStack: string;

  constructor(u8: Uint8Array, stacks: DebugStacks) {
    this.#u8 = u8;
    this.#stacks = stacks;
    this.#noStack = stacks.every === 0
      ? "    stacks are off: Heap.open({ stacks: true }) captures them"
      : `    not captured: one allocation in ${stacks.every} has stacks`;
  }

  overflow(block: DebugBlock, damage: Damage): BufferOverflowError {
    const what = `${this.#name(block)} was written past its end: ${this.#damaged(block, damage)}. It stays as it is`;
    return new BufferOverflowError(what + this.#evidence(damage.first, block), block.ptr);
  }

  underflow(block: DebugBlock, damage: Damage): BufferUnderflowError {
    const what = `${this.#name(block)} was written before its start: ${
      this.#damaged(block, damage)
    }. It stays as it is`;
    return new BufferUnderflowError(what + this.#evidence(damage.last, block), block.ptr);
  }

  writtenAfterFree(block: DebugBlock, damage: Damage): UseAfterFreeError {
    const what = `${this.#name(block)} was written after it was freed: ${this.#damaged(block, damage)}`;
    return new UseAfterFreeError(what + this.#evidence(damage.first, block), block.ptr);
  }

  usedAfterFree(block: DebugBlock): UseAfterFreeError {
    const what = `${this.#name(block)} was freed, and is used`;
    return new UseAfterFreeError(what + this.#evidence(block.ptr, block), block.ptr);
  }

  doubleFree(block: DebugBlock): DoubleFreeError {
    const what = `${this.#name(block)} was freed already`;
    return new DoubleFreeError(what + this.#evidence(block.ptr, block), block.ptr);
  }

  tooLong(block: DebugBlock, length: number): BufferOverflowError {
    const what = `a view of ${length} bytes is longer than ${this.#name(block)}`;
    return new BufferOverflowError(what + this.#evidence(block.ptr + block.size, block), block.ptr);
  }

  /**
   * @param around the block, live or freed, in whose memory the pointer is.
   * @param isOfAnother whether another heap has a block there.
   */
  invalid(ptr: number, around: DebugBlock | undefined, isOfAnother = false): InvalidPointerError {
    if (around === undefined) {
      const hint = isOfAnother ? "; another heap has a live block there" : addressHint(ptr);
      const what = `${hex(ptr)} is not a block of this heap, nor in one${hint}`;
      return new InvalidPointerError(what + this.#evidence(ptr, undefined), ptr);
    }
    const offset = ptr - around.ptr;
    const where = offset < 0
      ? `${-offset} bytes before`
      : offset < around.size
      ? `${offset} bytes into`
      : `${offset - around.size} bytes past the end of`;
    const what = `${hex(ptr)} is not a block of this heap: it is ${where} ${this.#name(around)}`;
    return new InvalidPointerError(what + this.#evidence(ptr, around), ptr);
  }

  #name(block: DebugBlock): string {
    return `the ${block.live ? "" : "freed "}block ${hex(block.ptr)} of ${block.size} bytes`;
  }

  #damaged(block: DebugBlock, { first, last }: Damage): string {
    const bytes = [...this.#u8.subarray(first, Math.min(last + 1, first + MOST_BYTES))].map(hexByte).join(" ");
    const more = last - first >= MOST_BYTES ? " ..." : "";
    const from = first - block.ptr, to = last - block.ptr;
    return from === to ? `offset ${from} is now ${bytes}` : `offsets ${from} to ${to} are now ${bytes}${more}`;
  }

  #evidence(at: number, block: DebugBlock | undefined): string {
    const parts = ["."];
    if (block !== undefined) {
      const where = block.sizeClass === 0 ? "a large block" : `class ${block.sizeClass}, slab ${block.slab}`;
      parts.push(`  block: ${hex(block.ptr)} to ${hex(block.ptr + block.size)}, ${block.size} bytes, ${where}`);
    }
    const dump = this.#dump(at);
    if (dump.length > 0) parts.push(`  memory around ${hex(at)}:`, ...dump);
    if (block !== undefined) {
      parts.push("  allocated:", this.#stack(block.allocated));
      if (!block.live) parts.push("  first freed:", this.#stack(block.freed));
    }
    parts.push("  this call:", captureCall());
    return parts.join("\n");
  }

  #stack(number: number): string {
    return this.#stacks.text(number) ?? this.#noStack;
  }

  #dump(at: number): string[] {
    if (!Number.isSafeInteger(at) || at < 0 || at >= this.#u8.length) return [];
    const lines: string[] = [];
    const start = Math.max(0, at - at % LINE_BYTES - LINE_BYTES);
    for (let line = start; line < Math.min(start + DUMP_LINES * LINE_BYTES, this.#u8.length); line += LINE_BYTES) {
      const bytes = [...this.#u8.subarray(line, line + LINE_BYTES)];
      const text = bytes.map((byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".").join("");
      lines.push(`    ${hex(line)}  ${bytes.map(hexByte).join(" ")}  ${text}`);
    }
    return lines;
  }
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
