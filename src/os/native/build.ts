/**
 * Native programs and libraries, built by `cc` on first use and kept in the cache.
 *
 * The key of a build is a hash of all that decides its content: the sources' text, the flags, the system, and for a program
 * what `cc --version` says, since programs are what is measured. A library is found without any compiler. A cache that
 * cannot be used does not stop a build: it goes into a temporary folder, which is removed when this process ends (a Worker
 * that is terminated, or a process that is killed, leaves its own). What cannot be loaded is not published: so a compiler
 * that printed rubbish once is asked again, and a folder from which nothing may be loaded is not used.
 * Costs a look at the cache, or the compilation; for programs one `cc --version` per process before.
 *
 * @module
 */
import {
  addEntry,
  cacheFolder,
  CacheUnusableError,
  checkEntryName,
  checksum,
  checksumSync,
  findEntry,
  findEntrySync,
} from "../files/cache.ts";
import { mayExecute } from "../files/descriptor.ts";
import { temporaryFolder } from "../environment.ts";
import { type NativeBuildCode, NativeBuildError, reasonOf } from "../errors.ts";
import { signalled } from "../command.ts";
import { granted } from "../permissions.ts";
import { checkSharedLibrary } from "./shared_library.ts";
import { distrustOfContent } from "../files/trust.ts";

/** What to build. */
export interface NativeTarget {
  /** Part of the file's name in the cache: letters, digits, `.`, `_` and `-`. */
  name: string;
  /** Local files. Those named `*.h` are part of the key, and are not passed to the compiler. */
  sources: readonly URL[];
  /** A library for `Deno.dlopen` or `LD_PRELOAD`, or a program to run. */
  kind: "library" | "executable";
  /** Arguments for `cc`, placed after the sources; `-O2` is given before them. */
  flags?: readonly string[];
  /** Of a library: throws if it cannot be used. It is called before a build is kept, and before one is taken. */
  check?: (path: string) => void;
  /** Milliseconds, after which a compiler is taken to hang. Default: 30,000. */
  patience?: number;
}

/** What was built. */
export interface NativeBuild {
  /** The library or the executable: valid until this process ends. */
  path: string;
  /** A warning, such as a cache that could not be used. */
  note?: string;
}

const COMPILER = "cc";
const PATIENCE = 30_000;

/** Raised when the way of building changes in a manner that the key does not see. */
const BUILD_VERSION = 1;

const KEY_DIGITS = 32;

/**
 * Builds a target, or finds it built.
 *
 * @throws {NativeBuildError} `NO_COMPILER`, `NO_PERMISSION`, `COMPILE_FAILED` (with the compiler's output), `NO_SOURCE`,
 * `NO_FOLDER`
 * @throws {TypeError} for a name that cannot be a file's
 */
export async function buildNative(target: NativeTarget): Promise<NativeBuild> {
  checkEntryName(target.name);
  const texts = await Promise.all(target.sources.map(readSource));
  const key = await keyOf(target, texts);
  const entry = `${target.name}-${key}`;
  const compile = (output: string) => runCompiler(target, output);

  let { path: folder, problem = "" } = cacheFolder();
  if (folder !== undefined) {
    const found = await findEntry(folder, entry);
    if (found && whyUnusable(target, found.path) === undefined) return { path: found.path };
    try {
      const { path } = await addEntry(folder, entry, async (output) => {
        try {
          await compile(output);
        } catch (error) {
          await assertRoom(folder, output);
          throw error;
        }
        const why = whyUnusable(target, output);
        if (why !== undefined) throw new CacheUnusableError(`what is built in ${folder} cannot be used (${why})`);
      });
      return { path };
    } catch (error) {
      if (!(error instanceof CacheUnusableError)) throw error;
      problem = error.message;
    }
  }
  const path = await buildTemporarily(entry, problem, async (output) => {
    await compile(output);
    await Deno.chmod(output, 0o700).catch(() => {}); // whatever the umask is; the folder is this user's alone
    const why = whyUnusable(target, output);
    if (why !== undefined) {
      throw new NativeBuildError("COMPILE_FAILED", `what ${COMPILER} made cannot be used: ${why}`);
    }
  });
  return { path, note: `${problem}; built for this process only` };
}

/** More than what is built takes. */
const ROOM_BYTES = 1 << 20;

/** @throws {CacheUnusableError} if nothing was built for want of space, which a compiler says in many ways */
async function assertRoom(folder: string, output: string): Promise<void> {
  try {
    await Deno.writeFile(output, new Uint8Array(ROOM_BYTES));
  } catch (cause) {
    throw new CacheUnusableError(`cannot write to the cache folder ${folder} (${reasonOf(cause)})`, { cause });
  }
}

/**
 * Where a library is that was built before, found without waiting and without a compiler; undefined if it is not in the cache,
 * or its source cannot be read.
 */
export function findBuilt(target: NativeTarget & { kind: "library" }): string | undefined {
  const { path: folder } = cacheFolder();
  if (folder === undefined) return undefined;
  const texts: string[] = [];
  for (const source of target.sources) {
    const path = pathOf(source);
    if (source.protocol !== "file:" || !granted({ name: "read", path })) return undefined;
    try {
      texts.push(Deno.readTextFileSync(path));
    } catch {
      return undefined;
    }
  }
  const key = checksumSync(new TextEncoder().encode(keyText(target, "", texts))).slice(0, KEY_DIGITS);
  const path = findEntrySync(folder, `${target.name}-${key}`);
  return path !== undefined && whyUnusable(target, path) === undefined ? path : undefined;
}

function whyUnusable(target: NativeTarget, path: string): string | undefined {
  if (target.kind === "executable") {
    return !granted({ name: "ffi" }) || mayExecute(path) ? undefined : "the system executes no file there";
  }
  try {
    target.check?.(path);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

async function readSource(source: URL): Promise<string> {
  if (source.protocol !== "file:") throw new NativeBuildError("NO_SOURCE", `${source} is not a local file`);
  const path = pathOf(source);
  if (!granted({ name: "read", path })) throw new NativeBuildError("NO_PERMISSION", `no permission to read ${path}`);
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new NativeBuildError("NO_SOURCE", `cannot read ${path} (${reasonOf(cause)})`, "", { cause });
  }
}

/** Only called for `file:` URLs, on systems whose paths are URL paths. */
function pathOf(source: URL): string {
  return decodeURIComponent(source.pathname);
}

async function keyOf(target: NativeTarget, texts: readonly string[]): Promise<string> {
  const identity = target.kind === "executable" ? await compilerIdentity(target) : "";
  return (await checksum(new TextEncoder().encode(keyText(target, identity, texts)))).slice(0, KEY_DIGITS);
}

/** All that decides what a build is. */
function keyText(target: NativeTarget, identity: string, texts: readonly string[]): string {
  return JSON.stringify([BUILD_VERSION, Deno.build.target, identity, target.kind, target.flags ?? [], texts]);
}

let identity: Promise<string> | undefined;

/** What `cc --version` prints, which tells one compiler from another. Once per process. */
function compilerIdentity(target: NativeTarget): Promise<string> {
  return identity ??= compiler(target, ["--version"], "NO_COMPILER").then(({ success, output }) => {
    if (!success) throw new NativeBuildError("NO_COMPILER", `\`${COMPILER} --version\` failed`, output);
    return output;
  });
}

async function runCompiler(target: NativeTarget, output: string): Promise<void> {
  const shared = Deno.build.os === "darwin" ? "-dynamiclib" : "-shared";
  const kind = target.kind === "library" ? [shared, "-fPIC"] : [];
  const files = target.sources.map(pathOf).filter((path) => !path.endsWith(".h"));
  const args = ["-O2", ...kind, "-o", output, ...files, ...target.flags ?? []];
  const result = await compiler(target, args, "COMPILE_FAILED");
  if (!result.success) {
    throw new NativeBuildError("COMPILE_FAILED", `${COMPILER} could not compile ${target.name}`, result.output);
  }
  const problem = problemOf(target, output);
  if (problem !== undefined) {
    throw new NativeBuildError("COMPILE_FAILED", `${COMPILER} did not make a library`, problem);
  }
}

/** Why a file that the compiler made cannot be loaded, so that it is asked again the next time. */
function problemOf(target: NativeTarget, path: string): string | undefined {
  if (target.kind !== "library" || Deno.build.os !== "linux" || !granted({ name: "read", path })) return undefined;
  try {
    checkSharedLibrary(path);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** What the compiler says. @param code of the error if it hangs */
async function compiler(
  { patience = PATIENCE }: NativeTarget,
  args: string[],
  code: NativeBuildCode,
): Promise<{ success: boolean; output: string }> {
  if (!granted({ name: "run", command: COMPILER })) {
    throw new NativeBuildError("NO_PERMISSION", `no permission to run ${COMPILER} (--allow-run=${COMPILER})`);
  }
  try {
    const result = await outputInTime(args, patience);
    if (result !== undefined) return result;
  } catch (cause) {
    // `cc` exists but may not be executed: the system's refusal and Deno's own are different classes.
    const refused = cause instanceof Deno.errors.PermissionDenied || cause instanceof Deno.errors.NotCapable;
    throw refused
      ? new NativeBuildError("NO_PERMISSION", `no permission to run ${COMPILER} (${reasonOf(cause)})`, "", { cause })
      : new NativeBuildError("NO_COMPILER", `no C compiler: ${COMPILER} cannot be run`, "", { cause });
  }
  const call = args.length === 1 ? `\`${COMPILER} ${args}\`` : COMPILER;
  throw new NativeBuildError(code, `${call} did not end within ${patience / 1000} s`);
}

/** Undefined for a compiler that hangs. It is killed; what it has started may hold its pipes open, so they are let go. */
async function outputInTime(
  args: string[],
  patience: number,
): Promise<{ success: boolean; output: string } | undefined> {
  const child = new Deno.Command(COMPILER, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const readers = [child.stdout, child.stderr].map((stream) => stream.pipeThrough(new TextDecoderStream()).getReader());
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    for (const reader of readers) reader.cancel();
    signalled(child); // or it has ended, and it was only a child of its own that held the pipes
  }, patience);
  try {
    const texts = await Promise.all(readers.map(textOf));
    const { success, signal } = await child.status;
    return isLate && signal === "SIGKILL" ? undefined : { success, output: texts.join("") };
  } finally {
    clearTimeout(timer);
  }
}

async function textOf(reader: ReadableStreamDefaultReader<string>): Promise<string> {
  for (let text = "";;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
  }
}

/** Builds of this process that the cache did not take, by entry. */
const temporaryBuilds = new Map<string, Promise<string>>();

function buildTemporarily(entry: string, problem: string, compile: (output: string) => Promise<void>): Promise<string> {
  let build = temporaryBuilds.get(entry);
  if (build === undefined) {
    build = makeTemporaryFolder(problem).then(async (folder) => {
      const path = `${folder}/${entry}`;
      await compile(path);
      return path;
    });
    build.catch(() => temporaryBuilds.delete(entry));
    temporaryBuilds.set(entry, build);
  }
  return build;
}

/** @param problem why it is not the cache folder */
async function makeTemporaryFolder(problem: string): Promise<string> {
  const parent = temporaryFolder(),
    refuse = (why: string, cause?: unknown) => {
      throw new NativeBuildError("NO_FOLDER", `${problem}; ${why}`, "", { cause });
    };
  if (!granted({ name: "write", path: parent })) refuse(`no permission to write to ${parent}`);
  const distrust = distrustOfContent(parent);
  if (distrust !== undefined) refuse(`nothing is built in ${parent}: ${distrust}`);
  try {
    const folder = await Deno.makeTempDir({ dir: parent, prefix: "hakmem-" });
    globalThis.addEventListener("unload", () => removeQuietly(folder));
    return folder;
  } catch (cause) {
    return refuse(`cannot write to ${parent} (${reasonOf(cause)})`, cause);
  }
}

function removeQuietly(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // Somebody was faster, and the process ends anyway.
  }
}
