/**
 * The four kinds of characters that C strings are made of: how many bytes a text takes, how it is written, how bytes become a
 * text again.
 *
 * | encoding | a unit | C |
 * |---|---|---|
 * | `utf8` | 1 byte | `char`, nearly everywhere |
 * | `latin1` | 1 byte | `char`, U+0000 to U+00FF |
 * | `utf16` | 2 bytes, little-endian | `char16_t`, and `wchar_t` of Windows |
 * | `wchar_t` | 4 bytes, a code point | `wchar_t` of Linux and macOS, `char32_t` |
 *
 * Strings of up to 32 bytes are most of those that go to C and back. A loop writes them faster than a call of the encoder does,
 * and `String.fromCharCode` with as many arguments as there are bytes reads them faster than the decoder, so there is a function
 * for each length. A lone surrogate becomes U+FFFD, as in `TextEncoder`.
 *
 * @module
 */

import type { Ptr } from "../../blocks.ts";
import { given, InvalidOptionError, InvalidStringError } from "../../errors.ts";
import type { HeapAccess } from "../heap_access.ts";

/**
 * How the characters of a C string are encoded: see the table in `encodings.ts`.
 *
 * @example
 * ```ts
 * import { type CStringEncoding, Heap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const encoding: CStringEncoding = "utf16";
 * using heap = await Heap.open();
 * using text = heap.adopt(heap.cstring("häkmem", { encoding }));
 * assertEquals(heap.readCString(text.ptr, { encoding }), "häkmem");
 * ```
 */
export type CStringEncoding = "utf8" | "latin1" | "utf16" | "wchar_t";

/** Memory as texts are written to it. */
type Units = Pick<HeapAccess, "u8" | "u16" | "u32">;

/** One of them. Addresses are pointers into the heap, at a multiple of `unit`. */
export interface Encoding {
  /** Bytes of a unit, and of the NUL at the end. */
  readonly unit: number;
  /**
   * Bytes of a text without its NUL. @throws {InvalidStringError} for a NUL in it, or what the encoding does not have.
   */
  bytes(text: string): number;
  /** Writes a text of so many bytes, without a NUL. */
  write(memory: Units, text: string, ptr: Ptr, bytes: number): void;
  /** What so many bytes say. */
  read(u8: Uint8Array, ptr: Ptr, bytes: number): string;
}

/** Up to here a text is written and read by our own loops. */
const SHORT = 32;

const encoder = new TextEncoder();
// A byte order mark is a character like any other: what was written has to come back.
const decoders = {
  utf8: new TextDecoder("utf-8", { ignoreBOM: true }),
  utf16: new TextDecoder("utf-16le", { ignoreBOM: true }),
};

function interiorNul(text: string): InvalidStringError {
  return new InvalidStringError(
    `${given(text)}, has a NUL at ${
      text.indexOf("\0")
    }, where C would take it to end. copyIn() takes bytes of any kind.`,
  );
}

/** The one that is used most; it writes to bytes alone. */
export const utf8 = {
  unit: 1,

  bytes(text: string): number {
    const { length } = text;
    if (length > SHORT) {
      if (text.includes("\0")) throw interiorNul(text);
      return utf8Length(text);
    }
    let bytes = length;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code === 0) throw interiorNul(text);
      // Half of a pair is two bytes of the four; one that is alone becomes U+FFFD, which is three.
      if (code > 0x7f) bytes += code <= 0x7ff ? 1 : isPaired(text, at, code) ? 1 : 2;
    }
    return bytes;
  },

  write({ u8 }: Pick<HeapAccess, "u8">, text: string, ptr: Ptr, bytes: number): void {
    if (bytes !== text.length || bytes > SHORT) encoder.encodeInto(text, u8.subarray(ptr, ptr + bytes));
    else for (let at = 0; at < bytes; at++) u8[ptr + at] = text.charCodeAt(at);
  },

  read(u8: Uint8Array, ptr: Ptr, bytes: number): string {
    if (bytes <= SHORT) {
      let all = 0;
      for (let at = 0; at < bytes; at++) all |= u8[ptr + at]!;
      if (all < 0x80) return shortReaders[bytes]!(u8, ptr);
    }
    return decoders.utf8.decode(u8.subarray(ptr, ptr + bytes));
  },
} satisfies Encoding;

/** Whether a code is half of a surrogate pair, the other half of which is beside it. */
function isPaired(text: string, at: number, code: number): boolean {
  if (code >= 0xd800 && code <= 0xdbff) return (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
  if (code >= 0xdc00 && code <= 0xdfff) return (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
  return false;
}

/** Of a long text: the encoder is asked, into a buffer that is used again. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (let from = 0; from < text.length;) {
    const { read, written } = encoder.encodeInto(from === 0 ? text : text.slice(from), scratch);
    bytes += written;
    from += read;
  }
  return bytes;
}

const scratch = new Uint8Array(16 * 1024);

const latin1: Encoding = {
  unit: 1,

  bytes(text: string): number {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 0) throw interiorNul(text);
      if (code > 0xff) {
        throw new InvalidStringError(`${given(text)}, has U+${hex4(code)} at ${at}: latin1 ends at U+00FF.`);
      }
    }
    return text.length;
  },

  write({ u8 }: Pick<HeapAccess, "u8">, text: string, ptr: Ptr, bytes: number): void {
    for (let at = 0; at < bytes; at++) u8[ptr + at] = text.charCodeAt(at);
  },

  // "latin1" of TextDecoder is windows-1252, which has other characters from 0x80 to 0x9f.
  read(u8: Uint8Array, ptr: Ptr, bytes: number): string {
    return bytes <= SHORT ? shortReaders[bytes]!(u8, ptr) : inPieces(u8.subarray(ptr, ptr + bytes));
  },
};

function hex4(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, "0");
}

/** As many arguments as a call takes without harm. */
const PIECE = 4096;

function inPieces(codes: Uint8Array | number[], make = String.fromCharCode): string {
  let text = "";
  for (let at = 0; at < codes.length; at += PIECE) text += make.apply(null, codes.slice(at, at + PIECE) as number[]);
  return text;
}

const utf16: Encoding = {
  unit: 2,

  bytes(text: string): number {
    if (text.includes("\0")) throw interiorNul(text);
    return text.length * 2;
  },

  write({ u16 }: Pick<HeapAccess, "u16">, text: string, ptr: Ptr): void {
    const whole = text.toWellFormed();
    for (let at = 0; at < whole.length; at++) u16[ptr / 2 + at] = whole.charCodeAt(at);
  },

  read(u8: Uint8Array, ptr: Ptr, bytes: number): string {
    return decoders.utf16.decode(u8.subarray(ptr, ptr + bytes));
  },
};

const wide: Encoding = {
  unit: 4,

  bytes(text: string): number {
    if (text.includes("\0")) throw interiorNul(text);
    let points = 0;
    for (const _ of text) points++;
    return points * 4;
  },

  write({ u32 }: Pick<HeapAccess, "u32">, text: string, ptr: Ptr): void {
    let at = ptr / 4;
    for (const character of text.toWellFormed()) u32[at++] = character.codePointAt(0)!;
  },

  read(u8: Uint8Array, ptr: Ptr, bytes: number): string {
    const points = new Array<number>(bytes / 4);
    for (let at = 0; at < points.length; at++) {
      const from = ptr + at * 4;
      const point = (u8[from]! | u8[from + 1]! << 8 | u8[from + 2]! << 16 | u8[from + 3]! << 24) >>> 0;
      points[at] = point <= 0x10ffff && (point & 0xfffff800) !== 0xd800 ? point : 0xfffd;
    }
    return inPieces(points, String.fromCodePoint);
  },
};

const ENCODINGS: Record<CStringEncoding, Encoding> = { utf8, latin1, utf16, wchar_t: wide };

/** @throws {InvalidOptionError} for an encoding that there is not. */
export function encodingOf(name: CStringEncoding = "utf8"): Encoding {
  if (name === "utf8") return utf8;
  if (Object.hasOwn(ENCODINGS, name)) return ENCODINGS[name];
  throw new InvalidOptionError(`${given(name)}: an encoding is ${Object.keys(ENCODINGS).join(", ")}.`);
}

/** Reads so many bytes as the characters of their numbers. */
type ShortReader = (u8: Uint8Array, ptr: Ptr) => string;

/** One for each length, compiled at its first use. */
const shortReaders: ShortReader[] = Array.from({ length: SHORT + 1 }, (_, bytes): ShortReader => (u8, ptr) => {
  const codes = Array.from({ length: bytes }, (_, at) => `u8[ptr + ${at}]`);
  shortReaders[bytes] = new Function("u8", "ptr", `return String.fromCharCode(${codes.join(", ")})`) as ShortReader;
  return shortReaders[bytes](u8, ptr);
});
