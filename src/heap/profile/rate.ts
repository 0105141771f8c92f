/**
 * When a thread samples: after so many bytes as chance has it, such that each byte is as likely as any other to be the
 * one. The distances are those of a Poisson process: exponential, cut to whole bytes. So a block of `size` bytes is
 * sampled with the probability 1 - exp(-size / every), whatever was sampled before, and stands for the reciprocal of
 * that in blocks; tcmalloc (`sampler.h`, "DESIGN") and jemalloc (`prof_data.c`, `prof_unbias_map_init`) do the same.
 *
 * The estimates stay unbiased when `every` changes between two samples, as each sample keeps what it was drawn with. It
 * changes where a program allocates so fast that samples would take more than a two-hundredth of its time, and about as
 * much again for what they push out of the caches: a bucket has a millisecond to spend, and gets a two-hundredth of the
 * time in which the program works. It is looked at every few samples. Empty, `every` doubles; half full again, it
 * halves, down to what was asked for. So a thread that allocates slowly is sampled in full, and one that allocates fast
 * loses little. A heap that asks for samples n times as dense as the default has n times as much of the time to spend,
 * up to a tenth, and n² times as much in advance, up to two seconds.
 *
 * A program that waits is not at work, and does its work no faster for it. So what counts is the processor time of the
 * process, unless it is longer than the time that has passed for this thread.
 *
 * @module
 */

/** The most that a countdown has, so that it is an int32 whatever is taken off it; what is beyond waits. */
const MOST_LEFT = 2 ** 30;
/** Bytes from one sample to the next where nobody says how many. */
export const DEFAULT_EVERY_BYTES = 524_288;
/** Milliseconds that a thread may spend at once, and the part of the time that it gets back; and the most of either. */
const BUCKET_MS = 1;
const SHARE = 0.005;
const MOST_BUCKET_MS = 2_000;
const MOST_SHARE = 0.1;
/** What a sample can have taken: the first makes code, and a thread that has to wait for its turn spends nothing. */
const MOST_MS = 0.25;
/** Samples from one look at the bucket to the next. */
const LOOK_SAMPLES = 4;

/** How many blocks like it a sampled block of so many bytes stands for. */
export function weightOf(size: number, every: number): number {
  return -1 / Math.expm1(-size / every);
}

/** Processor time that the process has taken, in milliseconds. Asking takes some microseconds. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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
  readonly #worked: () => number;
  #samples = 0;
  /** When the bucket was looked at last, by both clocks. */
  #lookedMs = performance.now();
  #lookedWorked: number;

  /**
   * @param left the index in `words` of the countdown.
   * @param every bytes from one sample to the next, on average.
   * @param worked how long the process has been at work, in milliseconds.
   */
  constructor(words: Int32Array, left: number, every: number, random = Math.random, worked = processorMs) {
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
    this.#worked = worked;
    this.#lookedWorked = worked();
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

  /** What a sample took, in milliseconds. */
  spend(took: number): void {
    this.#bucket -= Math.min(took, MOST_MS);
    this.#samples++;
  }

  /** Sees whether samples have to become rarer, or may become denser, when one begins; `now` by `performance.now()`. */
  look(now: number): void {
    if (this.#samples < LOOK_SAMPLES) return;
    const worked = this.#worked(), passed = Math.min(now - this.#lookedMs, worked - this.#lookedWorked);
    this.#samples = 0;
    this.#lookedMs = now;
    this.#lookedWorked = worked;
    this.#bucket = Math.min(this.#bucketMost, this.#bucket + passed * this.#share);
    if (this.#bucket < 0) this.#every *= 2;
    else if (this.#bucket > this.#bucketMost / 2) this.#every = Math.max(this.#least, this.#every / 2);
  }
}
