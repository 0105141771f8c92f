/**
 * The values of result files, and how a file is read. A file may have been written by anybody, so that a number is a
 * number is not enough: a time is above 0, no interval ends before it begins, and a median is that of its samples.
 * Whatever is wrong is told by its path in the JSON and what stands there: `field results[3].samples[0]: -5 is not a
 * time`.
 *
 * @module
 */
import * as v from "valibot";

/** A file is not what its reader needs; the message is the path of the first value that is wrong, and what is. */
export class FileValueError extends Error {
  override name = "FileValueError";
}

/**
 * The longest time, in nanoseconds, is eleven days, and the shortest a thousand-millionth of one; so for what follows.
 */
const MOST = 1e15, LEAST = 1e-9;

function quantity(what: string, isOne: (value: number) => boolean) {
  const message = ({ input }: { input: unknown }) => `${shown(input)} is not ${what}`;
  return v.pipe(v.number(message), v.check(isOne, message));
}

/** Nanoseconds that something took. */
export const Time = quantity("a time", (value) => value >= LEAST && value <= MOST);
/** What is left of a time when others were subtracted. */
export const TimeDifference = quantity("a difference of times", (value) => Math.abs(value) <= MOST);
/** What is left of an amount when another was subtracted. */
export const Difference = quantity("a difference", (value) => Math.abs(value) <= Number.MAX_SAFE_INTEGER);
/** Times as much, or as fast. */
export const Factor = quantity("a ratio", (value) => value >= LEAST && value <= MOST);
/** Operations a second. */
export const Throughput = quantity("a throughput", (value) => value >= LEAST && value <= MOST);
/** What is counted, and bytes. */
export const Count = quantity("a count", (value) => Number.isSafeInteger(value) && value >= 0);
/** Threads that did something together. */
export const Threads = quantity(
  "a number of threads",
  (value) => Number.isInteger(value) && value >= 1 && value <= 1024,
);
/** What is at least 0, and may have parts: milliseconds of a disturbance, a load. */
export const Amount = quantity("an amount", (value) => value >= 0 && value <= Number.MAX_SAFE_INTEGER);
/** A part of a whole. */
export const Share = quantity("a share from 0 to 1", (value) => value >= 0 && value <= 1);

/** A ratio and its interval. */
export const RatioSchema = v.pipe(
  v.object({ ratio: Factor, low: Factor, high: Factor }),
  v.check(({ ratio, low, high }) => isOrdered(low, ratio, high), ({ input }) => unordered(input, "ratio")),
);

/** A median of throughputs and its interval. */
export const EstimateSchema = v.pipe(
  v.object({ median: Throughput, low: Throughput, high: Throughput }),
  v.check(({ median, low, high }) => isOrdered(low, median, high), ({ input }) => unordered(input, "median")),
);

function isOrdered(low: number, middle: number, high: number): boolean {
  const slack = 1 + TOLERANCE;
  return low <= middle * slack && middle <= high * slack;
}

function unordered(input: unknown, name: string): string {
  const { low, high, [name]: middle } = input as Record<string, unknown>;
  return `the ${name} ${middle} is not between low, ${low}, and high, ${high}`;
}

/** By how much figures that follow from others may differ from them, where a program has rounded them. */
export const TOLERANCE = 0.001;

/** Whether a figure is what follows from others. */
export function isAbout(value: number, expected: number): boolean {
  return Math.abs(value - expected) <= TOLERANCE * Math.abs(expected);
}

/** Says that something is wrong at a path, in a check of a whole file. */
export type Blame = (path: readonly (string | number)[], message: string) => void;

/** A check of a whole file; it blames the first path that contradicts another. */
export function consistent<File>(check: (file: File, blame: Blame) => void): v.RawCheckAction<File> {
  return v.rawCheck<File>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    check(dataset.value, (path, message) => {
      const items = path.map((key) => ({ type: "unknown", origin: "value", input: undefined, key, value: undefined }));
      addIssue({ message, path: items as unknown as [v.IssuePathItem] });
    });
  });
}

/**
 * A value of a JSON document, as its schema describes it.
 *
 * @throws FileValueError if it is another one
 */
export function checked<Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [{ path, message }] = result.issues;
  throw new FileValueError(path === undefined ? message : `field ${pathOf(path.map(({ key }) => key))}: ${message}`);
}

/**
 * The same of a document's text.
 *
 * @throws FileValueError if it is not JSON, or another value
 */
export function readChecked<Schema extends v.GenericSchema>(schema: Schema, text: string): v.InferOutput<Schema> {
  return checked(schema, parseJson(text));
}

/** The value of a JSON document. @throws FileValueError if it is not one, which says why in one line. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8 quotes the text, with its ends of lines.
    throw new FileValueError(`not JSON: ${error instanceof Error ? error.message.replaceAll(/\s+/g, " ") : error}`);
  }
}

/** A path as JavaScript writes it: `results[3].samples[0]`. */
function pathOf(keys: readonly unknown[]): string {
  return keys.map((key) => {
    if (typeof key === "number") return `[${key}]`;
    return /^[A-Za-z_]\w*$/.test(String(key)) ? `.${key}` : `[${JSON.stringify(key)}]`;
  }).join("").replace(/^\./, "");
}

function shown(value: unknown): string {
  // Not from the JSON: a member that an object lacks, or a method of the list itself, such as `at`.
  const text = typeof value === "number" ? String(value) : JSON.stringify(value) ?? "nothing";
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}

const LONGEST_SHOWN = 40;
