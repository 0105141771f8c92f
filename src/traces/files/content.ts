/**
 * What a decoder reads: the bytes of a file as they come out of its compression. Text is read piece by piece, and an
 * uncompressed file of any length takes no more memory than a piece; a compressed one is held whole.
 *
 * @module
 */
import { joined } from "./bytes.ts";
import { decompress, isCompressed } from "./compression.ts";
import { TraceError } from "../trace.ts";

/** The bytes by which a format is recognised. */
const HEAD_BYTES = 4096;
const PIECE_BYTES = 2 ** 20;
/** What is held whole is at most so large: 1 GiB. */
const MOST_WHOLE_BYTES = 2 ** 30;

/** Gives the next bytes of a source; nothing at its end. */
type Read = () => Uint8Array<ArrayBuffer> | undefined;

/** Is told how many bytes of how many a decoder has got. */
export type ReadProgress = (done: number, total: number) => void;

/** A source of bytes, which is read once. */
export class Content {
  readonly #read: Read;
  /** Undefined of a pipe. */
  readonly #total: number | undefined;
  readonly #report: ReadProgress | undefined;
  /** What was read ahead of the decoder. */
  #ahead: Uint8Array<ArrayBuffer>[] = [];
  #isCut = false;

  private constructor(read: Read, total?: number, report?: ReadProgress) {
    this.#read = read;
    this.#total = total;
    this.#report = report;
  }

  /** Of bytes that are there, compressed or not. */
  static of(bytes: Uint8Array<ArrayBuffer>, report?: ReadProgress): Content {
    const { bytes: content, isCut } = decompress(bytes);
    const content_ = new Content(() => undefined, content.length, report);
    content_.#ahead = content.length === 0 ? [] : [content];
    content_.#isCut = isCut;
    return content_;
  }

  /** Of a file of so many bytes or a pipe, compressed or not. The file must stay open until all was read. */
  static from(file: Pick<Deno.FsFile, "readSync">, total?: number, report?: ReadProgress): Content {
    const content = new Content(
      () => {
        const piece = new Uint8Array(PIECE_BYTES), count = file.readSync(piece);
        if (count === null) return undefined;
        return count < PIECE_BYTES ? piece.slice(0, count) : piece; // of a pipe, which gives little at once
      },
      total,
      report,
    );
    return isCompressed(content.head()) ? Content.of(content.whole(), report) : content;
  }

  /** Whether the file ends before what it holds does. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** The first bytes, which are still to be read afterwards. */
  head(): Uint8Array {
    let length = this.#ahead.reduce((sum, piece) => sum + piece.length, 0);
    for (let piece; length < HEAD_BYTES && (piece = this.#read()) !== undefined; length += piece.length) {
      this.#ahead.push(piece);
    }
    return joined(this.#ahead).subarray(0, HEAD_BYTES);
  }

  /** All of it, in pieces. */
  *pieces(): Generator<Uint8Array<ArrayBuffer>> {
    let done = 0;
    for (let piece; (piece = this.#ahead.shift() ?? this.#read()) !== undefined;) {
      for (let at = 0; at < piece.length; at += PIECE_BYTES) {
        const part = piece.subarray(at, at + PIECE_BYTES);
        yield part;
        done += part.length;
        if (this.#total !== undefined) this.#report?.(done, this.#total);
      }
    }
  }

  /** All of it, at once. @throws TraceError if it is more than 1 GiB. */
  whole(): Uint8Array<ArrayBuffer> {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for (let piece; (piece = this.#ahead.shift() ?? this.#read()) !== undefined;) {
      pieces.push(piece);
      length += piece.length;
      if (length > MOST_WHOLE_BYTES) throw new TraceError(`more than ${MOST_WHOLE_BYTES} bytes`);
    }
    return joined(pieces);
  }
}
