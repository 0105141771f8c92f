/**
 * What the heap's tables say is checked where it is read: a word that was overwritten, by C code for instance, ends in
 * `HEADER_CORRUPTED`, and never in a walk without end, in a block that is given out twice, or outside of the heap. The hot
 * path does not come here; it checks what it pops by the slab map.
 *
 * @module
 */

import { HeaderCorruptedError } from "../errors.ts";

/** The error for a table that was overwritten. */
export function damaged(what: string): HeaderCorruptedError {
  return new HeaderCorruptedError(`the heap's tables were overwritten: ${what}.`, 0);
}
