/**
 * What a history keeps while it is made: a file that is written anew, whole, after each comparison. So what was measured
 * is there after Ctrl-C, and after a kill; the same history takes it from there.
 *
 * @module
 */
import { InvalidOptionError } from "../../heap/mod.ts";
import { FileValueError, type Found, type HistoryKey, type HistoryState, parseHistoryState } from "../../model/mod.ts";
import { cacheFolder, checksum, reasonOf, replaceFile } from "../../os/mod.ts";

/** The comparisons and the revisions that do not run, of one history. */
export class Kept {
  readonly path: string;
  readonly #key: HistoryKey;
  readonly #found: Map<string, Found>;
  readonly #skipped: Map<string, string>;

  private constructor(path: string, key: HistoryKey, state?: HistoryState) {
    this.path = path;
    this.#key = key;
    // What was done once and was not sure then is worth another try.
    const comparisons = (state?.comparisons ?? []).filter(({ found }) =>
      state?.finished !== true || found.verdict !== "inconclusive"
    );
    this.#found = new Map(comparisons.map(({ a, b, found }) => [`${a} ${b}`, found]));
    this.#skipped = new Map(state?.finished === true ? [] : Object.entries(state?.skipped ?? {}));
  }

  /**
   * Opens what was kept, or begins.
   *
   * @param path The file; one in the cache folder, of this key alone, if absent.
   * @param fresh Begins anew, whatever was kept.
   * @throws {InvalidOptionError} if the file is of another history, is something else, or cannot be written
   */
  static async open(key: HistoryKey, path: string | undefined, fresh: boolean): Promise<Kept> {
    const file = path ?? await ownPath(key);
    const kept = new Kept(file, key, readState(file, key, fresh));
    kept.#write(false); // a file that cannot be written is found out now, not after the first comparison
    return kept;
  }

  /** What was found of two revisions, by their hashes. */
  found(a: string, b: string): Found | undefined {
    return this.#found.get(`${a} ${b}`);
  }

  /** Keeps a comparison. */
  keep(a: string, b: string, found: Found): void {
    this.#found.set(`${a} ${b}`, found);
    this.#write(false);
  }

  /** Why a revision does not run, if that is known. */
  skipped(hash: string): string | undefined {
    return this.#skipped.get(hash);
  }

  /** Keeps that a revision does not run. */
  skip(hash: string, reason: string): void {
    this.#skipped.set(hash, reason);
    this.#write(false);
  }

  /** Says that nothing is left to do. */
  finish(): void {
    this.#write(true);
  }

  #write(finished: boolean): void {
    const state: HistoryState = {
      schema: "hakmem.history-state/1",
      key: this.#key,
      finished,
      comparisons: [...this.#found].map(([pair, found]) => {
        const [a = "", b = ""] = pair.split(" ");
        return { a, b, found };
      }),
      skipped: Object.fromEntries(this.#skipped),
    };
    try {
      replaceFile(this.path, `${JSON.stringify(state)}\n`);
    } catch (error) {
      throw new InvalidOptionError(`what is measured cannot be kept in ${this.path}: ${reasonOf(error)}.`);
    }
  }
}

/** A file in the cache folder, named by the key. */
async function ownPath(key: HistoryKey): Promise<string> {
  const { path, problem } = cacheFolder();
  if (path === undefined) {
    throw new InvalidOptionError(`what is measured is kept in the cache folder, or in --state FILE: ${problem}.`);
  }
  await Deno.mkdir(`${path}/histories`, { recursive: true, mode: 0o700 });
  return `${path}/histories/${(await hashOf(key)).slice(0, 16)}.json`;
}

/** What is in a file; undefined if nothing is, or it is to be overwritten. */
function readState(path: string, key: HistoryKey, fresh: boolean): HistoryState | undefined {
  const advice = "give another --state, or remove it";
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new InvalidOptionError(`${path} cannot be read: ${reasonOf(error)}.`);
  }
  let state: HistoryState;
  try {
    state = parseHistoryState(text);
  } catch (error) {
    if (!(error instanceof FileValueError)) throw error;
    throw new InvalidOptionError(`${path} is not what a history keeps, ${error.message}: ${advice}.`);
  }
  const other = differenceOf(state.key, key);
  if (other !== undefined) throw new InvalidOptionError(`${path} is of another history, ${other}: ${advice}.`);
  return fresh ? undefined : state;
}

/** The first thing in which two histories differ, in words. */
function differenceOf(one: HistoryKey, other: HistoryKey): string | undefined {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof HistoryKey>;
  for (const name of names) {
    const [was, is] = [one[name], other[name]].map((value) => JSON.stringify(value) ?? "nothing");
    if (was !== is) return `its ${name} is ${was}, not ${is}`;
  }
  return undefined;
}

async function hashOf(key: HistoryKey): Promise<string> {
  return await checksum(new TextEncoder().encode(JSON.stringify(key)));
}
