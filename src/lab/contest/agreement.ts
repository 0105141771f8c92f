/**
 * All contestants of a run must have done the same work: equal operations and equal checksums for the same number of
 * units. A contestant that has not done it measured something else: the run fails rather than compare it.
 *
 * @module
 */
import type { Turn } from "../contestant/protocol.ts";

/** Contestants did different work. */
export class DisagreementError extends Error {
  override name = "DisagreementError";
  /**
   * @param what The workload and its size.
   * @param answers What each contestant reported: operations and checksum.
   * @param dissenters Those that differ from most.
   */
  constructor(what: string, readonly answers: ReadonlyMap<string, string>, readonly dissenters: readonly string[]) {
    const reported = [...answers].map(([label, answer]) => `  ${label}: ${answer}`).join("\n");
    super(`${what}: ${dissenters.join(", ")} did other work than the rest\n${reported}`);
  }
}

/** What the contestants reported for the same work: one workload, its parameters, and the number of units. */
export class Agreement {
  readonly #what: string;
  readonly #answers = new Map<string, string>();

  /** @param what The work, for the message. */
  constructor(what: string) {
    this.#what = what;
  }

  /** Takes down what one contestant reported; it must not differ from what itself reported before. */
  record(label: string, answer: string): void {
    const before = this.#answers.get(label);
    if (before === answer) return;
    this.#answers.set(label, answer);
    if (before !== undefined) {
      throw new DisagreementError(this.#what, new Map([[`${label}, before`, before], [label, answer]]), [label]);
    }
  }

  /** @throws DisagreementError unless all reported the same. */
  check(): void {
    const counts = new Map<string, number>();
    for (const answer of this.#answers.values()) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    const [most] = [...counts].toSorted(([, a], [, b]) => b - a)[0] ?? [];
    const dissenters = [...this.#answers].filter(([, answer]) => answer !== most).map(([label]) => label);
    if (dissenters.length > 0) throw new DisagreementError(this.#what, this.#answers, dissenters);
  }
}

/** The agreements of a run: on the first unit of each size, and on each number of units that anybody ran. */
export class Agreements {
  readonly #bySize = new Map<string, Agreement>();

  /** Takes down one turn. */
  record(what: string, label: string, turn: Turn): void {
    this.#get(`${what}, first unit`).record(label, `checksum ${turn.checksum}`);
    const whole = `${turn.operations} operations, checksum ${turn.turnChecksum}`;
    this.#get(`${what}, ${turn.units} units`).record(label, whole);
  }

  /** @throws DisagreementError unless all who did the same work reported the same. */
  check(): void {
    for (const agreement of this.#bySize.values()) agreement.check();
  }

  #get(what: string): Agreement {
    let agreement = this.#bySize.get(what);
    if (agreement === undefined) this.#bySize.set(what, agreement = new Agreement(what));
    return agreement;
  }
}
