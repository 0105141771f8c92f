/**
 * The oracle: a plain Map of the blocks that are live, each filled to its last usable byte with a pattern of its own.
 * Whatever runs through it is checked: no block overlaps another, contents survive, zeros are zeros, and in the end the
 * heap's own lists agree with the Map. Property tests, stress runs and client programs all check against this one.
 *
 * It is slow on purpose, and throws {@linkcode OracleError} at the first disagreement.
 *
 * @module
 */

import type { Heap, Ptr } from "../heap/mod.ts";

/** What the heap did and the oracle did not expect. */
export class OracleError extends Error {
  override name = "OracleError";
}

interface Live {
  readonly size: number;
  readonly usable: number;
  readonly fill: number;
}

/** Blocks longer than this are read at their ends and once in so many bytes, not byte by byte. */
const SAMPLED_FROM = 4096;
const SAMPLE_STEP = 509; // a prime below any page and stride: overlaps do not hide between the samples
/** `owns` walks the free blocks of a class. While there may be this many or more, it is not asked about every block. */
const WALKED = 1024;

/** The calls that give a block. Each oracle has its own books of them. */
export abstract class CheckedCalls {
  /** @param fills What the first pattern is counted from. */
  constructor(protected readonly heap: Heap, private fills = 0) {}

  /** As the heap's; so are the others. 0 is passed on, and is not an error here. */
  malloc(size: number): Ptr {
    return this.add(this.heap.malloc(size), size, 16);
  }

  calloc(count: number, size: number): Ptr {
    const ptr = this.heap.calloc(count, size);
    if (ptr !== 0) assertZeros(this.heap, ptr, count, size);
    return this.add(ptr, count * size, 16);
  }

  alignedAlloc(alignment: number, size: number): Ptr {
    return this.add(this.heap.alignedAlloc(alignment, size), size, alignment);
  }

  /** Enters what the heap gave in the books, if that is a block. Returns it. */
  protected abstract add(ptr: Ptr, size: number, alignment: number): Ptr;

  /** Checks a block that the heap has just given for `size` bytes, and gives it a pattern of its own. */
  protected filled(ptr: Ptr, size: number, alignment: number): { usable: number; fill: number } {
    const { heap } = this;
    if (heap.address(ptr) % BigInt(alignment) !== 0n) throw new OracleError(`${ptr} is not aligned to ${alignment}`);
    const usable = heap.usableSize(ptr);
    if (usable < size) throw new OracleError(`usableSize(${ptr}) is ${usable}, less than the ${size} asked for`);
    const fill = 1 + this.fills++ % 251;
    heap.u8.fill(fill, ptr, ptr + usable);
    return { usable, fill };
  }
}

/** See the module. */
export class Oracle extends CheckedCalls {
  /** Every live block. */
  readonly live = new Map<Ptr, Live>();
  #mostLive = 0;
  #added = 0;

  /** Live blocks in the order of their making: the `index`th, counted round; undefined if there is none. */
  pick(index: number): Ptr | undefined {
    return this.live.size === 0 ? undefined : [...this.live.keys()][index % this.live.size];
  }

  realloc(ptr: Ptr, size: number): Ptr {
    const before = this.live.get(ptr);
    if (before !== undefined) this.verify(ptr);
    const moved = this.heap.realloc(ptr, size);
    if (moved === 0) {
      if (before !== undefined) this.verify(ptr);
      return 0;
    }
    if (before !== undefined) {
      this.live.delete(ptr);
      verifyFill(this.heap, moved, Math.min(before.size, size), before.fill, "realloc lost the contents of");
    }
    return this.add(moved, size, 16);
  }

  free(ptr: Ptr): void {
    this.verify(ptr);
    this.live.delete(ptr);
    this.heap.free(ptr);
  }

  freeAll(): void {
    for (const ptr of [...this.live.keys()]) this.free(ptr);
  }

  /** Reads a live block's pattern. */
  verify(ptr: Ptr): void {
    const live = this.live.get(ptr);
    if (live === undefined) throw new OracleError(`${ptr} is not live`);
    verifyFill(this.heap, ptr, live.usable, live.fill, "something else wrote into");
  }

  /** Reads every pattern, and compares the heap's own tables, `blocks()` and `stats()` with the Map. */
  audit(): void {
    this.heap.check();
    for (const ptr of this.live.keys()) this.verify(ptr);
    let count = 0, bytes = 0;
    for (const block of this.heap.blocks()) {
      const live = this.live.get(block.ptr);
      if (live === undefined) throw new OracleError(`blocks() has ${block.ptr}, which is not live`);
      if (live.usable !== block.size) {
        throw new OracleError(`blocks() says ${block.size} of ${block.ptr}, usableSize() ${live.usable}`);
      }
      count++;
      bytes += block.size;
    }
    if (count !== this.live.size) throw new OracleError(`blocks() has ${count} blocks of ${this.live.size}`);
    const stats = this.heap.stats();
    if (stats.liveBlocks !== count || stats.liveBytes !== bytes) {
      throw new OracleError(`stats() has ${stats.liveBlocks} blocks, ${stats.liveBytes} bytes; not ${count}, ${bytes}`);
    }
    const small = stats.classes.reduce((sum, row) => sum + row.liveBlocks, 0);
    if (small + stats.largeBlocks !== count) throw new OracleError(`stats(): the rows have ${small} blocks`);
    if (stats.chargedBytes < stats.liveBytes) throw new OracleError("stats(): less is charged than live");
  }

  protected override add(ptr: Ptr, size: number, alignment: number): Ptr {
    if (ptr === 0) return 0;
    if (this.live.has(ptr)) throw new OracleError(`${ptr} was given out twice`);
    if (this.#isOwnsDue() && !this.heap.owns(ptr)) throw new OracleError(`owns(${ptr}) is false`);
    this.live.set(ptr, { size, ...this.filled(ptr, size, alignment) });
    this.#mostLive = Math.max(this.#mostLive, this.live.size);
    return ptr;
  }

  /** What has been live and is not may be free: `owns` is asked about one block in so many that it walks few of them. */
  #isOwnsDue(): boolean {
    return this.#added++ % (1 + Math.floor((this.#mostLive - this.live.size) / WALKED)) === 0;
  }
}

/** Checks what `calloc` gave. */
function assertZeros({ u8 }: Heap, ptr: Ptr, count: number, size: number): void {
  for (let at = ptr; at < ptr + count * size; at++) {
    if (u8[at] !== 0) throw new OracleError(`calloc(${count}, ${size}): byte ${at - ptr} is not 0`);
  }
}

/** Reads `length` bytes of a block, each of which has to be `fill`; `what` begins the message about one that is not. */
export function verifyFill({ u8 }: Heap, ptr: Ptr, length: number, fill: number, what: string): void {
  const step = length > SAMPLED_FROM ? SAMPLE_STEP : 1;
  for (let at = 0; at < length; at += step) {
    if (u8[ptr + at] !== fill) throw new OracleError(`${what} ${ptr}: byte ${at} of ${length}`);
  }
  if (length > 0 && u8[ptr + length - 1] !== fill) {
    throw new OracleError(`${what} ${ptr}: its last byte of ${length}`);
  }
}
