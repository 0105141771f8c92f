/**
 * What a format is: how it is recognised by its content, and its decoder.
 *
 * @module
 */
import type { Trace } from "./trace.ts";

/** A format, as the table in `mod.ts` holds it. */
export interface TraceFormat {
  readonly name: string;
  /** For people. */
  readonly description: string;
  /** Whether a file begins like this format. @param head Its first bytes, a letter a byte. */
  readonly recognises: (head: string) => boolean;
  /**
   * Decodes a file which is not compressed.
   *
   * @throws TraceError that says where, if the file is damaged.
   */
  readonly decode: (bytes: Uint8Array<ArrayBuffer>) => Trace;
}
