/**
 * The commits of a range, as git has them: along first parents, so that a branch that was merged is one commit, and for
 * each, its version of the files that decide how fast a heap is. Commits with the same version are one source: between
 * them there is nothing to compare.
 *
 * @module
 */
import { InvalidOptionError } from "../../heap/mod.ts";
import type { HistoryCommit } from "../../model/mod.ts";
import { commandOutput } from "../../os/mod.ts";
import { SOURCES } from "../compare/baseline.ts";

/** A range of a tree. */
export interface Range {
  /** The folder of the tree, absolute. */
  readonly tree: string;
  /** Oldest first: the one that the range starts after, and all of the range. */
  readonly commits: readonly HistoryCommit[];
  readonly notes: readonly string[];
}

/** How far back it goes if nobody says. */
export const USUAL_COMMITS = 30;
/** More than a page or a terminal shows. */
const MOST_COMMITS = 10_000;

/** Between fields: what no subject has. */
const FIELD = "\x1f";
const FORMAT = ["%H", "%P", "%an", "%aI", "%s"].join("%x1f");

/**
 * Reads a range.
 *
 * @param since The revision that it starts after; 30 commits before the last one if absent, or the first one that there is.
 * @throws {InvalidOptionError} if the folder is not of a repository, a revision is not of it, or nothing leads from one
 * to the other
 */
export async function readRange(folder: string, since: string | undefined, until: string): Promise<Range> {
  const tree = await Deno.realPath(folder).catch(() => undefined);
  if (tree === undefined) throw new InvalidOptionError(`the folder ${folder} does not exist.`);
  const git = async (...args: string[]) => await commandOutput("git", ["-C", tree, ...args]);
  if (await git("rev-parse", "--git-dir") === undefined) {
    throw new InvalidOptionError(`a history needs git and a repository: ${tree} is in none.`);
  }
  const isShallow = (await git("rev-parse", "--is-shallow-repository"))?.trim() === "true";
  const advice = isShallow ? " This clone is shallow: git fetch --unshallow brings the others." : "";
  const hashOf = async (option: string, revision: string) => {
    const hash = await revisionOf(tree, revision);
    if (hash !== undefined) return hash;
    throw new InvalidOptionError(`${option} ${revision} is not a revision of ${tree}.${advice}`);
  };
  const last = await hashOf("--until", until);
  const first = since === undefined ? undefined : await hashOf("--since", since);
  if (first !== undefined && await git("merge-base", "--is-ancestor", first, last) === undefined) {
    throw new InvalidOptionError(
      `${until} does not follow from ${since}: --since is the older one of a line.${advice}`,
    );
  }
  const log = (...args: string[]) => git("log", "--first-parent", `--format=${FORMAT}`, ...args, "--");
  const lines = first === undefined
    ? await log(`--max-count=${USUAL_COMMITS + 1}`, last)
    : `${await log(`${first}..${last}`)}${await log("--max-count=1", first)}`;
  const commits = (lines ?? "").split("\n").filter((line) => line !== "").toReversed();
  if (commits.length > MOST_COMMITS) {
    throw new InvalidOptionError(`${commits.length} commits are more than ${MOST_COMMITS}: give a later --since.`);
  }
  const numbers = new Map<string, number>();
  const read: HistoryCommit[] = [];
  for (const line of commits) {
    const [hash = "", parents = "", author = "", date = "", ...subject] = line.split(FIELD);
    const content = await contentOf(tree, hash);
    const source = numbers.getOrInsert(content, numbers.size);
    read.push({
      hash,
      subject: subject.join(FIELD),
      author,
      date,
      parents: parents === "" ? 0 : parents.split(" ").length,
      source,
    });
  }
  const notes = isShallow && read[0]?.parents === 0 ? [`the clone is shallow, and begins at ${read[0].hash}`] : [];
  return { tree, commits: read, notes };
}

/**
 * The full hashes of commits of a range, by any name.
 *
 * @throws {InvalidOptionError} if one is none of them
 */
export async function hashesIn({ tree, commits }: Range, revisions: readonly string[]): Promise<string[]> {
  return await Promise.all(
    revisions.map((name) => name.trim()).filter((name) => name !== "").map(async (revision) => {
      const hash = (await revisionOf(tree, revision)) ?? "";
      if (commits.some((commit) => commit.hash === hash)) return hash;
      throw new InvalidOptionError(`${revision} is not a commit of the range, on the line of first parents.`);
    }),
  );
}

/** The hash of a commit; undefined if there is none of that name. */
async function revisionOf(tree: string, revision: string): Promise<string | undefined> {
  const args = ["-C", tree, "rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`];
  return (await commandOutput("git", args))?.trim();
}

/**
 * What a revision has of what is measured: the hashes of its files. Pages among them are read by nothing that runs it.
 */
async function contentOf(tree: string, hash: string): Promise<string> {
  const files = await commandOutput("git", ["-C", tree, "ls-tree", "-r", hash, "--", ...SOURCES]) ?? "";
  return files.split("\n").filter((line) => !line.endsWith(".md")).join("\n");
}
