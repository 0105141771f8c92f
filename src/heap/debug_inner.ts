/**
 * The release blocks that a debug build has taken, by itself: whatever comes off a free list is compared with them. So
 * a list that something wrote to is found when it is about to give out what is not free, and nothing is given out twice.
 *
 * @module
 */

import { HeaderCorruptedError, hex } from "./errors.ts";
import type { ReleaseBlocks } from "./release.ts";

/** See the module. */
export class InnerBlocks {
  readonly #release: ReleaseBlocks;
  readonly #taken = new Set<number>();

  constructor(release: ReleaseBlocks) {
    this.#release = release;
  }

  /**
   * A block of at least so many bytes, from a function of the release build; 0 if there is no memory.
   *
   * @throws {HeaderCorruptedError} if a free list was damaged; nothing is taken.
   */
  take(bytes: number, allocate: (bytes: number) => number): number {
    // Before it is taken: some variants write a header in front of what they take, which may be anybody's.
    this.#release.assertNext(bytes, (next) => !this.#taken.has(next));
    const inner = allocate(bytes);
    if (inner === 0) return 0;
    if (this.#taken.has(inner) || !this.#release.isBlock(inner) || this.#release.usableSize(inner) < bytes) {
      throw new HeaderCorruptedError(
        `a free list led to ${hex(inner)}, which is no free block: the first bytes of a free block were overwritten.`,
        inner,
      );
    }
    this.#taken.add(inner);
    return inner;
  }

  /** Gives a block back to the release build. @throws {HeaderCorruptedError} as that does; then it is still taken. */
  give(inner: number): void {
    this.#release.free(inner);
    this.#taken.delete(inner);
  }

  /** @throws {HeaderCorruptedError} if the release build's tables disagree, or have other blocks than were taken. */
  check(): void {
    this.#release.check();
    let count = 0;
    for (const { ptr } of this.#release.blocks()) {
      if (!this.#taken.has(ptr)) throw new HeaderCorruptedError("a block is missing from the free lists.", ptr);
      count++;
    }
    if (count !== this.#taken.size) throw new HeaderCorruptedError("a live block is on the free lists.", 0);
  }
}
