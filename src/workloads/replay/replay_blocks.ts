/**
 * How a replay uses a block: its first byte is written, its last, and those of each 4 KiB in between, so that every page of
 * it is touched. What is written depends on the block's slot, and is read again by and by. `native/touch.h` is the twin.
 *
 * What is done to a short block is one expression, since the loop of a replay is to have it inlined along with malloc and
 * free: V8 counts functions of up to 75 bytes of bytecode as nothing, and inlines some 900 of others. What is longer than a
 * step is a call.
 *
 * @module
 */
import type { Allocator } from "../allocator.ts";

/** Bytes between those that are written and read. */
const STEP = 4096;

/** Writes the bytes of a block that has some. */
export type Touch<P> = (pointer: P, size: number, byte: number) => void;
/** 0 if the bytes of a block that has some are what `touch` wrote. */
export type Differs<P> = (pointer: P, size: number, byte: number) => number;

/** What is written to the block in a slot: never 0, which calloc's bytes are. */
export function byteOf(slot: number): number {
  return ((slot ^ (slot >>> 7)) & 0xff) | 1;
}

/** An allocator's own way to write, or by single bytes. */
export function touchOf<P>({ touch, write }: Allocator<P>): Touch<P> {
  return touch ?? touchBy(write, STEP);
}

function touchBy<P>(write: Allocator<P>["write"], step: number): Touch<P> {
  const touchSteps = (pointer: P, size: number, byte: number) => {
    for (let at = step; at < size; at += step) {
      write(pointer, at - 1, byte);
      write(pointer, at, byte);
    }
  };
  return (pointer, size, byte) => {
    write(pointer, 0, byte);
    write(pointer, size - 1, byte);
    if (size > step) touchSteps(pointer, size, byte);
  };
}

/** An allocator's own way to read, or by single bytes. */
export function differsOf<P>({ differs, read }: Allocator<P>): Differs<P> {
  return differs ?? differsBy(read, STEP);
}

function differsBy<P>(read: Allocator<P>["read"], step: number): Differs<P> {
  const stepsDiffer = (pointer: P, size: number, byte: number) => {
    let difference = (read(pointer, 0) ^ byte) | (read(pointer, size - 1) ^ byte);
    for (let at = step; at < size; at += step) {
      difference |= (read(pointer, at - 1) ^ byte) | (read(pointer, at) ^ byte);
    }
    return difference;
  };
  return (pointer, size, byte) =>
    size > step ? stepsDiffer(pointer, size, byte) : (read(pointer, 0) ^ byte) | (read(pointer, size - 1) ^ byte);
}

/** So many bytes of a block that had `former` are laid out after a realloc as they were before. */
export function kept(size: number, former: number): number {
  return size >= former ? former : Math.max(size & -STEP, Math.min(size, 1));
}
