/**
 * The charts of a benchmark: throughput, ratio to `system`, throughput by threads, and its samples as series.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import {
  bounds,
  bySetting,
  isReplay,
  mops,
  nameOf,
  ratioWithBounds,
  sizesOf,
  threadCount,
  threadsOf,
} from "../../tables/format.ts";
import { netRatioToSystem, unlikeLoops } from "../../bench/loops.ts";
import type { Result } from "../../../model/results.ts";
import { type Canvas, type Figure, type LegendItem, MUTED, type Panel, seriesColour } from "./chart.ts";
import { type Estimate, intervalMarks, tickCount } from "./intervals.ts";
import { levelMark, type RowGroup, rowPlot } from "./rows.ts";
import type { Series } from "./samples.ts";
import { amountScale, ratioScale } from "./scale.ts";

/** Throughput by size, with the interval of the median. */
export function throughputFigure(results: readonly Result[]): Figure {
  const colours = coloursOf(results);
  const groups = rowGroups(results, (result) => {
    const { median, low, high } = result.opsPerSecond;
    return {
      figure: `${mops(median)} (${bounds(low, high, mops)})`,
      datum: { value: median / 1e6, low: low / 1e6, high: high / 1e6, colour: colours.get(nameOf(result)) ?? MUTED },
    };
  });
  const all = valuesOf(groups);
  return {
    description: isReplay(results)
      ? `Throughput of ${colours.size} contestants in the replay; the table below has the times.`
      : `Throughput by size of ${colours.size} contestants; the table below has the same figures.`,
    caption:
      `Throughput, million ${isReplay(results) ? "events a second, replay after replay" : "operations a second"}: ` +
      "the median, and its 95 % interval as a line.",
    draw: (canvas) => {
      const x = { ...amountScale(all, tickCount(canvas)), label: isReplay(results) ? "M events/s" : "M operations/s" };
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
  const isNet = unlikeLoops(results).length > 0;
  const ratioOf = (result: Result) => {
    if (!isNet) return result.ratioToSystem;
    const net = netRatioToSystem(result, results);
    return net && { ...net, ratio: net.median };
  };
  const colours = coloursOf(results);
  const groups = rowGroups(others, (result) => {
    const ratio = ratioOf(result);
    if (ratio === undefined) return { figure: "not known", datum: undefined };
    return {
      figure: ratioWithBounds(ratio),
      datum: { ...ratio, value: ratio.ratio, colour: colours.get(nameOf(result)) ?? MUTED },
    };
  });
  const all = valuesOf(groups);
  const unknown = groups.some(({ rows }) => rows.some(({ datum }) => datum === undefined))
    ? " Not known: what malloc and free alone take cannot be told from nothing in some rounds."
    : "";
  return {
    description: "Ratio of each contestant's throughput to that of system; the table has the same figures.",
    caption:
      `Times as fast as system${isNet ? " in net time, without the loops, which differ" : ""}, paired by rounds, ` +
      `with the 95 % interval. The line at 1 is system itself.${unknown}`,
    draw: (canvas) => {
      const x = { ...ratioScale([...all, 1], tickCount(canvas)), label: "times as fast as system" };
      const marks = (rows: Parameters<typeof intervalMarks>[0]) => [
        levelMark(rows, 1),
        ...intervalMarks(rows),
      ];
      return [{ plot: rowPlot({ groups, x, marks }, canvas) }];
    },
  };
}

/** Throughput by the number of threads, a line a contestant, a panel a size; undefined if there is only one number. */
export function scalingFigure(results: readonly Result[]): Figure | undefined {
  const counts = threadsOf(results);
  if (counts.length < 2) return undefined;
  const crews = new Set(results.filter(({ threads }) => threads > 1).map(nameOf));
  const contestants = results.filter((result) => result.runtime !== "harness" && crews.has(nameOf(result)));
  const colours = coloursOf(results);
  const points = contestants.map((result) => {
    const { size, threads, opsPerSecond: { median, low, high } } = result;
    const title = `${nameOf(result)}, ${threadCount(threads)}: ${mops(median)} (${bounds(low, high, mops)})`;
    const colour = colours.get(nameOf(result)) ?? MUTED;
    return {
      size,
      threads,
      label: nameOf(result),
      colour,
      value: median / 1e6,
      low: low / 1e6,
      high: high / 1e6,
      title,
    };
  });
  const legend: LegendItem[] = [...colours].filter(([label]) => crews.has(label))
    .map(([label, colour]) => ({ label, colour }));
  const panel = (size: number, { isNarrow }: Canvas): Panel => {
    const shown = points.filter((point) => point.size === size);
    const y = {
      ...amountScale(shown.flatMap(({ value, low, high }) => [value, low, high]), 6),
      grid: true,
      label: null,
    };
    return {
      heading: `size ${size}, M operations/s`,
      plot: {
        height: 240,
        marginLeft: 56,
        marginRight: 20,
        marginTop: 10,
        marginBottom: 38,
        x: { type: "point", domain: counts, label: "threads", labelAnchor: "center", tickFormat: String },
        y,
        color: { type: "identity" },
        marks: [
          Plot.line(shown, { x: "threads", y: "value", z: "label", stroke: "colour", strokeWidth: 1.5 }),
          Plot.ruleX(shown, {
            x: "threads",
            y1: "low",
            y2: "high",
            stroke: "colour",
            strokeWidth: 3,
            strokeOpacity: 0.55,
          }),
          Plot.dot(shown, { x: "threads", y: "value", fill: "colour", r: 4, ...(isNarrow ? {} : { title: "title" }) }),
        ],
      },
    };
  };
  return {
    description: `Throughput of each contestant with ${counts.join(", ")} threads; the table has the same figures.`,
    caption: "Throughput of all threads together by their number: the median, and its 95 % interval as a line.",
    legend,
    draw: (canvas) => sizesOf(contestants).map((size) => panel(size, canvas)),
  };
}

/** The series of a benchmark. */
export function seriesOf(results: readonly Result[]): Series[] {
  const colours = coloursOf(results);
  return bySetting(results).flatMap(({ heading, results }) =>
    results.map((result) => ({
      group: heading,
      label: nameOf(result),
      samples: result.samples,
      colour: colours.get(nameOf(result)) ?? MUTED,
      isBold: result.runtime === "deno",
    }))
  );
}

/** A colour for each contestant; the do-nothing ones have none. */
export function coloursOf(results: readonly Result[]): Map<string, string> {
  const names = [...new Set(results.filter(({ runtime }) => runtime !== "harness").map(nameOf))];
  return new Map(names.map((name, index) => [name, seriesColour(index)]));
}

/** All that the axis of a chart has to hold. */
function valuesOf(groups: readonly RowGroup<Estimate | undefined>[]): number[] {
  return groups.flatMap(({ rows }) =>
    rows.flatMap(({ datum }) => datum === undefined ? [] : [datum.value, datum.low, datum.high])
  );
}

function rowGroups<Datum>(
  results: readonly Result[],
  show: (result: Result) => { figure: string; datum: Datum },
): RowGroup<Datum>[] {
  return bySetting(results).map(({ heading, results }) => ({
    heading,
    rows: results.map((result) => ({ label: nameOf(result), isBold: result.runtime === "deno", ...show(result) })),
  }));
}
