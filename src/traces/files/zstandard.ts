/**
 * Where the frames of a Zstandard file begin and end (RFC 8878). The runtime's decompressor takes one frame: it drops what
 * follows, and takes a frame that is cut off for whole. So a file is walked here, block by block, and each frame is handed
 * over by itself.
 *
 *     frame       magic, descriptor, window, dictionary, content size; blocks; checksum
 *     block       3 bytes: last (1 bit), type (2 bits), size (21 bits); then the size in bytes, or 1 for a run of one byte
 *     skippable   magic, length, so many bytes that mean nothing to a decompressor
 *
 * @module
 */

import { TraceError } from "../trace.ts";

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50; // and the fifteen numbers after it
const RUN = 1; // the type of a block that is one byte, over and over
const BLOCK_HEADER = 3, CHECKSUM = 4, LENGTH = 4;
const DICTIONARY_BYTES = [0, 1, 2, 4];
const SIZE_BYTES = [0, 2, 4, 8];

/** Whether a file begins as Zstandard, or with something that a decompressor skips. */
export function isZstandard(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && (magicAt(bytes, 0) === MAGIC || isSkippable(magicAt(bytes, 0)));
}

/** A frame with content: from which byte to which, and whether the file ends before the frame does. */
export interface Frame {
  readonly start: number;
  readonly end: number;
  readonly isCut: boolean;
}

/** What compressors make of a file that may be read, at most: each costs some microseconds, even an empty one. */
const MOST_FRAMES = 2 ** 16;

/**
 * The frames of a file that have content, in order; those that are skipped are left out.
 *
 * @returns undefined after the last of them if what follows is not a frame
 * @throws TraceError if there are more than {@link MOST_FRAMES}
 */
export function* framesOf(bytes: Uint8Array): Generator<Frame | undefined> {
  for (let start = 0, frames = 0; start < bytes.length; frames++) {
    if (frames === MOST_FRAMES) throw new TraceError(`Zstandard of more than ${MOST_FRAMES} frames`);
    if (bytes.length - start < 4) return yield { start, end: bytes.length, isCut: true };
    const magic = magicAt(bytes, start);
    if (magic !== MAGIC && !isSkippable(magic)) return yield undefined;
    const end = magic === MAGIC ? endOfFrame(bytes, start + 4) : endOfSkippable(bytes, start + 4);
    const isCut = !(end <= bytes.length);
    if (magic === MAGIC || isCut) yield { start, end: isCut ? bytes.length : end, isCut };
    if (isCut) return;
    start = end;
  }
}

function magicAt(bytes: Uint8Array, at: number): number {
  return littleEndian(bytes, at, 4);
}

function isSkippable(magic: number): boolean {
  return magic >= SKIPPABLE && magic < SKIPPABLE + 16;
}

/** A number; NaN if the file ends before it. */
function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? NaN);
  return value;
}

function endOfSkippable(bytes: Uint8Array, at: number): number {
  return at + LENGTH + littleEndian(bytes, at, LENGTH);
}

/** Behind the last block and the checksum; NaN, or more than the file has, if that ends before. */
function endOfFrame(bytes: Uint8Array, at: number): number {
  const descriptor = bytes[at] ?? NaN;
  const isSingle = (descriptor >> 5 & 1) === 1, hasChecksum = (descriptor >> 2 & 1) === 1, size = descriptor >> 6;
  const sizeBytes = size === 0 && isSingle ? 1 : SIZE_BYTES[size]!;
  let next = at + 1 + (isSingle ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3]! + sizeBytes;
  for (let isLast = false; !isLast;) {
    const header = littleEndian(bytes, next, BLOCK_HEADER);
    if (Number.isNaN(header)) return NaN;
    isLast = (header & 1) === 1;
    next += BLOCK_HEADER + ((header >> 1 & 3) === RUN ? 1 : header >> 3);
  }
  return next + (hasChecksum ? CHECKSUM : 0);
}
