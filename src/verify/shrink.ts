/**
 * Shrinks a list that fails to a short one that still fails, by cutting pieces out of it and trying again: half of it,
 * then quarters, and so on down to single items (Zeller & Hildebrandt: "Simplifying and Isolating Failure-Inducing
 * Input", 2002). The result is 1-minimal: no single item can be left out. It knows nothing of what the items are.
 *
 * @module
 */

/** What to do with candidates. */
export interface Shrinking<T> {
  /** Whether a list still fails. */
  readonly fails: (items: readonly T[]) => Promise<boolean>;
  /** Milliseconds, on the clock of `performance.now()`, after which the shortest so far is the result. */
  readonly deadline: number;
  /** Simpler forms of an item, simplest first. */
  readonly simpler?: (item: T) => readonly T[];
}

/** The shortest list that was found in the time; `items` must fail. */
export async function shrink<T>(items: readonly T[], shrinking: Shrinking<T>): Promise<readonly T[]> {
  const short = await cut(items, shrinking);
  const simple = await simplify(short, shrinking);
  return simple === short ? short : await cut(simple, shrinking);
}

async function cut<T>(items: readonly T[], { fails, deadline }: Shrinking<T>): Promise<readonly T[]> {
  let best = items;
  let pieceLength = Math.ceil(best.length / 2);
  while (best.length > 0) {
    let isShorter = false;
    // From the end: what comes late depends on what comes early, not the other way round.
    for (let end = best.length; end > 0; end -= pieceLength) {
      if (performance.now() > deadline) return best;
      const candidate = [...best.slice(0, Math.max(0, end - pieceLength)), ...best.slice(end)];
      if (!await fails(candidate)) continue;
      best = candidate;
      isShorter = true;
    }
    if (pieceLength === 1 && !isShorter) break;
    pieceLength = Math.max(1, Math.min(Math.ceil(pieceLength / 2), best.length));
  }
  return best;
}

async function simplify<T>(items: readonly T[], { fails, deadline, simpler }: Shrinking<T>): Promise<readonly T[]> {
  let best = items;
  for (let index = 0; index < items.length; index++) {
    for (const form of simpler?.(best[index] as T) ?? []) {
      if (performance.now() > deadline) return best;
      const candidate = best.with(index, form);
      if (!await fails(candidate)) continue;
      best = candidate;
      break;
    }
  }
  return best;
}
