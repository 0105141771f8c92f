/**
 * The cache folder: files which can be made again, kept between runs.
 *
 *     <folder>/<name>.<SHA-256 of the content, 64 hex digits>
 *
 * The name of a file holds the checksum of its content, so one atomic rename publishes both: a reader sees a whole entry
 * or none, and two processes that make the same entry at once are both right. An entry whose content does not match its
 * name (truncated, overwritten) is as good as absent: it is made again and renamed over. Nothing is ever deleted, since
 * another process may be about to load it. The checksum finds damage, not malice. So a folder that another user
 * could change is not used (`trust.ts`).
 *
 * @module
 */
import { hakmemCache, userCacheFolder } from "../environment.ts";
import { reasonOf } from "../errors.ts";
import { canReadAndWrite, granted } from "../permissions.ts";
import { distrustOfFile, distrustOfFolder } from "./trust.ts";

/** An entry whose checksum was right when it was read. */
export interface CacheEntry {
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** The cache folder's path, or why there is none. It need not exist yet. */
export type CacheFolder = { path: string; problem?: undefined } | { path?: undefined; problem: string };

const CHECKSUM_DIGITS = 64;

/** SHA-256 as hexadecimal digits. */
export async function checksum(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** As `checksum`, without waiting; Node's module is loaded for it, in some milliseconds. */
export function checksumSync(bytes: Uint8Array<ArrayBuffer>): string {
  return process.getBuiltinModule("node:crypto").createHash("sha256").update(bytes).digest("hex");
}

/** Finds out where the cache is: `HAKMEM_CACHE` if it is set, otherwise `hakmem` in the user's cache folder. */
export function cacheFolder(): CacheFolder {
  const chosen = hakmemCache();
  const parent = userCacheFolder();
  let path = chosen ?? (parent && `${parent}/hakmem`);
  if (path === undefined) return { problem: "no cache folder is known (set HAKMEM_CACHE, or HOME, and --allow-env)" };
  if (!granted({ name: "read", path })) return { problem: `no permission to read the cache folder ${path}` };
  if (!path.startsWith("/") && granted({ name: "read", path: "." })) path = `${Deno.cwd()}/${path}`;
  const problem = distrustOfFolder(path);
  return problem === undefined ? { path } : { problem: `the cache folder ${path} is not used: ${problem}` };
}

/**
 * Looks an entry up. Costs a directory listing, and a read and a checksum of the file.
 *
 * @returns undefined when there is no sound entry of that name
 */
export async function findEntry(folder: string, name: string): Promise<CacheEntry | undefined> {
  try {
    for await (const { name: file } of Deno.readDir(folder)) {
      const path = `${folder}/${file}`;
      if (!isCandidate(name, file, path)) continue;
      const bytes = await Deno.readFile(path).catch(() => undefined);
      if (bytes !== undefined && await checksum(bytes) === file.slice(-CHECKSUM_DIGITS)) return { path, bytes };
    }
  } catch {
    // No folder yet, or not a folder: nothing is cached.
  }
  return undefined;
}

/** As `findEntry`, without waiting: the path of an entry. */
export function findEntrySync(folder: string, name: string): string | undefined {
  try {
    for (const { name: file } of Deno.readDirSync(folder)) {
      const path = `${folder}/${file}`;
      if (isCandidate(name, file, path) && checksumSync(Deno.readFileSync(path)) === file.slice(-CHECKSUM_DIGITS)) {
        return path;
      }
    }
  } catch {
    // No folder yet, or a file that cannot be read: it is not cached.
  }
  return undefined;
}

/** Whether a file may be the entry of a name. */
function isCandidate(name: string, file: string, path: string): boolean {
  return file.length === name.length + 1 + CHECKSUM_DIGITS && file.startsWith(`${name}.`) &&
    distrustOfFile(path) === undefined;
}

/**
 * Makes an entry: `make` writes its file into a scratch folder, from where it is renamed into the cache.
 *
 * @param make gets a path to write to
 * @throws {CacheUnusableError} when the folder cannot be written to; and whatever `make` throws
 */
export async function addEntry(
  folder: string,
  name: string,
  make: (path: string) => Promise<void>,
): Promise<CacheEntry> {
  const scratch = await openScratch(folder);
  try {
    const temporary = `${scratch}/${name}`;
    await make(temporary);
    return await publish(folder, name, temporary);
  } finally {
    await Deno.remove(scratch, { recursive: true }).catch(() => {});
  }
}

async function publish(folder: string, name: string, temporary: string): Promise<CacheEntry> {
  try {
    await Deno.chmod(temporary, 0o700); // whatever the umask is
    const bytes = await Deno.readFile(temporary);
    const path = `${folder}/${name}.${await checksum(bytes)}`;
    await Deno.rename(temporary, path);
    return { path, bytes };
  } catch (error) {
    throw unusable(folder, error);
  }
}

/** The cache folder cannot be written to. Callers go on without it. */
export class CacheUnusableError extends Error {
  override name = "CacheUnusableError";
}

async function openScratch(folder: string): Promise<string> {
  if (!canReadAndWrite(folder)) {
    throw new CacheUnusableError(`no permission to write to the cache folder ${folder}`);
  }
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const problem = distrustOfFolder(folder); // it may not have been there before
    if (problem !== undefined) throw new Error(problem);
    return await Deno.makeTempDir({ dir: folder, prefix: "build-" });
  } catch (error) {
    throw unusable(folder, error);
  }
}

function unusable(folder: string, cause: unknown): CacheUnusableError {
  return new CacheUnusableError(`cannot write to the cache folder ${folder} (${reasonOf(cause)})`, { cause });
}

/** Throws unless `name` can be part of a file name as it is. */
export function checkEntryName(name: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,150}$/.test(name)) {
    throw new TypeError(`Not a name for a cache entry: ${JSON.stringify(name)}`);
  }
}

/**
 * Content from the cache, made and kept there when it is not. The name must change whenever the content should, for
 * instance by holding a hash of what it is made from. Without a usable cache it is made at each call.
 *
 * @param name letters, digits, `.`, `_` and `-`
 * @param make called at most once; what it throws is passed on
 * @throws {TypeError} for another kind of name
 */
export async function cacheFile(
  name: string,
  make: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  checkEntryName(name);
  const { path: folder } = cacheFolder();
  const found = folder && await findEntry(folder, name);
  if (found) return found.bytes;
  const bytes = await make();
  if (folder !== undefined) {
    try {
      await addEntry(folder, name, (path) => Deno.writeFile(path, bytes));
    } catch {
      // The cache is a convenience: the content is right without it.
    }
  }
  return bytes;
}
