/**
 * Where results go besides the terminal: files, or stdout for `-`. All are tried before anything is measured, so that a
 * run of a minute is not lost to a folder that is missing.
 *
 * @module
 */
import { printOut } from "./terminal.ts";
import { UsageError } from "./values.ts";

/** One destination of a command's result, as it was asked for. */
export interface Destination<File> {
  /** Its option, `--json`. */
  readonly option: string;
  /** A path, or `-`; undefined if the option was not given. */
  readonly path: string | undefined;
  readonly render: (file: File) => string;
}

/** The destinations of a run. */
export class Outputs<File> {
  readonly #wanted: readonly (Destination<File> & { path: string })[];
  readonly #created: readonly string[];

  /**
   * Checks that all can be written to.
   *
   * @throws UsageError if one cannot, or if two of them are stdout.
   */
  constructor(destinations: readonly Destination<File>[]) {
    this.#wanted = destinations.flatMap((each) => each.path === undefined ? [] : [{ ...each, path: each.path }]);
    const toStdout = this.#wanted.filter(({ path }) => path === "-").map(({ option }) => option);
    if (toStdout.length > 1) {
      throw new UsageError(`${toStdout.join(" and ")} cannot all be - (stdout): give all but one a file`);
    }
    this.#created = this.#wanted.filter(({ path }) => path !== "-").filter(touch).map(({ path }) => path);
  }

  /** Whether stdout belongs to one of them, and so to nothing else. */
  get takeStdout(): boolean {
    return this.#wanted.some(({ path }) => path === "-");
  }

  /** Writes them all. */
  write(file: File): void {
    for (const { path, render } of this.#wanted) {
      if (path === "-") printOut(render(file));
      else Deno.writeTextFileSync(path, render(file));
    }
  }

  /** Removes what was created for results that never came. */
  discard(): void {
    for (const path of this.#created) Deno.removeSync(path);
  }
}

/** Opens a file for writing without changing it; says whether it is a new one. */
function touch({ option, path }: { option: string; path: string }): boolean {
  try {
    Deno.openSync(path, { write: true, createNew: true }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return openExisting(option, path);
    throw unwritable(option, path, error);
  }
}

function openExisting(option: string, path: string): false {
  try {
    Deno.openSync(path, { write: true }).close();
    return false;
  } catch (error) {
    throw unwritable(option, path, error);
  }
}

function unwritable(option: string, path: string, error: unknown): UsageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UsageError(`${option} ${path} cannot be written: ${reason}; its folder must exist, - is stdout`);
}
