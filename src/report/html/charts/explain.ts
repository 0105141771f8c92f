/**
 * The charts of an explanation: the difference as a waterfall, from A to B, and what was measured before and after.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { ExplainFile } from "../../../model/explain.ts";
import { nanoseconds } from "../../tables/format.ts";
import type { Ratio } from "../../../model/results.ts";
import { type Figure, MUTED, seriesColour } from "./chart.ts";
import { closeRatioWithBounds } from "../close_ratio.ts";
import { tickCount } from "./intervals.ts";
import { levelMark, type Placed, type Row, rowPlot } from "./rows.ts";
import { amountScale, ratioScale } from "./scale.ts";

/** A step of the waterfall; all are throughput over A's. */
interface Step {
  readonly from: number;
  readonly to: number;
  /** The end's interval, if the step's own is known. */
  readonly low: number;
  readonly high: number;
  readonly colour: string;
}

/** One cause, by which throughput is multiplied. */
interface Cause extends Ratio {
  readonly label: string;
}

/**
 * The causes, of which the largest come first. Effects of flags may hold their share of the pairs already: pairs are
 * steps of their own only where the sum comes nearer to the total with them.
 */
export function causesOf({ flags, pairs, unexplained, total }: ExplainFile): Cause[] {
  const singles = flags.map(({ flag, a, b, ...ratio }) => ({ label: `${flag}: ${a} → ${b}`, ...ratio }));
  const both = pairs.map(({ flags: [first, second], ...ratio }) => ({ label: `${first} with ${second}`, ...ratio }));
  const product = (causes: readonly Ratio[]) => causes.reduce((sum, { ratio }) => sum + Math.log(ratio), 0);
  const rest = Math.log(total.ratio) - Math.log(unexplained.ratio) - product(singles);
  const causes = Math.abs(rest - product(both)) < Math.abs(rest) ? [...singles, ...both] : singles;
  return causes.toSorted((one, other) => Math.abs(Math.log(other.ratio)) - Math.abs(Math.log(one.ratio)));
}

/** From A's throughput to B's, a step for each cause and one for what none of them explains. */
export function waterfallFigure(file: ExplainFile): Figure {
  const { a, b, total, unexplained } = file;
  let at = 1;
  const rows: Row<Step>[] = [{
    label: `A: ${a}`,
    figure: "1",
    isBold: true,
    datum: { from: 1, to: 1, low: 1, high: 1, colour: seriesColour(0) },
  }];
  for (const cause of [...causesOf(file), { label: "unexplained", ...unexplained }]) {
    const from = at;
    at *= cause.ratio;
    const colour = cause.label === "unexplained" ? MUTED : cause.ratio < 1 ? "var(--bad)" : "var(--good)";
    rows.push({
      label: cause.label,
      figure: `× ${closeRatioWithBounds(cause)}`,
      datum: { from, to: at, low: from * cause.low, high: from * cause.high, colour },
    });
  }
  rows.push({
    label: `B: ${b}`,
    figure: closeRatioWithBounds(total),
    isBold: true,
    datum: { from: 1, to: total.ratio, low: total.low, high: total.high, colour: seriesColour(1) },
  });
  const all = rows.flatMap(({ datum }) => [datum.from, datum.to, datum.low, datum.high]);
  return {
    description:
      `From the throughput of ${a} to that of ${b}, which is ${closeRatioWithBounds(total)} of it, cause by cause; ` +
      "the table of hypotheses has the same figures.",
    caption:
      "Throughput as a share of A's. A bar is what one flag does, and bars of effects that multiply add up; the thin " +
      "line is the interval of its end.",
    legend: [
      { label: "slower", colour: "var(--bad)", shape: "band" },
      { label: "faster", colour: "var(--good)", shape: "band" },
      { label: "unexplained", colour: MUTED, shape: "band" },
      { label: "the whole difference", colour: seriesColour(1), shape: "band" },
    ],
    draw: (canvas) => {
      const x = { ...ratioScale(all, tickCount(canvas)), label: "throughput over A's" };
      const marks = (placed: readonly Placed<Step>[]) => [
        levelMark(placed, 1),
        Plot.link(placed.slice(0, -1).map(({ to, key }, index) => ({ to, key, next: placed[index + 1]?.key ?? key })), {
          x1: "to",
          x2: "to",
          y1: "key",
          y2: "next",
          stroke: "var(--quiet)",
          strokeDasharray: "2 2",
        }),
        Plot.rect(placed, {
          x1: "from",
          x2: "to",
          y: "key",
          fill: "colour",
          fillOpacity: 0.7,
          insetTop: 3,
          insetBottom: 3,
        }),
        Plot.tickX(placed, { x: "to", y: "key", stroke: "colour", strokeWidth: 2, insetTop: 3, insetBottom: 3 }),
        Plot.ruleY(placed, { x1: "low", x2: "high", y: "key", stroke: "currentColor", strokeWidth: 1 }),
      ];
      return [{ plot: rowPlot({ groups: [{ heading: "", rows }], x, marks }, canvas) }];
    },
  };
}

/** Nanoseconds per operation of both, by size. */
export function sizesFigure({ a, b, sizes }: ExplainFile): Figure | undefined {
  if (sizes.length === 0) return undefined;
  const groups = sizes.map(({ size, aNsPerOp, bNsPerOp }) => ({
    heading: `size ${size}`,
    rows: [
      {
        label: `A: ${a}`,
        figure: `${nanoseconds(aNsPerOp)} ns`,
        datum: { from: 0, to: aNsPerOp, colour: seriesColour(0) },
      },
      {
        label: `B: ${b}`,
        figure: `${nanoseconds(bNsPerOp)} ns`,
        datum: { from: 0, to: bNsPerOp, colour: seriesColour(1) },
      },
    ],
  }));
  const all = sizes.flatMap(({ aNsPerOp, bNsPerOp }) => [aNsPerOp, bNsPerOp]);
  return {
    description: `Nanoseconds per operation of ${a} and ${b}, by size; the table below has the same figures.`,
    caption: "Nanoseconds per operation, before (A) and after (B); shorter is faster.",
    draw: (canvas) => {
      const x = { ...amountScale(all, tickCount(canvas)), label: "ns/op" };
      return [{
        plot: rowPlot({
          groups,
          x,
          marks: (placed) =>
            x.type === "log"
              ? [Plot.dot(placed, { x: "to", y: "key", fill: "colour", r: 4 })]
              : [Plot.rect(placed, { x1: "from", x2: "to", y: "key", fill: "colour", insetTop: 4, insetBottom: 4 })],
        }, canvas),
      }];
    },
  };
}

/** What each stage costs per free, in both: its cost when it runs, times how often it does. */
export function stagesFigure({ stages, a, b }: ExplainFile): Figure | undefined {
  const reached = stages.filter((stage) => stage.a > 0 || stage.b > 0);
  if (reached.length === 0) return undefined;
  const rows = reached.map(({ stage, nanoseconds: cost, low, high, a: inA, b: inB }) => {
    const most = Math.max(inA, inB);
    return {
      label: stage,
      figure: `${nanoseconds(cost * inA)} → ${nanoseconds(cost * inB)} ns`,
      datum: { inA: cost * inA, inB: cost * inB, low: low * most, high: high * most },
    };
  });
  const all = rows.flatMap(({ datum }) => [datum.inA, datum.inB, datum.low, datum.high]);
  return {
    description: `Nanoseconds per free that each stage costs in ${a} and in ${b}; the table has the same figures.`,
    caption:
      "What each stage costs per free, in A (ring) and in B (dot): its cost when it runs, times how often it does. " +
      "The line is the interval of the larger. Stages that overlap in the processor cost less together.",
    legend: [
      { label: `A: ${a}`, colour: seriesColour(0), shape: "ring" },
      { label: `B: ${b}`, colour: seriesColour(1) },
    ],
    draw: (canvas) => {
      const x = { ...amountScale(all, tickCount(canvas)), label: "ns per free" };
      const marks = (placed: readonly Placed<(typeof rows)[number]["datum"]>[]) => [
        Plot.ruleX([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
        Plot.ruleY(placed, { x1: "low", x2: "high", y: "key", stroke: MUTED, strokeWidth: 2 }),
        Plot.dot(placed, { x: "inB", y: "key", fill: seriesColour(1), r: 3.5 }),
        Plot.dot(placed, { x: "inA", y: "key", stroke: seriesColour(0), strokeWidth: 2, r: 5 }),
      ];
      return [{ plot: rowPlot({ groups: [{ heading: "", rows }], x, marks }, canvas) }];
    },
  };
}
