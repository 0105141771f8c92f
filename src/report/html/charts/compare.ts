/**
 * The chart of a comparison: the ratio by size, with the band within which it does not count; and its samples as series.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { CompareFile, CompareRow } from "../../../model/compare.ts";
import { levelText, threadCount } from "../../tables/format.ts";
import { type Figure, MUTED, seriesColour } from "./chart.ts";
import { closeRatioWithBounds } from "../close_ratio.ts";
import { type Estimate, intervalMarks, tickCount } from "./intervals.ts";
import { levelMark, type Placed, type RowGroup, rowPlot } from "./rows.ts";
import type { Series } from "./samples.ts";
import { ratioScale } from "./scale.ts";

interface Judged extends Estimate {
  readonly bandLow: number;
  readonly bandHigh: number;
}

/** B over A by size; with the control, A over itself, below each. */
export function compareRatioFigure({ a, b, rows, level }: CompareFile): Figure | undefined {
  if (rows.length === 0) return undefined;
  const groups: RowGroup<Judged>[] = rows.map((row) => {
    const band = { bandLow: 1 / (1 + row.delta), bandHigh: 1 + row.delta };
    const { ratio, low, high } = row.control;
    return {
      heading: `${titleOf(row)}: ${row.verdict}`,
      rows: [
        {
          label: "B / A",
          figure: closeRatioWithBounds(row),
          isBold: true,
          datum: { value: row.ratio, low: row.low, high: row.high, colour: seriesColour(1), ...band },
        },
        {
          label: "control, A / A",
          figure: closeRatioWithBounds(row.control),
          datum: { value: ratio, low, high, colour: MUTED, ...band },
        },
      ],
    };
  });
  const all = groups.flatMap((group) =>
    group.rows.flatMap(({ datum }) => [datum.low, datum.high, datum.bandLow, datum.bandHigh])
  );
  return {
    description:
      `Ratio of the throughput of ${b} to that of ${a} by size, with its interval and the band that does not count.`,
    caption:
      `Throughput of B (${b}) over that of A (${a}). Intervals hold ${levelText(level)} for all sizes together. ` +
      "An interval beyond the band is a regression (left) or an improvement (right); one inside it, and within 5 %, means " +
      "that they are equivalent.",
    legend: [
      { label: "B over A", colour: seriesColour(1) },
      { label: "A over A, the control", colour: MUTED },
      { label: "too little to count", colour: "var(--band)", shape: "band" },
    ],
    draw: (canvas) => {
      const x = { ...ratioScale([...all, 1], tickCount(canvas)), label: "times as fast as A" };
      const marks = (placed: readonly Placed<Judged>[]) => [
        Plot.rect(placed, { x1: "bandLow", x2: "bandHigh", y: "key", fill: "var(--band)" }),
        levelMark(placed, 1),
        ...intervalMarks(placed),
      ];
      return [{ plot: rowPlot({ groups, x, marks }, canvas) }];
    },
  };
}

/** The samples of a comparison, as series. */
export function compareSeries({ a, b, rows }: CompareFile): Series[] {
  return rows.flatMap((row) => {
    const group = titleOf(row), { samples } = row;
    return [
      { group, label: `A: ${a}`, samples: samples.a, colour: seriesColour(0) },
      { group, label: `B: ${b}`, samples: samples.b, colour: seriesColour(1), isBold: true },
      { group, label: "control: A again", samples: samples.control, colour: MUTED },
    ];
  });
}

function titleOf({ workload, size, threads }: CompareRow): string {
  return `${workload === "replay" ? workload : `${workload}, size ${size}`}${
    threads === 1 ? "" : `, ${threadCount(threads)}`
  }`;
}
