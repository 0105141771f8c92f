/**
 * How an estimate with its interval is drawn: a dot on a line.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { bounds, times } from "../../tables/format.ts";
import type { Canvas } from "./chart.ts";
import type { Placed } from "./rows.ts";

/** An estimate. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly colour: string;
}

/** The marks of estimates in the rows of a chart. */
export function intervalMarks(rows: readonly Placed<Estimate>[]): readonly Plot.Markish[] {
  const title = ({ value, low, high }: Estimate) => `${times(value)} (${bounds(low, high)})`;
  return [
    Plot.ruleY(rows, { y: "key", x1: "low", x2: "high", stroke: "colour", strokeWidth: 3, strokeOpacity: 0.55 }),
    Plot.tickX(rows, { y: "key", x: "low", stroke: "colour", insetTop: 6, insetBottom: 6 }),
    Plot.tickX(rows, { y: "key", x: "high", stroke: "colour", insetTop: 6, insetBottom: 6 }),
    Plot.dot(rows, { y: "key", x: "value", fill: "colour", r: 4, title }),
  ];
}

/** How many ticks an axis has room for. */
export function tickCount({ isNarrow }: Canvas): number {
  return isNarrow ? 6 : 9;
}
