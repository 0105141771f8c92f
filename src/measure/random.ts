/**
 * Random orders from a recorded seed, so that a run's order can be repeated.
 *
 * @module
 */

/** A stream of random numbers: xorshift32. */
export class Random {
  #state: number;

  /** @param seed 1 to 2^32 - 1. */
  constructor(seed: number) {
    this.#state = seed | 0;
    if (this.#state === 0) throw new RangeError("0 is not a seed");
    for (let i = 0; i < 8; i++) this.below(2); // small seeds start with small numbers
  }

  /** A whole number from 0 to `range` - 1. */
  below(range: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.floor(((x >>> 0) / 2 ** 32) * range);
  }

  /** The items in random order (Fisher–Yates); the array itself stays as it is. */
  shuffled<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let left = shuffled.length; left > 1; left--) {
      const chosen = this.below(left);
      [shuffled[chosen], shuffled[left - 1]] = [shuffled[left - 1] as T, shuffled[chosen] as T];
    }
    return shuffled;
  }
}

/** A seed that no other run has. */
export function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] || 1;
}
