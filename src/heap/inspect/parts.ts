/**
 * The parts of a heap, put together as `../release.ts` does, each within reach: for loops that run one part's own code,
 * and not what stands in front of it. What a program would call is a separate heap.
 *
 * @module
 */

import { ClassSlabs } from "../core/class_slabs.ts";
import { FrontGate } from "../hot/front_gate.ts";
import { Headers } from "../core/headers.ts";
import { LargeBlocks } from "../core/large.ts";
import type { Journal } from "../state/journal.ts";
import { INVERSES_OFFSET, LOG_ENTRIES, MIB } from "../state/layout.ts";
import { Links } from "../core/links.ts";
import { HeapMemory } from "../state/memory.ts";
import { DEFAULT_VARIANT, parseVariant } from "../variants.ts";
import { PageHeap } from "../core/page_heap.ts";
import { inverseOf, type SizeClasses, sizeClasses } from "../core/size_classes.ts";
import { Slabs } from "../core/slabs.ts";
import { compileLarge, type LargePath } from "../hot/large_path.ts";
import { ThreadCache } from "../threads/thread_cache.ts";
import { openVirtualMemory } from "../../os/mod.ts";

const RESERVE_BYTES = 256 * MIB;

/** See the module. */
export interface Parts {
  readonly memory: HeapMemory;
  readonly journal: Journal;
  readonly classes: SizeClasses;
  readonly pages: PageHeap;
  readonly slabs: Slabs;
  readonly source: ClassSlabs;
  readonly cache: ThreadCache;
  readonly large: LargeBlocks;
  /** Large blocks that are never cached. */
  readonly uncached: LargeBlocks;
  readonly largePath: LargePath;
  readonly gate: FrontGate;
  /** Words that a section has written when `body` is done. */
  wordsOf(body: () => void): number;
}

/** Parts on memory of their own, which stays as long as they do. */
export async function openParts(): Promise<Parts> {
  const system = await openVirtualMemory();
  const { flags } = parseVariant(DEFAULT_VARIANT), classes = sizeClasses(flags.classes, false);
  const memory = HeapMemory.reserve(system, RESERVE_BYTES, true, RESERVE_BYTES), { journal } = memory;
  memory.words.set(classes.strides.map(inverseOf), INVERSES_OFFSET / 4);
  const pages = new PageHeap(memory), slabs = new Slabs(memory, pages, classes);
  const headers = new Headers(memory.u8, flags, classes), links = new Links(memory, slabs, classes, flags);
  const source = new ClassSlabs(memory, slabs, classes, links, undefined);
  const cache = new ThreadCache(memory, slabs, source, classes, flags, headers.carved, links, undefined);
  const large = new LargeBlocks(memory, pages, flags);
  return {
    memory,
    journal,
    classes,
    pages,
    slabs,
    source,
    cache,
    large,
    uncached: new LargeBlocks(memory, pages, { ...flags, spanCache: 0 }),
    largePath: compileLarge(memory.words, memory, large, flags, classes.largest),
    gate: new FrontGate(memory, slabs, classes, cache, large, headers, links, flags, undefined),
    wordsOf: (body) =>
      journal.run(() => {
        body();
        return LOG_ENTRIES - journal.room;
      }),
  };
}
