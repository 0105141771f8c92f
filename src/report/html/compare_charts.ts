/**
 * The charts of a comparison: the ratio by size with the band within which it does not count, and the slots over time
 * with what disturbed them.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { CompareFile, SlotDisturbance } from "../compare_schema.ts";
import { nanoseconds, ratioWithBounds } from "../format.ts";
import { type Canvas, type Figure, type LegendItem, MUTED, type Panel, seriesColour } from "./chart.ts";
import { type Estimate, intervalMarks, tickCount } from "./intervals.ts";
import { HALO, type Placed, type RowGroup, rowPlot } from "./row_chart.ts";
import type { Series } from "./sample_charts.ts";
import { amountScale, linearScale, ratioScale, type Scale } from "./scale.ts";

interface Judged extends Estimate {
  readonly bandLow: number;
  readonly bandHigh: number;
}

const COLOURS: Record<string, string> = { a: seriesColour(0), b: seriesColour(1), control: MUTED };

/** B over A by size; with the control, A over itself, below each. */
export function compareRatioFigure({ a, b, rows, level }: CompareFile): Figure | undefined {
  if (rows.length === 0) return undefined;
  const groups: RowGroup<Judged>[] = rows.map((row) => {
    const band = { bandLow: 1 / (1 + row.delta), bandHigh: 1 + row.delta };
    const { ratio, low, high } = row.control;
    return {
      heading: `${row.workload}, size ${row.size}: ${row.verdict}`,
      rows: [
        {
          label: "B / A",
          figure: ratioWithBounds(row),
          isBold: true,
          datum: { value: row.ratio, low: row.low, high: row.high, colour: seriesColour(1), ...band },
        },
        {
          label: "control, A / A",
          figure: ratioWithBounds(row.control),
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
      `Throughput of B (${b}) over that of A (${a}). Intervals have the level ${level} for all sizes together. ` +
      "An interval beyond the band is a regression (left) or an improvement (right); one inside it means that they are " +
      "equivalent.",
    legend: [
      { label: "B over A", colour: seriesColour(1) },
      { label: "A over A, the control", colour: MUTED },
      { label: "within δ: does not count", colour: "var(--band)", shape: "band" },
    ],
    draw: (canvas) => {
      const x = { ...ratioScale([...all, 1], tickCount(canvas)), label: "times as fast as A" };
      const marks = (placed: readonly Placed<Judged>[]) => [
        Plot.rect(placed, { x1: "bandLow", x2: "bandHigh", y: "key", fill: "var(--band)" }),
        Plot.ruleX([1], { stroke: "currentColor", strokeDasharray: "4 3" }),
        ...intervalMarks(placed),
      ];
      return [{ plot: rowPlot({ groups, x, marks }, canvas) }];
    },
  };
}

/** The samples of a comparison, as series. */
export function compareSeries({ a, b, rows }: CompareFile): Series[] {
  return rows.flatMap(({ workload, size, samples }) => {
    const group = `${workload}, size ${size}`;
    return [
      { group, label: `A: ${a}`, samples: samples.a, colour: seriesColour(0) },
      { group, label: `B: ${b}`, samples: samples.b, colour: seriesColour(1), isBold: true },
      { group, label: "control: A again", samples: samples.control, colour: MUTED },
    ];
  });
}

/** The slots over time, a panel a size; a ring around those from which the host took time, a band for discarded rounds. */
export function timelineFigure(file: CompareFile): Figure | undefined {
  const { slots } = file;
  if (slots.length === 0) return undefined;
  const others = [...new Set(slots.map(({ contestant }) => contestant))].filter((each) => COLOURS[each] === undefined);
  const colourOf = (contestant: string) => COLOURS[contestant] ?? seriesColour(2 + others.indexOf(contestant));
  const nameOf = (contestant: string) =>
    ({ a: `A: ${file.a}`, b: `B: ${file.b}`, control: "control: A again" })[contestant] ?? contestant;
  const contestants = [...new Set(slots.map(({ contestant }) => contestant))];
  const hasDiscarded = slots.some(({ discarded }) => discarded);
  const hasStolen = slots.some(isStolen);
  const legend: LegendItem[] = [
    ...contestants.map((contestant) => ({ label: nameOf(contestant), colour: colourOf(contestant) })),
    ...(hasStolen ? [{ label: "the host took time from the slot", colour: "var(--bad)", shape: "ring" as const }] : []),
    ...(hasDiscarded ? [{ label: "round discarded", colour: "var(--discarded)", shape: "band" as const }] : []),
  ];
  const end = Math.max(...slots.map(({ at }) => at)) / 1000;
  const sizes = [...new Set(slots.map(({ size }) => size))];
  const slotPanel = (size: number, canvas: Canvas): Panel => {
    const ofSize = slots.filter((slot) => slot.size === size);
    const points = ofSize.map((slot) => ({
      at: slot.at / 1000,
      nsPerOp: slot.nsPerOp,
      colour: colourOf(slot.contestant),
      title: `${nameOf(slot.contestant)}, round ${slot.round}: ${nanoseconds(slot.nsPerOp)} ns, ${slot.tier}${
        remarks(slot)
      }`,
    }));
    return {
      heading: `size ${size}, ns/op`,
      plot: {
        ...timePlot(150, end, canvas, false),
        y: { ...amountScaleNear(points.map(({ nsPerOp }) => nsPerOp)), grid: true, label: null },
        marks: [
          Plot.rectX(discardedRounds(ofSize), { x1: "from", x2: "to", fill: "var(--discarded)" }),
          Plot.dot(ofSize.filter(isStolen).map(({ at, nsPerOp }) => ({ at: at / 1000, nsPerOp })), {
            x: "at",
            y: "nsPerOp",
            r: 6,
            stroke: "var(--bad)",
            strokeWidth: 1.5,
          }),
          Plot.dot(points, { x: "at", y: "nsPerOp", fill: "colour", fillOpacity: 0.8, r: 2.5, title: "title" }),
        ],
      },
    };
  };
  const disturbances = slots.flatMap(disturbancesOf);
  const lanes = [...new Set(disturbances.map(({ lane }) => lane))];
  const lanesPanel = (canvas: Canvas): Panel => ({
    heading: "what disturbed the slots; the larger the dot, the more",
    plot: {
      ...timePlot(46 + lanes.length * 34, end, canvas, true),
      y: { type: "band", domain: lanes, label: null, axis: null },
      r: { type: "identity" },
      marks: [
        Plot.ruleY(lanes, { stroke: "var(--line)" }),
        Plot.dot(disturbances, {
          x: "at",
          y: "lane",
          r: "radius",
          fill: "var(--bad)",
          fillOpacity: 0.45,
          title: "title",
        }),
        Plot.text(lanes, {
          y: (lane: string) => lane,
          text: (lane: string) => lane,
          frameAnchor: "left",
          textAnchor: "start",
          dx: 2 - TIME_MARGIN,
          dy: -11,
          ...HALO,
        }),
      ],
    },
  });
  return {
    description: `Time of every slot of ${contestants.length} contestants over ${
      end.toFixed(0)
    } seconds, with disturbances.`,
    caption: `Every slot, in the order in which it ran. ${
      disturbances.length === 0 ? "No slot was disturbed, as far as the system says." : ""
    }`,
    legend,
    draw: (canvas) => [
      ...sizes.map((size) => slotPanel(size, canvas)),
      lanes.length > 0 ? lanesPanel(canvas) : timeAxis(end, canvas),
    ],
  };
}

const TIME_MARGIN = 48;

function timePlot(height: number, end: number, { isNarrow }: Canvas, hasAxis: boolean): Plot.PlotOptions {
  return {
    height,
    marginLeft: TIME_MARGIN,
    marginRight: 14,
    marginTop: 10,
    marginBottom: hasAxis ? 36 : 10,
    color: { type: "identity" },
    x: {
      domain: [0, end],
      ticks: isNarrow ? 5 : 10,
      label: hasAxis ? "seconds" : null,
      axis: hasAxis ? "bottom" : null,
    },
  };
}

function timeAxis(end: number, canvas: Canvas): Panel {
  return { plot: { ...timePlot(46, end, canvas, true), marks: [Plot.ruleX([0, end], { stroke: "none" })] } };
}

/** A scale that need not begin at 0: what matters here is when something moved. */
function amountScaleNear(values: readonly number[]): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high / low > 5) return amountScale(values, 5);
  const margin = (high - low || high || 1) * 0.06;
  return linearScale(low - margin, high + margin, 5);
}

function isStolen({ stolenMs = 0 }: SlotDisturbance): boolean {
  return stolenMs > 0;
}

/** From when to when discarded rounds ran, in seconds. */
function discardedRounds(slots: readonly SlotDisturbance[]): { from: number; to: number }[] {
  const rounds = new Set(slots.filter(({ discarded }) => discarded).map(({ round }) => round));
  return [...rounds].map((round) => {
    const times = slots.filter((slot) => slot.round === round).map(({ at }) => at / 1000);
    return { from: Math.min(...times) - 0.05, to: Math.max(...times) + 0.05 };
  });
}

function disturbancesOf(slot: SlotDisturbance): { lane: string; at: number; radius: number; title: string }[] {
  const { at, round, contestant, stolenMs = 0, pressureMs = 0, preemptions = 0 } = slot;
  return [
    { lane: "stolen by the host", amount: stolenMs, unit: "ms stolen" },
    { lane: "waited for a core", amount: pressureMs, unit: "ms waited" },
    { lane: "preempted", amount: preemptions, unit: "preemptions" },
  ].filter(({ amount }) => amount > 0).map(({ lane, amount, unit }) => ({
    lane,
    at: at / 1000,
    radius: Math.min(7, 1.5 + Math.sqrt(amount)),
    title: `round ${round}, ${contestant}: ${nanoseconds(amount)} ${unit}`,
  }));
}

function remarks({ stolenMs = 0, pressureMs = 0, preemptions = 0, discarded }: SlotDisturbance): string {
  return [
    stolenMs > 0 ? `, ${nanoseconds(stolenMs)} ms stolen` : "",
    pressureMs > 0 ? `, ${nanoseconds(pressureMs)} ms waited` : "",
    preemptions > 0 ? `, ${preemptions} preemptions` : "",
    discarded ? ", discarded" : "",
  ].join("");
}
