/**
 * What can be written: a format, and how a trace becomes a file of it. Files are made in pieces, so that none is held
 * whole, and each piece is compressed by itself where the file is to be: gzip and Zstandard read parts one after the other
 * as one file.
 *
 * @module
 */
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Trace } from "../trace.ts";

/** A format that can be written. */
export interface TraceWriter {
  /** As it is called when it is read. */
  readonly name: string;
  /** For people. */
  readonly description: string;
  /** Whether it has a place for stacks. */
  readonly hasStacks: boolean;
  /** How files of it end, compressed or not. */
  readonly endings: readonly string[];
  /** The file's bytes, in pieces. @param title What a viewer may call the program. */
  readonly pieces: (trace: Trace, title: string) => Iterable<Uint8Array>;
}

/** What a part of a file is at least, in bytes: large enough to be compressed well. */
const PIECE_BYTES = 2 ** 20;

const PACKERS: Readonly<Record<string, (piece: Uint8Array) => Uint8Array>> = {
  ".gz": (piece) => gzipSync(piece),
  ".zst": (piece) => zstdCompressSync(piece),
};

/** Pieces of a text, from its lines, which are without their ends. */
export function* textPieces(lines: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let text = "";
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length < PIECE_BYTES) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

/** Splits a path's ending that asks for compression from the rest: `x.json` and `.gz`. */
export function splitPacked(path: string): readonly [path: string, packed: string | undefined] {
  const packed = Object.keys(PACKERS).find((ending) => path.endsWith(ending));
  return packed === undefined ? [path, undefined] : [path.slice(0, -packed.length), packed];
}

/** The same pieces, compressed as the ending says. */
export function* packedPieces(pieces: Iterable<Uint8Array>, ending: string | undefined): Generator<Uint8Array> {
  const pack = ending === undefined ? undefined : PACKERS[ending];
  for (const piece of pieces) yield pack === undefined ? piece : pack(piece);
}
