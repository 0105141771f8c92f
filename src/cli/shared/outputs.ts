/**
 * Where a command's result goes: the terminal, files, or stdout for `-`. All are tried before anything is measured, so
 * that a run of a minute is not lost to a folder that is missing, and nothing is left behind by the try. A file is written
 * whole or not at all, and may not be one that the command reads, or another of its outputs.
 *
 * @module
 */
import { assertWritable, fileIdentity, isStdoutClosed, replaceFile } from "../../os/mod.ts";
import type { Palette } from "../../report/mod.ts";
import { isOfSystem, OutputError, palette, printData, printError, printOut } from "./terminal.ts";
import { UsageError } from "./values.ts";

/** One destination of a command's result, as it was asked for. */
export interface Destination<File> {
  /** Its option, `--json`. */
  readonly option: string;
  /** A path, or `-`; undefined if the option was not given. */
  readonly path: string | undefined;
  /**
   * A text, or bytes in pieces that can be asked for again. Undefined if the command has its own way to write it: it is an
   * output like the others all the same.
   */
  readonly render?: (file: File) => string | Iterable<Uint8Array>;
}

/** The destinations of a run. */
export class Outputs<File> {
  readonly #wanted: readonly (Destination<File> & { path: string })[];

  /**
   * Checks that all can be written to.
   *
   * @param inputs the files that the command reads
   * @param isAnswer whether the exit code is an answer, or what was made a file of its own, so that nobody need see more
   * @throws UsageError if one cannot, if two of them are the same, if one is an input, or if nobody would see anything
   */
  constructor(destinations: readonly Destination<File>[], inputs: readonly string[] = [], isAnswer = false) {
    this.#wanted = destinations.flatMap((each) => each.path === undefined ? [] : [{ ...each, path: each.path }]);
    const toStdout = this.#wanted.filter(({ path }) => path === "-").map(({ option }) => option);
    if (toStdout.length > 1) {
      throw new UsageError(`${toStdout.join(" and ")} cannot all be - (stdout): give all but one a file`);
    }
    const files = this.#files;
    if (files.length === 0 && !isAnswer && isStdoutClosed()) {
      const options = destinations.map(({ option }) => option).join(", ");
      throw new UsageError(`stdout is closed, so the result would go nowhere: give a file to ${options}, or to stdout`);
    }
    assertDistinct(files, inputs);
    for (const { option, path, render } of files) {
      if (render === undefined) continue;
      try {
        assertWritable(path);
      } catch (error) {
        throw isOfSystem(error) ? new UsageError(unwritable(option, path, error)) : error;
      }
    }
  }

  get #files(): readonly (Destination<File> & { path: string })[] {
    return this.#wanted.filter(({ path }) => path !== "-");
  }

  /** The command reads these files, too: it has just heard of them. @throws UsageError if one is an output. */
  assertNoneIs(inputs: readonly string[]): void {
    assertDistinct(this.#files, inputs);
  }

  /** Whether stdout belongs to one of them, and so to nothing else. */
  get takeStdout(): boolean {
    return this.#wanted.some(({ path }) => path === "-");
  }

  /**
   * Shows the result in the terminal, unless stdout is taken, and writes it to all destinations.
   *
   * @param report what is shown on stdout
   * @param remarks what is shown on stderr after it: warnings
   * @throws OutputError if some could not be written; all others are then
   */
  publish(file: File, report: (palette: Palette) => string, remarks = ""): void {
    const failures: string[] = [], unforeseen: unknown[] = [];
    const attempt = (write: () => void, option = "", path = "") => {
      try {
        write();
      } catch (error) {
        if (error instanceof OutputError) failures.push(error.message);
        else if (isOfSystem(error)) failures.push(unwritable(option, path, error));
        else unforeseen.push(error);
      }
    };
    if (!this.takeStdout) attempt(() => printOut(report(palette())));
    printError(remarks);
    for (const { option, path, render } of this.#wanted) {
      if (render === undefined) continue;
      attempt(() => path === "-" ? printData(render(file)) : replaceFile(path, render(file)), option, path);
    }
    if (unforeseen.length > 0) throw unforeseen[0];
    if (failures.length > 0) throw new OutputError(failures.join("\n"));
  }
}

/** Two names of one file are found, too: what is compared are the files themselves. */
function assertDistinct(files: readonly { option: string; path: string }[], inputs: readonly string[]): void {
  const read = new Map(inputs.map((path) => [fileIdentity(path), path]));
  const written = new Map<string, string>();
  for (const { option, path } of files) {
    const identity = fileIdentity(path);
    if (identity === undefined) continue; // a device or a pipe
    const input = read.get(identity), other = written.get(identity);
    if (input !== undefined) throw new UsageError(`${option}: ${input} would be overwritten by what is made of it`);
    if (other !== undefined) {
      throw new UsageError(`${other} and ${option} ${path} are the same file: give each its own`);
    }
    written.set(identity, option);
  }
}

function unwritable(option: string, path: string, error: Error): string {
  const reason = error.message.replace(/: \w+ '.*'$/s, ""); // which call it was, and a name that is not the user's
  const advice = error instanceof Deno.errors.NotFound ? "; its folder must exist, - is stdout" : "";
  return `${option} ${path} cannot be written: ${reason}${advice}`;
}
