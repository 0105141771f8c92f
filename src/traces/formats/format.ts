/**
 * What a format is: how it is recognised by its content, and its decoder.
 *
 * @module
 */
import type { Content } from "../files/content.ts";
import type { EventSink } from "../trace.ts";

/** A format, as the table in `../mod.ts` holds it. */
export interface TraceFormat {
  readonly name: string;
  /** For people. */
  readonly description: string;
  /** Whether a file begins like this format. @param head Its first bytes, a letter a byte; of a text, its lines without comments. */
  readonly recognises: (head: string) => boolean;
  /**
   * Decodes what a file holds; returns what the sink makes of it.
   *
   * @throws TraceError that says where, if the file is damaged.
   */
  readonly decode: <Result>(content: Content, sink: EventSink<Result>) => Result;
}
