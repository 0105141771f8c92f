/**
 * What is printed, and how: text to stdout and stderr, colours and a progress bar only where there is a terminal.
 *
 * @module
 */
// @ts-types="./cli_progress.d.ts"
import { SingleBar } from "cli-progress";
import { noColor, terminalType } from "../../os/mod.ts";
import { COLOURS, type Palette, PLAIN, visible, visibleLine, wrap } from "../../report/mod.ts";

const encoder = new TextEncoder();

/** Output that could not be written; the message has a line for each place that it was meant for. */
export class OutputError extends Error {
  override name = "OutputError";
}

/** Writes a text for people to stdout, with nothing in it that a terminal obeys. @throws OutputError as {@linkcode printData}. */
export function printOut(text: string): void {
  printData(visible(text), true);
}

/**
 * Writes what programs read to stdout, a text or bytes. In a terminal, which people read, a text is shown as
 * {@linkcode printOut} does.
 *
 * @throws OutputError if that cannot be written; a reader who has seen enough is not an error.
 */
export function printData(data: string | Iterable<Uint8Array>, isVisible = false): void {
  const text = typeof data === "string" && !isVisible && Deno.stdout.isTerminal() ? visible(data) : data;
  try {
    print(Deno.stdout, text);
  } catch (error) {
    throw new OutputError(`stdout cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}

/** Writes to stderr; where that cannot be written, there is nowhere left to say so. */
export function printError(text: string): void {
  try {
    print(Deno.stderr, visible(fitted(text, Deno.stderr)));
  } catch {
    // a full disk, or a descriptor that is closed
  }
}

function print(output: Output, text: string | Iterable<Uint8Array>): void {
  try {
    for (let rest of typeof text === "string" ? [encoder.encode(text)] : text) {
      while (rest.length > 0) rest = rest.subarray(output.writeSync(rest));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // the reader has seen enough
  }
}

type Output = typeof Deno.stdout | typeof Deno.stderr;

/** Whether the system refused something, or Deno did: not all that the system says has a class in `Deno.errors`. */
export function isOfSystem(error: unknown): error is Error {
  return error instanceof Error &&
    (/\(os error \d+\)/.test(error.message) || Object.values(Deno.errors).some((kind) => error instanceof kind));
}

/** The widths that are written for: below the least, lines are hard to read, and so they are above the most. */
const COLUMNS = { least: 60, usual: 80, most: 120 };

/** How wide lines may be; undefined where there is no terminal to say so. */
function columnsOf(output: Output): number | undefined {
  if (!output.isTerminal()) return undefined;
  let columns = 0;
  try {
    columns = Deno.consoleSize().columns;
  } catch {
    // a terminal that does not know its size
  }
  return Math.min(COLUMNS.most, Math.max(COLUMNS.least, columns || COLUMNS.usual));
}

/** A terminal that can do more than print. */
function isScreen(output: Output): boolean {
  return output.isTerminal() && terminalType() !== "dumb";
}

/** Emphasis and width of what goes to stdout, or to stderr. */
export function palette(output: Output = Deno.stdout): Palette {
  const columns = columnsOf(output);
  if (columns === undefined) return PLAIN;
  const colours = noColor() !== undefined || !isScreen(output) ? PLAIN : COLOURS;
  return { ...colours, columns, isTerminal: true };
}

/** Text with its lines broken where they are longer than a terminal is wide; as it is where there is no terminal. */
function fitted(text: string, output: Output): string {
  const columns = columnsOf(output);
  return columns === undefined ? text : text.split("\n").flatMap((line) => hanging(line, columns)).join("\n");
}

/** A help, likewise; a paragraph whose lines are too long for the terminal is broken anew as a whole. */
export function helpText(text: string, output: Output): string {
  const columns = columnsOf(output) ?? Infinity;
  const whole = text.replaceAll(
    /^\S.*(?:\n\S.*)+/gm,
    (lines) => lines.split("\n").some((line) => line.length > columns) ? lines.replaceAll("\n", " ") : lines,
  );
  return fitted(whole, output);
}

// deno-lint-ignore no-control-regex -- escape codes are what it is about
const EMPHASIS = /\x1b\[\d+m/g;

/**
 * A line's parts; those behind the first stand under what it says, which in a list of two columns is the second one.
 * Those of a command can still be pasted into a shell.
 */
function hanging(line: string, columns: number): string[] {
  if (visible(line).replaceAll(EMPHASIS, "").length <= columns) return [line];
  const isCommand = /^ +deno run/.test(line);
  const [start = ""] = (isCommand ? undefined : /^ +\S.*? {2,}/.exec(line)) ?? /^ */.exec(line) ?? [];
  const left = start.length < columns / 2 ? start : /^ */.exec(line)![0];
  const indent = " ".repeat(isCommand ? left.length + 2 : left.length);
  const parts = wrap(line.slice(left.length), columns - indent.length - (isCommand ? 2 : 0));
  return parts.map((part, index) =>
    `${index === 0 ? left : indent}${part}${isCommand && index < parts.length - 1 ? " \\" : ""}`
  );
}

/** Names and what they mean, as the help shows them: two columns, two spaces apart. */
export function twoColumns(rows: readonly { readonly name: string; readonly description: string }[]): string {
  const widest = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, description }) => `  ${name.padEnd(widest)}  ${description}`).join("\n");
}

/** Shows how far something is: a bar on stderr if that is a terminal that can do it, otherwise nothing. */
export interface ProgressDisplay extends Disposable {
  /** Starts from zero if the phase is a new one. */
  show(progress: { phase: string; done: number; total: number; label: string }): void;
}

const MOST_BAR_COLUMNS = 30;

/**
 * Opens a display. Disposing it removes the bar and shows the cursor again.
 *
 * @param hideCursor Not if a signal may end the process without disposing of it.
 */
export function openProgress(hideCursor = true): ProgressDisplay {
  if (noColor() !== undefined || !isScreen(Deno.stderr)) return { show() {}, [Symbol.dispose]() {} };
  const bar = new SingleBar({
    format: (_options, { progress, eta }, { phase, label }) =>
      progressLine({ phase, label: visibleLine(label), progress, eta }, columnsOf(Deno.stderr)! - 1), // the last one would begin a new line
    fps: 4, // the bar must not take time from what is measured
    etaBuffer: 60,
    hideCursor,
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

/**
 * One line of at most `columns`. The share that is done and the time that is left are always there, the latter as soon
 * as it is known; then comes what is done, then the bar, and last what it is done to, as much of each as there is room
 * for.
 */
export function progressLine(
  { phase, label, progress, eta }: { phase: string; label: string; progress: number; eta: number | string },
  columns: number,
): string {
  const seconds = progress > 0 && progress < 1 && typeof eta === "number" && eta > 0 ? eta : undefined;
  const share = `${Math.floor(100 * progress)} %`;
  const figures = seconds === undefined ? share : `${share}  ${duration(seconds)} left`;
  const name = cut(phase, columns - figures.length - 1);
  const rest = columns - name.length - figures.length - 1;
  const barColumns = Math.min(MOST_BAR_COLUMNS, rest - 3 - Math.min(label.length + 2, Math.floor(rest / 2)));
  const done = Math.round(progress * barColumns);
  const bar = barColumns < 5 ? "" : `[${"=".repeat(done)}${"-".repeat(barColumns - done)}] `;
  const line = `${name} ${bar}${figures}`;
  return `${line}${cut(label === "" ? "" : `  ${label}`, columns - line.length)}`.trimEnd();
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : columns < 4 ? "" : `${text.slice(0, columns - 1)}…`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
