/**
 * `micro` as text: what the whole costs first, then a row a stage with its own cost, its interval, ticks, and what the
 * stages add up to; then `mincore`.
 *
 * @module
 */
import Table from "cli-table3";
import { LINES, type Palette, PLAIN } from "./table.ts";

/** A median and its interval. */
interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One row: a stage, or a way of asking `mincore`. */
export interface MicroRow {
  readonly name: string;
  /** Of one operation. */
  readonly nanoseconds: Interval;
  /** Of the processor's counter. */
  readonly ticks: Interval;
  /** Nanoseconds of all stages up to this one; absent for `mincore`. */
  readonly cumulative?: number;
  /** Whether the stage is part of the sum that is compared with the whole. */
  readonly isOnFastPath: boolean;
}

/** What `micro` found. */
export interface MicroFile {
  readonly schema: "hakmem.micro/1";
  readonly rounds: number;
  readonly stages: readonly MicroRow[];
  /** malloc and free themselves in the same loop, the stages' sum, and what that leaves of them. */
  readonly whole: {
    readonly variant: string;
    readonly nanoseconds: Interval;
    readonly sum: number;
    readonly rest: number;
  };
  readonly mincore: readonly MicroRow[];
  /** Where the counter is read from: `native`, or `libc`, whose ticks are nanoseconds. */
  readonly source: "native" | "libc";
}

/** The text; colours from `palette`. */
export function renderMicro({ rounds, stages, whole, mincore, source }: MicroFile, palette: Palette = PLAIN): string {
  const { nanoseconds: { median, low, high }, sum, rest, variant } = whole;
  const lines = [
    palette.bold(`malloc and free of ${variant} take ${digits(median)} ns (${digits(low)}–${digits(high)});`) +
    ` the stages add up to ${digits(sum)} ns, which leaves ${digits(rest)}; ${rounds} rounds`,
    "",
    table(["stage", "ns", "95 %", "ticks", "all so far, ns"], stages, palette),
    "",
    "Dim stages are not on the fast path of that variant. Each was added to all above it.",
    "",
    table(["mincore", "ns", "95 %", "ticks", ""], mincore, palette),
    "",
  ];
  if (source === "libc") {
    lines.push("Without the native library there is no counter to read: ticks are nanoseconds.", "");
  }
  return lines.join("\n");
}

function table(head: string[], rows: readonly MicroRow[], palette: Palette): string {
  const text = new Table({
    head: head.map((name) => palette.bold(name)),
    colAligns: ["left", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  for (const { name, nanoseconds, ticks, cumulative, isOnFastPath } of rows) {
    const emphasis = isOnFastPath || cumulative === undefined ? String : palette.dim;
    const interval = `${digits(nanoseconds.low)}–${digits(nanoseconds.high)}`;
    const cells = [name, digits(nanoseconds.median), interval, digits(ticks.median)];
    text.push([...cells, cumulative === undefined ? "" : digits(cumulative)].map((cell) => emphasis(cell)));
  }
  return text.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

/** Differences of small numbers: hundredths, and no more. */
function digits(value: number): string {
  return value.toFixed(Math.abs(value) < 100 ? 2 : 0);
}
