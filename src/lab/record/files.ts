/**
 * The files around a recording: the folder that the recorder writes to, the library where all can read it, and the place
 * where a recording goes when it is whole.
 *
 * @module
 */
import {
  buildNative,
  distrustOfFolder,
  type NativeTarget,
  preload,
  reasonOf,
  removeIfThere,
  temporaryFolder,
} from "../../os/mod.ts";

/** Nothing could be recorded. The message says why, and what can be done. */
export class RecordError extends Error {
  override name = "RecordError";
}

/** The library that is preloaded. */
export const RECORDER: NativeTarget = {
  name: "recorder",
  sources: [new URL("../../../native/recorder.c", import.meta.url)],
  kind: "library",
  // Without built-ins, because the compiler would make a calloc of malloc and memset, within malloc.
  flags: ["-fvisibility=hidden", "-fno-builtin", "-pthread", "-ldl"],
};

/** The same with stacks: another library, so that those who want none have nothing of it. */
export const STACK_RECORDER: NativeTarget = {
  ...RECORDER,
  name: "recorder-stacks",
  sources: [...RECORDER.sources, new URL("../../../native/recorder/stacks.h", import.meta.url)],
  // Frame pointers are followed from the recorder's own frames on. The unwinder is found before the program runs.
  flags: [
    ...RECORDER.flags ?? [],
    "-DSTACKS",
    "-fno-omit-frame-pointer",
    "-fno-optimize-sibling-calls",
    "-lgcc_s",
    "-Wl,-z,now",
  ],
};

/** What `LD_PRELOAD` has to be: the recorder, and what was there before. */
export async function preloadList(hasStacks: boolean): Promise<string> {
  const { path: built } = await buildNative(hasStacks ? STACK_RECORDER : RECORDER);
  const path = readableByAll(built);
  if (/[\s:]/.test(path)) {
    throw new RecordError(
      `LD_PRELOAD takes no path with a space or a colon, as in ${path}: set HAKMEM_CACHE to another`,
    );
  }
  const others = preload();
  return others === undefined ? path : `${path}:${others}`;
}

/**
 * A copy of the library where a program that gives up its rights can still load it: the cache is this user's alone. It is
 * kept, since a process that runs on may become another program later. Where none can be made, the library itself.
 */
function readableByAll(library: string): string {
  const folder = `${temporaryFolder()}/hakmem-recorder-${Deno.uid()}`;
  const copy = `${folder}/${library.slice(library.lastIndexOf("/") + 1)}`;
  const beside = `${copy}.${crypto.randomUUID()}`;
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o755 });
    if (distrustOfFolder(folder) !== undefined) return library;
    if (!exists(copy)) {
      Deno.copyFileSync(library, beside);
      Deno.chmodSync(beside, 0o755);
      Deno.renameSync(beside, copy);
      Deno.chmodSync(folder, 0o755); // whatever the umask is
    }
    return canBeLoaded(copy) ? copy : library;
  } catch {
    removeIfThere(beside); // of a copy that the disk had no room for
    return library;
  }
}

/** Not from a file system without executables. */
function canBeLoaded(library: string): boolean {
  const { stderr } = new Deno.Command("true", { env: { LD_PRELOAD: library }, stderr: "piped" }).outputSync();
  return stderr.length === 0;
}

/** Where a recording goes, and what was there when it began. */
export class Target {
  readonly file: string;
  /** Recordings of processes of an earlier run, which stay. */
  readonly earlier: readonly string[];
  readonly #before: string | undefined;

  /** @throws RecordError if it cannot be written. */
  constructor(file: string) {
    this.file = file;
    this.#before = identityOf(file);
    try {
      if (this.#before !== undefined) {
        // A device would be renamed over, and whoever opens a pipe waits for its reader. A folder says so itself.
        const { isFile, isDirectory } = Deno.statSync(file);
        if (!isFile && !isDirectory) throw new Error("it is there, and is not a file");
        Deno.openSync(file, { write: true }).close(); // it may not be ours
      }
      this.earlier = processFilesOf(file);
    } catch (error) {
      throw new RecordError(unwritable(file, error), { cause: error });
    }
  }

  /** Whether there was a file, which the recording replaces. */
  get replaces(): boolean {
    return this.#before !== undefined;
  }

  /** A new folder beside it, and so on the same disk. @throws RecordError if there can be none. */
  makeFolder(): string {
    const { folder: dir, name } = partsOf(this.file);
    try {
      // Deno's own temporary folders cannot have every character that a file's name may have.
      const folder = `${dir}/${name.slice(0, MOST_NAME)}.${crypto.randomUUID().slice(0, 8)}.recording`;
      Deno.mkdirSync(folder, { mode: 0o700 });
      return Deno.realPathSync(folder);
    } catch (error) {
      throw new RecordError(unwritable(this.file, error), { cause: error });
    }
  }

  /**
   * Where the recording of the program, or of one of its processes goes: where somebody else has written meanwhile, another
   * run of `record`, that stays, and this is another process's file.
   *
   * @param pid of the program itself if `isProgram`
   */
  fileOf(pid: number, isProgram: boolean): string {
    return isProgram && identityOf(this.file) === this.#before ? this.file : `${this.file}.${pid}`;
  }
}

/** Of 255 bytes that a name may have; letters may have four. */
const MOST_NAME = 50;

/** A name that is not taken: `ls.trace`, `ls-2.trace`. */
export function freeName(program: string): string {
  const name = program.slice(program.lastIndexOf("/") + 1);
  for (let number = 1;; number++) {
    const file = `${number === 1 ? name : `${name}-${number}`}.trace`;
    if (!exists(file)) return file;
  }
}

/** Why a file cannot be written. */
export function unwritable(file: string, error: unknown): string {
  const reason = reasonOf(error).replace(/: \w+ '.*'$/s, ""); // which call it was, and a name that is not the user's
  return `${file} cannot be written: ${reason}${
    error instanceof Deno.errors.NotFound ? "; its folder must exist" : ""
  }`;
}

/** Files FILE.PID that are there. */
function processFilesOf(file: string): string[] {
  const { folder, name } = partsOf(file);
  try {
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name);
    return names.filter((each) => each.startsWith(`${name}.`) && /^\d+$/.test(each.slice(name.length + 1)))
      .map((each) => `${file}${each.slice(name.length)}`);
  } catch {
    return []; // a folder that may be written to and not read, or that is missing, which is found next
  }
}

function partsOf(file: string): { folder: string; name: string } {
  const slash = file.lastIndexOf("/") + 1;
  return { folder: file.slice(0, slash) || ".", name: file.slice(slash) };
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino, mtime } = Deno.lstatSync(path);
    return `${dev}:${ino}:${mtime?.getTime()}`;
  } catch {
    return undefined;
  }
}

function exists(path: string): boolean {
  return identityOf(path) !== undefined;
}
