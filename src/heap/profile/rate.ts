/**
 * When a thread samples: after so many bytes as chance has it, such that each byte is as likely as any other to be the
 * one. The distances are those of a Poisson process: exponential, cut to whole bytes. So a block of `size` bytes is
 * sampled with the probability 1 - exp(-size / every), whatever was sampled before, and stands for the reciprocal of
 * that in blocks; tcmalloc (`sampler.h`, "DESIGN") and jemalloc (`prof_data.c`, `prof_unbias_map_init`) do the same.
 *
 * The estimates stay unbiased when `every` changes between two samples, as each sample keeps what it was drawn with. It
 * changes where a program allocates so fast that samples would take more than a hundredth of its time: a bucket has a
 * millisecond to spend, and gets a hundredth of the time that passes. Empty, `every` doubles at a sample; half full
 * again, it halves, down to what was asked for. So a thread that allocates slowly is sampled in full, and one that
 * allocates fast loses little. A heap that asks for samples n times as dense as the default has n times as much of the
 * time to spend, up to a tenth, and n² times as much in advance, up to two seconds.
 *
 * @module
 */

/** The most that a countdown has, so that it is an int32 whatever is taken off it; what is beyond waits. */
const MOST_LEFT = 2 ** 30;
/** Bytes from one sample to the next where nobody says how many. */
export const DEFAULT_EVERY_BYTES = 524_288;
/** Milliseconds that a thread may spend at once, and the part of the time that it gets back; and the most of either. */
const BUCKET_MS = 1;
const SHARE = 0.01;
const MOST_BUCKET_MS = 2_000;
const MOST_SHARE = 0.1;
/** So much of the time since the last sample counts: a program that waits is not at work, and does its work no faster. */
const MOST_GAP_MS = 10;
/** What a sample can have taken: the first makes code, and a thread that has to wait for its turn spends nothing. */
const MOST_MS = 0.25;
/** Samples from one look at the bucket to the next. */
const LOOK_SAMPLES = 4;

/** How many blocks like it a sampled block of so many bytes stands for. */
export function weightOf(size: number, every: number): number {
  return -1 / Math.expm1(-size / every);
}

/** See the module. One for each thread. */
export class SampleRate {
  /** What the last sample was drawn with. */
  sampledEvery: number;
  readonly #words: Int32Array;
  readonly #left: number;
  readonly #least: number;
  readonly #random: () => number;
  /** What was drawn last: how much of it is not in the countdown yet, and with what. */
  #beyond = 0;
  #drawnEvery: number;
  #every: number;
  readonly #bucketMost: number;
  readonly #share: number;
  #bucket: number;
  #samples = 0;
  #sampled = performance.now();

  /**
   * @param left the index in `words` of the countdown.
   * @param every bytes from one sample to the next, on average.
   */
  constructor(words: Int32Array, left: number, every: number, random = Math.random) {
    this.#words = words;
    this.#left = left;
    this.#least =
      this.#every =
      this.#drawnEvery =
      this.sampledEvery =
        every;
    this.#random = random;
    const times = Math.max(1, DEFAULT_EVERY_BYTES / every);
    this.#bucket = this.#bucketMost = Math.min(MOST_BUCKET_MS, BUCKET_MS * times ** 2);
    this.#share = Math.min(MOST_SHARE, SHARE * times);
    this.#draw();
  }

  /** What the next sample will be drawn with. */
  get every(): number {
    return this.#every;
  }

  /** Whether a block is to be sampled whose bytes are off the countdown already, as on the hot path. */
  isDue(): boolean {
    return this.#isDue(this.#words[this.#left]!);
  }

  /** The same for one whose bytes are not. */
  isDueFor(size: number): boolean {
    return this.#isDue(this.#words[this.#left]! - size);
  }

  /** Counts a block back that the hot path has counted, and will count again. */
  refund(size: number): void {
    this.#words[this.#left]! += size;
  }

  #isDue(left: number): boolean {
    left += this.#beyond;
    if (left >= 0) {
      this.#count(left);
      return false;
    }
    this.sampledEvery = this.#drawnEvery;
    this.#draw();
    return true;
  }

  #draw(): void {
    this.#drawnEvery = this.#every;
    this.#count(Math.floor(-Math.log(1 - this.#random()) * this.#every));
  }

  #count(bytes: number): void {
    this.#words[this.#left] = Math.min(bytes, MOST_LEFT);
    this.#beyond = Math.max(0, bytes - MOST_LEFT);
  }

  /** What a sample took, in milliseconds, and when it was done. */
  spend(took: number, now: number): void {
    const passed = Math.min(now - this.#sampled, MOST_GAP_MS);
    this.#sampled = now;
    this.#bucket = Math.min(this.#bucketMost, this.#bucket + passed * this.#share) - Math.min(took, MOST_MS);
    if (++this.#samples % LOOK_SAMPLES !== 0) return;
    if (this.#bucket < 0) this.#every *= 2;
    else if (this.#bucket > this.#bucketMost / 2) this.#every = Math.max(this.#least, this.#every / 2);
  }
}
