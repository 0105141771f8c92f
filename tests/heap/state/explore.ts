/** For step models: every state that can be reached is visited, whatever the order of the steps. */

/** Visits every state that can be reached; returns how many there are. */
export function explore<State>(
  initial: State,
  successors: (state: State) => State[],
  keyOf: (state: State) => string = JSON.stringify,
): number {
  const seen = new Set<string>([keyOf(initial)]), open = [initial];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const next of successors(state)) {
      const key = keyOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(next);
    }
  }
  return seen.size;
}

/** A copy of a state with something done to it. */
export function changed<State>(state: State, change: (copy: State) => void): State {
  const copy = structuredClone(state);
  change(copy);
  return copy;
}
