/**
 * What is printed, and how: text to stdout and stderr, colours and a progress bar only where there is a terminal.
 *
 * @module
 */
// @ts-types="./cli_progress.d.ts"
import { SingleBar } from "cli-progress";
import picocolors from "picocolors";
import { noColor } from "../os/mod.ts";
import { type Palette, PLAIN } from "../report/mod.ts";

const encoder = new TextEncoder();

/** Output that could not be written; the message has a line for each place that it was meant for. */
export class OutputError extends Error {
  override name = "OutputError";
}

/** Writes to stdout. @throws OutputError if that cannot be written; a reader who has seen enough is no error. */
export function printOut(text: string): void {
  try {
    print(Deno.stdout, text);
  } catch (error) {
    throw new OutputError(`stdout cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}

/** Writes to stderr; where that cannot be written, there is nowhere left to say so. */
export function printError(text: string): void {
  try {
    print(Deno.stderr, text);
  } catch {
    // a full disk, or a descriptor that is closed
  }
}

function print(output: typeof Deno.stdout | typeof Deno.stderr, text: string): void {
  let rest = encoder.encode(text);
  try {
    while (rest.length > 0) rest = rest.subarray(output.writeSync(rest));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // the reader has seen enough
  }
}

function isPlain(output: typeof Deno.stdout | typeof Deno.stderr): boolean {
  return noColor() !== undefined || !output.isTerminal();
}

/** Emphasis for what goes to stdout, or to stderr. */
export function palette(output: typeof Deno.stdout | typeof Deno.stderr = Deno.stdout): Palette {
  return isPlain(output) ? PLAIN : picocolors.createColors(true);
}

/** Shows how far something is; a bar on stderr if that is a terminal, else nothing. */
export interface ProgressDisplay extends Disposable {
  /** Starts from zero if the phase is a new one. */
  show(progress: { phase: string; done: number; total: number; label: string }): void;
}

/** Opens a display. Disposing it removes the bar and shows the cursor again. */
export function openProgress(): ProgressDisplay {
  if (isPlain(Deno.stderr)) return { show() {}, [Symbol.dispose]() {} };
  const bar = new SingleBar({
    format: "{phase} [{bar}] {percentage} %  {eta_formatted} left  {label}",
    barsize: 30,
    fps: 4, // the bar must not take time from what is measured
    etaBuffer: 60,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false, // Ctrl-C is handled by the command, which has a report to print first
  });
  let phase = "";
  return {
    show(progress) {
      if (progress.phase !== phase) {
        phase = progress.phase;
        bar.stop();
        bar.start(progress.total, progress.done, progress);
      }
      bar.update(progress.done, progress);
    },
    [Symbol.dispose]() {
      bar.stop();
    },
  };
}
