/**
 * The charts of samples: how they lie, and how they went over the rounds. Both show each sample as its deviation from
 * the median of its contestant: contestants whose times differ a thousandfold stand side by side.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { median } from "simple-statistics";
import { nanoseconds } from "../../tables/format.ts";
import { type Canvas, type Figure, type LegendItem, type Panel } from "./chart.ts";
import { tickCount } from "./intervals.ts";
import { levelMark, type Placed, type RowGroup, rowPlot } from "./rows.ts";
import { deviationScale, linearTicks, signed } from "./scale.ts";

/** The samples of one contestant at one size, in the order of the rounds. */
export interface Series {
  /** The size, in words. */
  readonly group: string;
  readonly label: string;
  readonly samples: readonly number[];
  readonly colour: string;
  readonly isBold?: boolean;
}

interface Deviations {
  readonly deviations: readonly number[];
  readonly colour: string;
}

/** Every sample, with the quartiles as a box; undefined if there is none. */
export function distributionFigure(all: readonly Series[]): Figure | undefined {
  const series = all.filter(({ samples }) => samples.length > 0);
  if (series.length === 0) return undefined;
  const groups: RowGroup<Deviations>[] = groupNames(series).map((heading) => ({
    heading,
    rows: series.filter(({ group }) => group === heading).map(({ label, samples, colour, isBold = false }) => ({
      label,
      figure: `${nanoseconds(median([...samples]))} ns`,
      isBold,
      datum: { deviations: deviationsOf(samples), colour },
    })),
  }));
  const deviations = groups.flatMap(({ rows }) => rows.flatMap(({ datum }) => datum.deviations));
  return {
    description: "All samples of each contestant, as deviations from its median in percent.",
    caption:
      "Every sample (a dot) by how much longer it took than the contestant's median, which stands on the right; the " +
      "box holds the middle half. A second heap of dots is a second mode, of the machine or of V8.",
    draw: (canvas) => {
      const x = { ...deviationScale(deviations, tickCount(canvas)), label: "deviation of time, %" };
      return [{ plot: rowPlot({ groups, x, marks: boxesWithDots }, canvas) }];
    },
  };
}

function boxesWithDots(rows: readonly Placed<Deviations>[]): readonly Plot.Markish[] {
  const dots = rows.flatMap(({ key, colour, deviations }) =>
    deviations.map((deviation, index) => ({
      key,
      colour,
      deviation,
      title: `round ${index + 1}: ${signed(deviation)} %`,
    }))
  );
  const box = { fill: "var(--line)", stroke: "var(--quiet)", insetTop: 3, insetBottom: 3 };
  return [
    levelMark(rows, 0),
    Plot.boxX(dots, { x: "deviation", y: "key", r: 0, ...box }),
    Plot.dot(dots, { x: "deviation", y: "key", fill: "colour", fillOpacity: 0.75, r: 3, title: "title" }),
  ];
}

/** The samples in the order of the rounds; undefined if there is only one. */
export function roundsFigure(all: readonly Series[]): Figure | undefined {
  const series = all.filter(({ samples }) => samples.length > 1);
  if (series.length === 0) return undefined;
  const legend: LegendItem[] = [...new Map(series.map(({ label, colour }) => [label, colour]))]
    .map(([label, colour]) => ({ label, colour }));
  const points = series.flatMap(({ group, label, samples, colour }) =>
    deviationsOf(samples).map((deviation, index) => {
      const title = `${label}, round ${index + 1}: ${signed(deviation)} %`;
      return { group, label, colour, round: index + 1, deviation, title };
    })
  );
  const rounds = Math.max(...points.map(({ round }) => round));
  const y = { ...deviationScale(points.map(({ deviation }) => deviation), 5), grid: true, label: null };
  const panel = (group: string, { isNarrow }: Canvas, isLast: boolean): Panel => {
    const shown = points.filter((point) => point.group === group);
    const ticks = linearTicks(1, rounds, isNarrow ? 7 : 20).filter(Number.isInteger);
    return {
      ...(group === "" ? {} : { heading: group }),
      plot: {
        height: isLast ? 160 : 130,
        marginLeft: 48,
        marginRight: 12,
        marginTop: 8,
        marginBottom: isLast ? 38 : 8,
        x: { domain: [1, rounds], ticks, tickFormat: String, label: "round", axis: isLast ? "bottom" : null },
        y,
        color: { type: "identity" },
        marks: [
          Plot.ruleY([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
          Plot.line(shown, { x: "round", y: "deviation", z: "label", stroke: "colour", strokeWidth: 1.5 }),
          Plot.dot(shown, { x: "round", y: "deviation", fill: "colour", r: 2, title: "title" }),
        ],
      },
    };
  };
  return {
    description: "Deviation of each sample from its contestant's median, in percent, over the rounds.",
    caption: "Deviation from the contestant's median, %, round by round: what moves together was moved by the machine.",
    legend,
    draw: (canvas) => groupNames(series).map((group, index, { length }) => panel(group, canvas, index === length - 1)),
  };
}

function groupNames(series: readonly Series[]): string[] {
  return [...new Set(series.map(({ group }) => group))];
}

function deviationsOf(samples: readonly number[]): number[] {
  const middle = median([...samples]);
  return samples.map((sample) => middle === 0 ? 0 : 100 * (sample / middle - 1));
}
