/**
 * Whether another user could have put something into a folder, or changed it: what is loaded from there runs as this user.
 * A folder and a file must belong to this user, be writable by nobody else, and not be links. The folders above must
 * belong to root or this user and be writable by nobody else, unless they are sticky, as `/tmp` is; links among them are
 * followed if they belong to root or this user. Folders above that this program may not read are left out.
 *
 * @module
 */
import { reasonOf } from "../errors.ts";
import { openLibc } from "../libc.ts";
import { granted } from "../permissions.ts";

const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;
const ROOT = 0;

let user: number | undefined;

/** The user whose rights this process has; undefined if neither `--allow-ffi` nor `--allow-sys=uid` lets it be known. */
function ownUser(): number | undefined {
  if (user !== undefined) return user;
  if (granted({ name: "ffi" })) {
    const library = openLibc({ geteuid: { parameters: [], result: "u32" } });
    user = library.symbols.geteuid();
    library.close();
    return user;
  }
  return user = granted({ name: "sys", kind: "uid" }) ? Deno.uid() ?? undefined : undefined;
}

/** Why a file is not to be trusted, in words; undefined if it is. */
export function distrustOfFile(path: string): string | undefined {
  return distrustOf(path, (info) => info.isFile ? undefined : "is not a plain file");
}

/** Why a folder is not to be trusted, in words; undefined if it is, or if it is not there but those above are. */
export function distrustOfFolder(path: string): string | undefined {
  const itself = path.replace(/(?<=.)(\/+\.?)+$/, ""); // with a slash behind it a link would be followed
  return distrustOfAbove(itself, 0) ??
    distrustOf(itself, (info) => info.isDirectory ? undefined : "is not a folder, or is a link");
}

/** Whether another user could change what this one makes in a folder: it may be sticky, and root's. */
export function distrustOfContent(folder: string): string | undefined {
  return distrustOfAbove(`${folder}/x`, 0);
}

const MOST_LINKS = 40;

function distrustOfAbove(path: string, links: number): string | undefined {
  if (!path.startsWith("/")) return undefined; // a relative path that may not be made absolute
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  for (let count = 0; count < parts.length; count++) {
    const folder = `/${parts.slice(0, count).join("/")}`;
    const info = lookAt(folder);
    if (info === undefined || info === "unknown") continue;
    if (typeof info === "string") return info;
    if (info.uid !== ROOT && info.uid !== ownUser()) return `${folder} belongs to another user (${info.uid})`;
    if (info.isSymlink) {
      if (links >= MOST_LINKS) return `${folder} is one link too many`;
      const problem = distrustOfAbove(`${Deno.realPathSync(folder)}/x`, links + 1);
      if (problem !== undefined) return problem;
    } else if (info.isDirectory && (info.mode! & OTHERS_MAY_WRITE) !== 0 && (info.mode! & STICKY) === 0) {
      return `others may write to ${folder}`;
    }
  }
  return undefined;
}

function distrustOf(path: string, kind: (info: Deno.FileInfo) => string | undefined): string | undefined {
  const info = lookAt(path);
  if (info === undefined) return undefined;
  if (info === "unknown") return `this program may not look at ${path}`;
  if (typeof info === "string") return info;
  const own = ownUser(), problem = kind(info);
  if (problem !== undefined) return `${path} ${problem}`;
  if (own === undefined) return "it is not known which user this is (--allow-ffi)";
  if (info.uid !== own) return `${path} belongs to another user (${info.uid}, and this is ${own})`;
  return (info.mode! & OTHERS_MAY_WRITE) === 0 ? undefined : `others may write to ${path}`;
}

/** What is at a path; undefined if nothing is, "unknown" if this program may not look, and a sentence for other errors. */
function lookAt(path: string): Deno.FileInfo | string | undefined {
  if (!granted({ name: "read", path })) return "unknown";
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof Deno.errors.NotCapable) return "unknown"; // Deno keeps some paths for --allow-all
    return `${path} cannot be looked at (${reasonOf(error)})`;
  }
}
