/**
 * Contestants by what they are called on a command line:
 *
 *     slab-map,refill=32        a variant of this source, with flags that differ
 *     system                    a peer
 *     ./libmine.so              a shared library with malloc, preloaded
 *     HEAD~1                    this repository's source as it was, with its own default variant
 *     HEAD~1,box,integrity=0    the same, with a variant of its own
 *     ../other,slab-map         another copy of the source, by its folder
 *
 * A revision's files are taken out of the repository into the cache folder, by their hash; so they are there until
 * somebody deletes them, and a revision that was rewritten is a new one. Whatever the source, it is this lab, with
 * these workloads, that runs its heap.
 *
 * @module
 */
import { InvalidOptionError, parseVariant, VARIANTS } from "../../heap/mod.ts";
import { cacheFolder, commandOutput, distrustOfFolder, statOf } from "../../os/mod.ts";
import { findPeer } from "../../peers/find.ts";
import { HARNESSES, PEERS } from "../../peers/mod.ts";
import { LIBRARY_PATH } from "../../peers/native.ts";
import { shortRevisions } from "../../report/tables/format.ts";
import { type Contestant, type Harness, heapContestant, peerContestant, WORKLOADS_HARNESS } from "./contestants.ts";

/** A contestant, and where it came from. */
export interface ResolvedSpec {
  readonly contestant: Contestant;
  /** The variant as this source knows it; absent for peers and for other sources. */
  readonly variant?: string;
  /** Of a revision its full hash, of a folder its path. */
  readonly source?: string;
}

/** This copy of the project. */
export const ROOT: string = decodeURIComponent(new URL("../../../", import.meta.url).pathname);
/** What a copy of the source needs to run its heap. */
const PARTS = ["mod.ts", "src", "native"];

/**
 * Finds out what a name stands for: a variant, a peer, a folder or a revision, whichever comes first in this order.
 *
 * @param harness What its process runs; the workloads if absent.
 * @throws {InvalidOptionError} if it is nothing of these, or its flags contradict one another
 * @throws PeerError if it is a peer that is not there
 */
export async function resolveSpec(text: string, harness: Harness = WORKLOADS_HARNESS): Promise<ResolvedSpec> {
  const [first = "", ...rest] = text.split(",").map((part) => part.trim());
  if (Object.hasOwn(VARIANTS, first)) {
    const { name } = parseVariant(text);
    return { contestant: heapContestant(name, name, undefined, harness), variant: name };
  }
  const idle = HARNESSES.find(({ name }) => name === first);
  if (idle !== undefined || LIBRARY_PATH.test(first) || PEERS.some(({ name }) => name === first)) {
    if (rest.length > 0) throw new InvalidOptionError(`${first} is a peer, and has no flags: ${rest.join(", ")}.`);
    return { contestant: await peerContestant(idle ?? findPeer(first), harness) };
  }
  const folder = await folderOf(first);
  if (folder !== undefined) return await copyOf(text, folder, folder, rest, harness);
  const revision = await commandOutput("git", ["-C", ROOT, "rev-parse", "--verify", "--quiet", `${first}^{commit}`]);
  if (revision !== undefined && revision.trim() !== "") {
    return await resolveRevision(text, revision.trim(), ROOT, rest, harness);
  }
  if (/^[0-9a-f]{7,40}$/.test(first)) {
    throw new InvalidOptionError(
      `the revision ${shortRevisions(first)} is not in this repository: it was rewritten, or this clone is shallow ` +
        "(git fetch --unshallow).",
    );
  }
  throw new InvalidOptionError(
    `"${first}" is not a contestant. Those are: the variants ${Object.keys(VARIANTS).join(", ")}; ` +
      `the peers ${
        PEERS.map(({ name }) => name).join(", ")
      }; the path of a shared library that has malloc (./lib.so); ` +
      `a folder with a copy of this project; a git revision of this project.`,
  );
}

/**
 * The heap of a revision.
 *
 * @param text How it is called.
 * @param hash Its full hash.
 * @param root A folder with a copy of this project, of whose repository it is.
 * @param parts A variant and flags; what the revision has by itself if empty.
 * @throws {InvalidOptionError} if it has no heap, or none of that variant; and whatever its own modules throw
 */
export async function resolveRevision(
  text: string,
  hash: string,
  root: string,
  parts: readonly string[],
  harness: Harness = WORKLOADS_HARNESS,
): Promise<ResolvedSpec> {
  return await copyOf(text, await takeOut(hash, root), hash, parts, harness);
}

async function folderOf(path: string): Promise<string | undefined> {
  try {
    const real = await Deno.realPath(path);
    if (!(await Deno.stat(real)).isDirectory) return undefined;
    await Deno.stat(`${real}/mod.ts`);
    await Deno.stat(`${real}/src/heap/variants.ts`);
    return real;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && /^\.{0,2}\//.test(path)) {
      throw new InvalidOptionError(`${path} has no copy of this project: mod.ts and src/heap are missing.`);
    }
    return undefined;
  }
}

/** A heap of another copy of the source; which variants it has, it knows itself. */
async function copyOf(
  text: string,
  folder: string,
  source: string,
  parts: readonly string[],
  harness: Harness,
): Promise<ResolvedSpec> {
  const url = new URL(`file://${encodeURI(folder)}`).href;
  const own: Pick<typeof import("../../heap/mod.ts"), "DEFAULT_VARIANT" | "parseVariant"> = await import(
    `${url}/src/heap/variants.ts`
  );
  const [first] = parts;
  const named = first === undefined || first.includes("=") ? [own.DEFAULT_VARIANT, ...parts] : parts;
  try {
    const { name } = own.parseVariant(named.join(","));
    return { contestant: heapContestant(name, text, url, harness), source };
  } catch (error) {
    throw new InvalidOptionError(`${text}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Takes a revision's files out of the repository, once; returns their folder. */
async function takeOut(hash: string, root: string): Promise<string> {
  const { path, problem } = cacheFolder();
  if (path === undefined) {
    throw new InvalidOptionError(`the revision ${hash} needs a folder to be put into: ${problem}.`);
  }
  const folder = `${path}/sources/${hash}`;
  const distrust = distrustOfFolder(folder);
  if (distrust !== undefined) throw new InvalidOptionError(`the sources in ${folder} are not used: ${distrust}.`);
  if (statOf(folder) !== undefined) return folder;
  await Deno.mkdir(`${path}/sources`, { recursive: true, mode: 0o700 });
  const scratch = await Deno.makeTempDir({ dir: `${path}/sources` });
  const archive = new Deno.Command("git", {
    args: ["-C", root, "archive", `--output=${scratch}/archive.tar`, hash, ...PARTS],
    stderr: "piped",
  });
  const { success, stderr } = await archive.output();
  const files = `${scratch}/files`;
  await Deno.mkdir(files, { mode: 0o700 });
  const unpacked = success &&
    await commandOutput("tar", ["-x", "-f", `${scratch}/archive.tar`, "-C", files]) !== undefined;
  try {
    if (!unpacked) {
      throw new InvalidOptionError(
        `the revision ${hash} has no heap to take out: ${new TextDecoder().decode(stderr).trim()}.`,
      );
    }
    await Deno.rename(files, folder).catch((error) => {
      if (statOf(folder) === undefined) throw error; // otherwise another process was faster
    });
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return folder;
}
