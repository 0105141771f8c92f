/**
 * The charts of a benchmark: throughput and ratio to `system`, and its samples as series.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { bounds, mops, nameOf, ratioWithBounds, sizesOf } from "../format.ts";
import type { Result } from "../schema.ts";
import { type Figure, MUTED, seriesColour } from "./chart.ts";
import { intervalMarks, tickCount } from "./intervals.ts";
import { type RowGroup, rowPlot } from "./row_chart.ts";
import type { Series } from "./sample_charts.ts";
import { amountScale, ratioScale } from "./scale.ts";

/** Throughput by size, with the interval of the median. */
export function throughputFigure(results: readonly Result[]): Figure {
  const colours = coloursOf(results);
  const groups = bySize(results, (result) => {
    const { median, low, high } = result.opsPerSecond;
    return {
      figure: `${mops(median)} (${bounds(low, high, mops)})`,
      datum: { value: median / 1e6, low: low / 1e6, high: high / 1e6, colour: colours.get(nameOf(result)) ?? MUTED },
    };
  });
  const all = groups.flatMap(({ rows }) => rows.flatMap(({ datum }) => [datum.value, datum.low, datum.high]));
  return {
    description: `Throughput by size of ${colours.size} contestants; the table below has the same figures.`,
    caption: "Throughput, million operations a second: the median, and its 95 % interval as a line.",
    draw: (canvas) => {
      const x = { ...amountScale(all, tickCount(canvas)), label: "M operations/s" };
      return [{ plot: rowPlot({ groups, x, marks: intervalMarks }, canvas) }];
    },
  };
}

/** How many times as fast as `system`, paired by rounds; undefined if that was not measured. */
export function ratioFigure(results: readonly Result[]): Figure | undefined {
  const others = results.filter(({ allocator, ratioToSystem }) =>
    ratioToSystem !== undefined && allocator !== "system"
  );
  if (others.length === 0) return undefined;
  const colours = coloursOf(results);
  const groups = bySize(others, (result) => {
    const ratio = result.ratioToSystem ?? { ratio: 1, low: 1, high: 1 };
    return {
      figure: ratioWithBounds(ratio),
      datum: { ...ratio, value: ratio.ratio, colour: colours.get(nameOf(result)) ?? MUTED },
    };
  });
  const all = groups.flatMap(({ rows }) => rows.flatMap(({ datum }) => [datum.value, datum.low, datum.high]));
  return {
    description: "Ratio of each contestant's throughput to that of system, by size; the table has the same figures.",
    caption: "Times as fast as system, paired by rounds, with the 95 % interval. The line at 1 is system itself.",
    draw: (canvas) => {
      const x = { ...ratioScale([...all, 1], tickCount(canvas)), label: "times as fast as system" };
      const marks = (rows: Parameters<typeof intervalMarks>[0]) => [
        Plot.ruleX([1], { stroke: "currentColor", strokeDasharray: "4 3" }),
        ...intervalMarks(rows),
      ];
      return [{ plot: rowPlot({ groups, x, marks }, canvas) }];
    },
  };
}

/** The series of a benchmark. */
export function seriesOf(results: readonly Result[]): Series[] {
  const colours = coloursOf(results);
  return results.map((result) => ({
    group: `size ${result.size}`,
    label: nameOf(result),
    samples: result.samples,
    colour: colours.get(nameOf(result)) ?? MUTED,
    isBold: result.runtime === "deno",
  }));
}

/** A colour for each contestant; the do-nothing ones have none. */
export function coloursOf(results: readonly Result[]): Map<string, string> {
  const names = [...new Set(results.filter(({ runtime }) => runtime !== "harness").map(nameOf))];
  return new Map(names.map((name, index) => [name, seriesColour(index)]));
}

function bySize<Datum>(
  results: readonly Result[],
  show: (result: Result) => { figure: string; datum: Datum },
): RowGroup<Datum>[] {
  return sizesOf(results).map((size) => ({
    heading: `size ${size}`,
    rows: results.filter((result) => result.size === size)
      .map((result) => ({ label: nameOf(result), isBold: result.runtime === "deno", ...show(result) })),
  }));
}
