/**
 * The samples of a profiled heap: which blocks they are, and what was allocated where. All of it is in the heap's memory,
 * so all threads have the same, and what a dead thread has sampled stays.
 *
 * ```
 *   a record, by the granule of the block:  | size, a double | stack | thread | time | every |
 *   an entry of the table of stacks has:    | samples | - | objects, a double | bytes, a double |
 * ```
 *
 * A record is written by malloc, before the program has the pointer, and holds once the record of the block's span says that
 * it is sampled (`SPAN_SAMPLED`); so it is forgotten in the section that frees the block. What has been allocated in all is
 * added up in a section before. A thread that dies between the two has counted a block that it never got.
 *
 * A small block that is sampled has a span of its own, as a large block has (tcmalloc does the same): so the hot path's
 * free knows nothing of samples, and turns it away. What frees or resizes large blocks fast compares that word of the span,
 * the block's offset, in any heap, and turns a sampled one away for the same reason as one that is aligned.
 *
 * @module
 */

import { HEADER_BYTES, type LargeBlocks, type SampledSpans } from "../core/large.ts";
import type { SizeClasses } from "../core/size_classes.ts";
import { captureCall, captureFrames, KnownStacks, makeTexts, OWN_FRAMES_MOST } from "../stacks/capture.ts";
import { StackTable } from "../stacks/table.ts";
import { CACHE_SAMPLE_LEFT, firstWordOf, SLAB_BYTES } from "../state/layout.ts";
import { needStack } from "../state/journal.ts";
import type { HeapMemory } from "../state/memory.ts";
import {
  SAMPLE_WORDS,
  SAMPLES_BEGAN,
  SAMPLES_COARSEST,
  SAMPLES_EVERY,
  SAMPLES_LOST,
  SAMPLES_RECORDS,
  SAMPLES_STACKS,
  SAMPLES_STACKS_BUCKETS,
  SAMPLES_STACKS_BYTES,
  SAMPLES_STACKS_END,
} from "../state/samples_layout.ts";
import { type HeapProfile, type ProfiledBlock, readProfile } from "./profile.ts";
import { SampleRate, weightOf } from "./rate.ts";

/** The innermost calls of a program that a sample has. */
const FRAMES = 32;
/** As much stack as Deno's text takes. */
const TEXT_STACK: readonly number[] = new Array<number>(6144).fill(0);
/** What freeing a sampled block takes longer than another, in milliseconds. */
const FREE_MS = 0.001;

/** Words of a record; the first two and the last four are doubles. */
const SIZE = 0;
const STACK = 2;
const THREAD = 3;
const TIME = 4;
const EVERY = 6;

/** Words of an entry in the table of stacks; doubles of two words each but for the first. */
const SAMPLES = 0;
const OBJECTS = 2;
const BYTES = 4;
const OWN_WORDS = 6;

/** A sample of a block that is about to be allocated. In the middle of that the program may be asked for memory, and sample more. */
export interface Sample {
  /** The number of its stack. */
  readonly stack: number;
  /** What it was drawn with, and when it was begun. */
  readonly every: number;
  readonly started: number;
}

/** See the module. */
export class Samples implements SampledSpans {
  readonly #memory: HeapMemory;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #classes: SizeClasses;
  readonly #large: LargeBlocks;
  readonly #table: StackTable;
  readonly #known = new KnownStacks();
  readonly #rate: SampleRate;
  readonly #first: number;
  /** A double, and its two words. */
  readonly #double = new Float64Array(1);
  readonly #halves = new Int32Array(this.#double.buffer);

  /** @param everyBytes of a heap that is new; others have it in their memory. */
  constructor(memory: HeapMemory, classes: SizeClasses, large: LargeBlocks, everyBytes: number, random?: () => number) {
    const first = this.#first = memory.samplesWord, { words, journal } = memory;
    this.#memory = memory;
    this.#words = words;
    this.#doubles = new Float64Array(memory.buffer);
    this.#classes = classes;
    this.#large = large;
    this.#table = new StackTable({
      words,
      journal,
      first: first + SAMPLES_STACKS,
      bytes: SAMPLES_STACKS_BYTES,
      buckets: SAMPLES_STACKS_BUCKETS,
      end: first + SAMPLES_STACKS_END,
      own: OWN_WORDS,
    });
    if (memory.isNew) {
      for (const word of [SAMPLES_EVERY, SAMPLES_COARSEST]) this.#doubles[(first + word) / 2] = everyBytes;
      this.#doubles[(first + SAMPLES_BEGAN) / 2] = Date.now();
      this.#table.begin();
    }
    const every = this.#doubles[(first + SAMPLES_EVERY) / 2]!;
    this.#rate = new SampleRate(words, firstWordOf(memory.thread) + CACHE_SAMPLE_LEFT, every, random);
    large.samples = this;
  }

  /** Whether a small block is to be sampled, which the hot path turned away. */
  isDue(): boolean {
    return this.#rate.isDue();
  }

  /** Whether a block is to be sampled that the hot path has not counted. */
  isDueFor(size: number): boolean {
    return this.#rate.isDueFor(size);
  }

  /** A small block is to be allocated by the hot path after all. */
  refund(size: number): void {
    this.#rate.refund(size);
  }

  /**
   * Begins a sample of a block that is about to be allocated: its stack, and the count of what is allocated there.
   *
   * @returns the sample, for `end` or `cancel`; undefined if there is no room on the stack for any of this, and the block
   * is not to be sampled.
   */
  begin(size: number): Sample | undefined {
    const started = performance.now(), every = this.#rate.sampledEvery;
    try {
      this.#rate.look(started);
      const captured = captureFrames(FRAMES + OWN_FRAMES_MOST, this.begin);
      makeTexts([captured]);
      const stack = this.#known.of(captured, () => {
        needStack(...TEXT_STACK); // Deno writes to stderr if there is none in the middle of it
        return captureCall(FRAMES);
      });
      return this.#memory.journal.run(() => {
        const sample = { stack: this.#table.keep(stack), every, started };
        this.#count(sample, size, 1);
        const coarsest = this.#first + SAMPLES_COARSEST;
        if (every > this.#read(coarsest)) this.#set(coarsest, every);
        return sample;
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      Atomics.add(this.#words, this.#first + SAMPLES_LOST, 1);
      return undefined;
    }
  }

  /** The block is there, at `ptr`. It needs less stack than `begin` did: nothing can fail between the two. */
  end(ptr: number, size: number, { stack, every, started }: Sample): void {
    const granule = Math.floor((ptr - HEADER_BYTES) / SLAB_BYTES), at = this.#record(granule);
    const doubles = this.#doubles, words = this.#words;
    const now = performance.now();
    words[at + STACK] = stack;
    words[at + THREAD] = this.#memory.thread;
    doubles[(at + TIME) / 2] = performance.timeOrigin + now;
    doubles[(at + EVERY) / 2] = every;
    doubles[(at + SIZE) / 2] = size;
    this.#large.sample(granule);
    this.#rate.spend(now - started + FREE_MS);
  }

  /** There was no memory for it. */
  cancel(size: number, sample: Sample): void {
    this.#memory.journal.run(() => this.#count(sample, size, -1));
    Atomics.add(this.#words, this.#first + SAMPLES_LOST, 1);
  }

  smallUsable(granule: number): number {
    const size = this.#doubles[this.#record(granule) / 2]!, { largest, usable, table, bias } = this.#classes;
    return size >= 0 && size <= largest ? usable[table[(size + bias) >> 4]!]! : 0;
  }

  /** What is sampled, and what it stands for. Cost: a walk over all spans and stacks. */
  profile(): HeapProfile {
    return this.#memory.journal.run(() => {
      const first = this.#first / 2, live = new Map<number, ProfiledBlock[]>();
      for (const granule of this.#large.granules()) {
        if (!this.#large.isSampled(granule)) continue;
        const at = this.#record(granule), size = this.#doubles[(at + SIZE) / 2]!, stack = this.#words[at + STACK]!;
        const everyBytes = this.#doubles[(at + EVERY) / 2]!, blocks = live.get(stack);
        const block = {
          ptr: this.#large.ptrOf(granule),
          size,
          objects: weightOf(size, everyBytes),
          everyBytes,
          timeMs: this.#doubles[(at + TIME) / 2]!,
          thread: this.#words[at + THREAD]!,
        };
        if (blocks === undefined) live.set(stack, [block]);
        else blocks.push(block);
      }
      const stacks = [...this.#table.numbers()].map((number) => {
        const own = this.#table.ownWord(number);
        return {
          text: this.#table.text(number),
          samples: this.#words[own + SAMPLES]!,
          allocatedObjects: this.#read(own + OBJECTS),
          allocatedBytes: this.#read(own + BYTES),
          live: live.get(number) ?? [],
        };
      });
      return readProfile(stacks, {
        everyBytes: this.#doubles[first + SAMPLES_EVERY / 2]!,
        coarsestEveryBytes: this.#doubles[first + SAMPLES_COARSEST / 2]!,
        beganMs: this.#doubles[first + SAMPLES_BEGAN / 2]!,
        lost: Atomics.load(this.#words, this.#first + SAMPLES_LOST),
      });
    });
  }

  #count({ stack, every }: Sample, size: number, by: number): void {
    const { journal } = this.#memory, own = this.#table.ownWord(stack), objects = by * weightOf(size, every);
    journal.add(own + SAMPLES, by);
    this.#add(own + OBJECTS, objects);
    this.#add(own + BYTES, objects * size);
  }

  /** A double whose words may lie anywhere. */
  #read(word: number): number {
    this.#halves[0] = this.#words[word]!;
    this.#halves[1] = this.#words[word + 1]!;
    return this.#double[0]!;
  }

  #add(word: number, by: number): void {
    this.#set(word, this.#read(word) + by);
  }

  #set(word: number, value: number): void {
    this.#double[0] = value;
    this.#memory.journal.set(word, this.#halves[0]!);
    this.#memory.journal.set(word + 1, this.#halves[1]!);
  }

  #record(granule: number): number {
    return this.#first + SAMPLES_RECORDS + granule * SAMPLE_WORDS;
  }
}
