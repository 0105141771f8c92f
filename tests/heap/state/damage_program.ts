/**
 * The process of `damage_test.ts`: damages one word after another, each of a heap of its own, and says what was wrong. It
 * writes a line before each damage, so that the last line tells which one it did not survive.
 */

import {
  BIN_MAP_WORDS,
  BINS,
  CACHE_SENT_TO,
  firstWordOf,
  LOG_OFFSET,
  MAX_CACHES,
  SLAB_MAP_OFFSET,
  SLAB_TABLE_OFFSET,
  SLAB_WORDS,
  SPAN_TABLE_OFFSET,
  SPAN_WORDS,
  SUPERSLAB_TABLE_OFFSET,
  SUPERSLAB_WORDS,
  WORD_BIN_MAP,
  WORD_BINS,
  WORD_CHARGED_PAGES,
  WORD_CLASS_OF,
  WORD_CLASS_SLABS,
  WORD_LOCK,
  WORD_LOG_LENGTH,
  WORD_THREADS,
  WORD_THREADS_USED,
  WORD_TOUCHED_LIMIT,
} from "../../../src/heap/state/layout.ts";
import {
  BOOK_GUARD_HIDES,
  booksLayout,
  placeOf,
  RECORD_WORDS,
  STACKS_BUCKETS,
  STACKS_WORD,
} from "../../../src/heap/state/books_layout.ts";
import {
  SAMPLE_WORDS,
  SAMPLES_RECORDS,
  SAMPLES_STACKS,
  SAMPLES_STACKS_BUCKETS,
  SAMPLES_STACKS_END,
} from "../../../src/heap/state/samples_layout.ts";
import { Heap, HeapError, type HeapOptions } from "../../../src/heap/mod.ts";
import { booksAt, samplesAt, viewState } from "../../../src/heap/inspect/state_view.ts";

const RESERVE = 16 * 2 ** 20;
const SHARED = "slab-map,shared=1,capacity=16,prewarm=0", OWN = "slab-map,capacity=16,prewarm=0";

/** A kind of heap, and its words that are damaged: indices from `at` on. */
interface Kind {
  readonly options: HeapOptions;
  readonly words: () => number[];
  readonly at?: number;
}

const KINDS: { readonly [name: string]: Kind } = {
  own: { options: { variant: OWN }, words: stateWords },
  shared: { options: { variant: SHARED }, words: () => [...stateWords(), WORD_LOCK] },
  debug: { options: { variant: OWN, build: "debug" }, words: bookWords, at: booksAt(RESERVE, false) },
  guarded: { options: { variant: OWN, guard: { oneIn: 3 } }, words: bookWords, at: booksAt(RESERVE, false) },
  "guarded state": { options: { variant: SHARED, guard: { oneIn: 3 } }, words: someStateWords },
  profiled: { options: { variant: OWN, profile: { everyBytes: 500 } }, words: sampleWords, at: samplesAt(RESERVE) },
  "profiled state": { options: { variant: SHARED, profile: { everyBytes: 500 } }, words: someStateWords },
};

/** A quarter of the words; the kind of heap; and values for each word: the test has one, by hand as many as there are. */
const [part, kindName, each] = [Number(Deno.args[0]), Deno.args[1]!, Number(Deno.args[2] ?? 1)];
const { options, words, at: firstWord = 0 } = KINDS[kindName]!;
const shared = options.variant === SHARED, isProfiled = options.profile !== undefined;
const isGuarded = options.guard !== undefined;
const CALLS = [
  "check",
  "blocks",
  "stats",
  "snapshot",
  "leaks",
  ...(isProfiled ? ["profile"] : []),
  ...(isGuarded ? ["touch"] : []),
  "owns",
  "malloc",
  "large",
  "free",
  "realloc",
  "collect",
  "close",
];

/** The words of state that say something in a heap of a few slabs, and some that do not. */
function stateWords(): number[] {
  const granules = RESERVE / 65_536, cache = firstWordOf(0);
  return [
    ...range(WORD_CHARGED_PAGES, WORD_TOUCHED_LIMIT - WORD_CHARGED_PAGES + 1),
    ...range(WORD_CLASS_OF, 2049, 97),
    ...range(WORD_BIN_MAP, 2 * BIN_MAP_WORDS),
    ...range(WORD_BINS, 2 * BINS, 3),
    ...range(WORD_CLASS_SLABS, 80, 3),
    WORD_LOG_LENGTH,
    ...range(WORD_THREADS_USED, 1),
    ...range(WORD_THREADS + 8, 24), // slots that nobody has
    ...range(SLAB_MAP_OFFSET / 4 + 32, 64, 2),
    ...range(SLAB_TABLE_OFFSET / 4 + 32 * SLAB_WORDS, 12 * SLAB_WORDS),
    ...range(SUPERSLAB_TABLE_OFFSET / 4 + SUPERSLAB_WORDS, 3 * SUPERSLAB_WORDS),
    ...range(cache, CACHE_SENT_TO + MAX_CACHES / 32, 3),
    ...range(LOG_OFFSET / 4, 64, 7),
    ...range(SPAN_TABLE_OFFSET / 4, (granules + 2) * SPAN_WORDS, 1),
  ];
}

/** One in three, for heaps that take longer: the others have all. By hand, with values, it is all of them. */
function someStateWords(): number[] {
  return stateWords().filter((_, index) => each > 1 || index % 3 === 0);
}

/** Words of books that say something, as indices of those. */
function bookWords(): number[] {
  const { map, taken, records } = booksLayout(RESERVE), first = placeOf(2 * 2 ** 20);
  return [
    ...range(0, BOOK_GUARD_HIDES + 1),
    WORD_LOG_LENGTH,
    ...range(LOG_OFFSET / 4, 32, 3),
    ...range(STACKS_WORD, STACKS_BUCKETS, 500),
    ...range(STACKS_WORD + STACKS_BUCKETS, 300, 11),
    ...range(map + first, 200, 3),
    ...range(taken + (first >>> 5), 40),
    ...range(records, 30 * RECORD_WORDS),
    ...range(records + 100 * RECORD_WORDS, 3 * RECORD_WORDS),
  ];
}

/** Words of a profile's samples that say something, as indices of those. */
function sampleWords(): number[] {
  return [
    ...range(0, SAMPLES_STACKS_END + 1),
    ...range(SAMPLES_STACKS, SAMPLES_STACKS_BUCKETS, 500),
    ...range(SAMPLES_STACKS + SAMPLES_STACKS_BUCKETS, 400, 3),
    ...range(SAMPLES_RECORDS + 32 * SAMPLE_WORDS, 40 * SAMPLE_WORDS),
  ];
}

/** What each word is overwritten with; the last three, as the upper half of a double, make it NaN, infinite, and 100. */
function values(state: Int32Array, at: number): number[] {
  const around = [at, state[at + 1]!, state[at - 1]!, state[at]! + 1, state[at]! ^ 4, (at * 2_654_435_761) | 0];
  return [0, 1, -1, 0x7fff_ffff, ...around, 0x7ff8_0000, 0x7ff0_0000, 0x4059_0000];
}
const VALUES = 13;

function range(first: number, count: number, step = 1): number[] {
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => first + index * step);
}

/** A heap with a bit of everything: lists, spilled blocks, an empty slab, large blocks, free spans dirty and clean. */
async function setUp(): Promise<{ heap: Heap; live: Set<number> }> {
  const heap = await Heap.open({ ...options, reserveBytes: RESERVE, log: () => {} });
  const live = new Set<number>();
  for (let index = 0; index < 120; index++) live.add(heap.malloc((index * 37) % 700));
  for (const size of [100_000, 200_000, 70_000, 300_000, 100_000]) live.add(heap.malloc(size));
  [...live].forEach((ptr, index) => {
    if (index % 3 !== 0) return;
    heap.free(ptr);
    live.delete(ptr);
  });
  return { heap, live };
}

const beside = await Heap.open({ reserveBytes: RESERVE }), kept = beside.malloc(1 << 20);
beside.u8.fill(0xaa, kept, kept + (1 << 20));

const found: string[] = [];
let damages = 0, errors = 0;

/** Makes one call; of a guarded heap also writes to its live blocks, which nothing may have hidden. */
function use(heap: Heap, live: Set<number>, call: string): void {
  const add = (ptr: number): void => {
    if (ptr !== 0 && live.has(ptr)) found.push(`${call}: ${ptr} was given out twice`);
    if (ptr !== 0) live.add(ptr);
  };
  const some = [...live].filter((_, index) => index % 2 === 0);
  if (call === "blocks") [...heap.blocks()];
  else if (call === "profile") {
    for (const format of ["pprof", "speedscope", "folded"] as const) heap.profile({ format });
  } else if (call === "owns") { for (const ptr of some) heap.owns(ptr); }
  else if (call === "large") { for (const size of [100_000, 60_000, 1 << 20]) add(heap.malloc(size)); }
  else if (call === "malloc") {
    for (let index = 0; index < 200; index++) add(tolerant(() => heap.malloc((index * 37) % 900)));
  } else if (call === "free") { for (const ptr of some) tolerant(() => (live.delete(ptr), heap.free(ptr), 0)); }
  else if (call === "realloc") {
    for (const ptr of some) tolerant(() => (live.delete(ptr), add(heap.realloc(ptr, 2000)), 0));
  } else if (call === "touch") { for (const ptr of live) heap.u8[ptr] = heap.u8[ptr]! + 1; }
  else (heap as unknown as Record<string, () => void>)[call]!();
}

/** A call may throw a HeapError, and the next one is made all the same. */
function tolerant(call: () => number): number {
  try {
    return call();
  } catch (error) {
    errors++;
    if (!(error instanceof HeapError)) throw error;
    return 0;
  }
}

async function damage(at: number, index: number): Promise<void> {
  const { heap, live } = await setUp(), state = viewState(heap);
  at += firstWord;
  const value = values(state, at)[index]!, order = CALLS.slice(0, -1);
  if (state[at] === value) return heap.close();
  damages++;
  const what = `word ${at}: ${state[at]} becomes ${value}`;
  console.log(what);
  state[at] = value;
  // Another call comes first each time; close comes last.
  for (const call of [...order.slice(damages % order.length), ...order.slice(0, damages % order.length), "close"]) {
    try {
      use(heap, live, call);
    } catch (error) {
      errors++;
      if (!(error instanceof HeapError)) found.push(`${what}, ${call}: ${(error as Error).stack}`);
    }
    if (shared && call !== "close" && at !== WORD_LOCK && state[WORD_LOCK] !== 0) {
      found.push(`${what}, ${call}: the lock is taken`);
      state[WORD_LOCK] = 0;
    }
  }
}

const all = words();
for (let index = 0; index < all.length; index++) {
  if (index % 4 !== part) continue;
  for (let step = 0; step < each; step++) await damage(all[index]!, (index + step * 4) % VALUES);
  if (index % 64 === 0 && !beside.u8.subarray(kept, kept + (1 << 20)).every((byte) => byte === 0xaa)) {
    found.push(`word ${all[index]}: the heap beside was written to`);
  }
}
beside.check();
console.log(JSON.stringify({ damages, errors, found: found.slice(0, 20) }));
Deno.exit(0);
