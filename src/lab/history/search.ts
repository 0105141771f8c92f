/**
 * Where a row of states changes, by comparisons of two: what `history` does with revisions, without revisions.
 *
 * All that is compared is compared with one start, so that small changes add up until they are seen:
 *
 *     start ──────────────── end      the ends: equivalent, and it is done
 *     start ─────── middle            like the start? then the change comes later, otherwise before or here
 *                 before─hit          and in the end the state that was found with the one before
 *
 * That is one comparison for the ends, at most ⌈log2 n⌉ middles for n states after the start, and one for the
 * confirmation, unless the one before is the start. Then the state that was found is the new start, until the ends are
 * equivalent. Two changes that undo each other between two ends are not seen; more ends see more.
 *
 * Where a comparison is inconclusive, the middle is compared with the end of what is searched, too; if that says nothing
 * either, the change is somewhere in between.
 *
 * @module
 */
import type { HistoryChange, HistoryComparison, HistoryFile } from "../../model/mod.ts";

type Verdict = HistoryFile["verdict"];
type Purpose = HistoryComparison["purpose"];

/** A comparison of two states. */
export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly purpose: Purpose;
  readonly verdict: Verdict;
}

/** What is searched, and by what. */
export interface Search {
  /** States up to which it is searched, ascending; the last one is that of the whole. */
  readonly ends: readonly number[];
  /** Compares `a` with a later `b`: whether b is faster or slower. Never asked twice for two. */
  readonly compare: (a: number, b: number, purpose: Purpose) => Promise<Verdict>;
  /** Whether a state can be compared. Asked of those that would be. */
  readonly runs: (state: number) => Promise<boolean>;
}

/** Where something changed, as in the file; `comparison` is the index of its pair. */
export type FoundChange = Pick<HistoryChange, "verdict" | "certainty" | "from" | "to" | "comparison">;

/** What was found: also of a search that is still going on. */
export class Findings {
  readonly pairs: Pair[] = [];
  readonly changes: FoundChange[] = [];
  /** The first state that can be compared. */
  first: number | undefined;
}

/** Searches; what is found is in `findings` at once. Rejects with what `compare` and `runs` reject with. */
export async function search({ ends, compare, runs }: Search, findings: Findings): Promise<void> {
  const { pairs, changes } = findings;
  const last = ends.at(-1) ?? 0;
  const pairOf = async (a: number, b: number, purpose: Purpose): Promise<number> => {
    const known = pairs.findIndex((pair) => pair.a === a && pair.b === b);
    if (known >= 0) return known;
    pairs.push({ a, b, purpose, verdict: await compare(a, b, purpose) });
    return pairs.length - 1;
  };
  const verdictAt = (pair: number) => pairs[pair]!.verdict;
  const add = (certainty: FoundChange["certainty"], from: number, to: number, pair: number) =>
    changes.push({ verdict: verdictAt(pair), certainty, from, to, comparison: pair });

  let start = await nearest(range(0, last + 1));
  if (start === undefined) return;
  findings.first = start;
  for (const wanted of ends) {
    const end = await nearest(range(start + 1, wanted + 1).toReversed());
    if (end === undefined) continue;
    while (start < end) {
      const whole = await pairOf(start, end, "ends");
      if (differs(verdictAt(whole))) start = await firstChange(start, end, whole);
      else {
        if (verdictAt(whole) === "inconclusive") add("undecided", start, end, whole);
        break;
      }
    }
  }

  /** Finds the first change between two that differ by this pair, and gives the new start. */
  async function firstChange(from: number, to: number, whole: number): Promise<number> {
    let anchor = from; // what is compared with: the start, or what comes after a stretch that is undecided
    let low = from, high = to; // like the anchor; not like it
    let sure = whole; // the pair that says so of the narrowest range
    let isStuck = false;
    while (!isStuck) {
      const middle = await nearest(fromMiddle(low, high));
      if (middle === undefined) break;
      const before = await pairOf(anchor, middle, "middle");
      if (differs(verdictAt(before))) {
        high = middle;
        sure = before;
      } else if (verdictAt(before) === "equivalent") low = middle;
      else {
        const behind = await pairOf(middle, high, "middle");
        if (differs(verdictAt(behind))) {
          add("undecided", anchor, middle, before);
          anchor = low = middle;
          sure = behind;
        } else if (verdictAt(behind) === "equivalent") high = middle;
        else isStuck = true;
      }
    }
    const next = pairs[sure]!.b;
    if (isStuck) {
      add("range", low, next, sure);
      return next;
    }
    const direct = await pairOf(low, high, "confirmation");
    if (differs(verdictAt(direct))) {
      add(high - low === 1 ? "commit" : "range", low, high, direct);
      return high;
    }
    // Both together differ: if not by the last step, then little by little; if that is not sure, by one or the other.
    if (verdictAt(direct) === "equivalent") add("gradual", anchor, next, sure);
    else add("range", low, next, sure);
    return next;
  }

  /** The first of these states that can be compared. */
  async function nearest(states: readonly number[]): Promise<number | undefined> {
    for (const state of states) {
      if (await runs(state)) return state;
    }
    return undefined;
  }
}

function differs(verdict: Verdict): boolean {
  return verdict === "regression" || verdict === "improvement";
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
}

/** All states between two, those in the middle first. */
function fromMiddle(low: number, high: number): number[] {
  const middle = (low + high) / 2;
  return range(low + 1, high).toSorted((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
}
