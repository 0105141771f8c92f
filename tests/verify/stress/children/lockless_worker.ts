/** A Worker of `stress` that takes the heap's lock whoever has it. */
import { WORD_LOCK } from "../../../../src/heap/state/layout.ts";
import "../../../../src/verify/stress/worker.ts";

const { compareExchange, store } = Atomics;
const HEAP_WORDS = 1 << 20; // no table of the oracle is as long
Atomics.compareExchange = ((words: Int32Array, index: number, from: number, to: number): number => {
  if (words.length < HEAP_WORDS || index !== WORD_LOCK) return compareExchange(words, index, from, to);
  store(words, index, to);
  return from;
}) as typeof Atomics.compareExchange;
