/**
 * The timeline of a comparison: when every turn ran, a panel for each size, and below them what disturbed the turns. A ring
 * marks turns from which the host took time, a band the rounds that were discarded.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { CompareFile, TurnDisturbance } from "../../../model/compare.ts";
import { nanoseconds } from "../../tables/format.ts";
import { type Canvas, type Figure, type LegendItem, MUTED, type Panel, seriesColour } from "./chart.ts";
import { HALO } from "./rows.ts";
import { amountScale, linearScale, type Scale } from "./scale.ts";

/** A row of the chart: the turns of one contestant. */
interface TimelineRow {
  readonly label: string;
  readonly colour: string;
}

/** What disturbed a turn, of one kind. */
interface Disturbance {
  readonly lane: string;
  readonly at: number;
  readonly radius: number;
  readonly title: string;
}

/** The figure; undefined if no turn was kept. */
export function timelineFigure({ a, b, slots }: CompareFile): Figure | undefined {
  if (slots.length === 0) return undefined;
  const contestants = rowsOf(slots, a, b);
  const end = Math.max(1, ...slots.map(({ at }) => at)) / 1000;
  const sizes = [...new Set(slots.map(({ size }) => size))].toSorted((a, b) => a - b);
  const disturbances = slots.flatMap(disturbancesOf);
  const legend: LegendItem[] = [...contestants.values()];
  if (slots.some(isStolen)) {
    legend.push({ label: "the host took time from the turn", colour: "var(--bad)", shape: "ring" });
  }
  if (slots.some(({ discarded }) => discarded)) {
    legend.push({ label: "round discarded", colour: "var(--discarded)", shape: "band" });
  }
  const panelOf = (size: number, canvas: Canvas) =>
    turnPanel(size, slots.filter((turn) => turn.size === size), contestants, timePlot(150, end, canvas, false), canvas);
  const undisturbed = " No turn was disturbed, as far as the system says.";
  return {
    description: `Time of each turn of ${contestants.size} contestants over ${
      end.toFixed(0)
    } seconds, and disturbances.`,
    caption: `Every turn, in the order in which it ran.${disturbances.length === 0 ? undisturbed : ""}`,
    legend,
    draw: (canvas) => [...sizes.map((size) => panelOf(size, canvas)), disturbancePanel(disturbances, end, canvas)],
  };
}

function rowsOf(slots: readonly TurnDisturbance[], a: string, b: string): Map<string, TimelineRow> {
  const known: Record<string, TimelineRow> = {
    a: { label: `A: ${a}`, colour: seriesColour(0) },
    b: { label: `B: ${b}`, colour: seriesColour(1) },
    control: { label: "control: A again", colour: MUTED },
  };
  const ran = new Set(slots.map(({ contestant }) => contestant));
  const others = [...ran].filter((name) => !Object.hasOwn(known, name));
  const names = [...Object.keys(known).filter((name) => ran.has(name)), ...others];
  for (const [index, name] of others.entries()) known[name] = { label: name, colour: seriesColour(2 + index) };
  return new Map(names.map((name) => [name, known[name] ?? { label: name, colour: MUTED }]));
}

function turnPanel(
  size: number,
  slots: readonly TurnDisturbance[],
  contestants: ReadonlyMap<string, TimelineRow>,
  plot: Plot.PlotOptions,
  { isNarrow }: Canvas,
): Panel {
  const points = slots.map((turn) => {
    const { label, colour } = contestants.get(turn.contestant) ?? { label: turn.contestant, colour: MUTED };
    const title = `${label}, round ${turn.round}: ${nanoseconds(turn.nsPerOp)} ns, ${turn.tier}${remarks(turn)}`;
    return { at: turn.at / 1000, nsPerOp: turn.nsPerOp, isStolen: isStolen(turn), colour, title };
  });
  const axes = { x: "at", y: "nsPerOp" } as const;
  return {
    heading: `size ${size}, ns/op`,
    plot: {
      ...plot,
      y: { ...scaleNear(slots.map(({ nsPerOp }) => nsPerOp)), grid: true, label: null },
      marks: [
        Plot.rectX(discardedRounds(slots), { x1: "from", x2: "to", fill: "var(--discarded)" }),
        Plot.dot(points.filter((point) => point.isStolen), { ...axes, r: 6, stroke: "var(--bad)", strokeWidth: 1.5 }),
        Plot.dot(points, { ...axes, fill: "colour", fillOpacity: 0.8, r: 2.5, ...hover(isNarrow) }),
      ],
    },
  };
}

function disturbancePanel(disturbances: readonly Disturbance[], end: number, canvas: Canvas): Panel {
  const lanes = [...new Set(disturbances.map(({ lane }) => lane))];
  const plot = timePlot(46 + lanes.length * 34, end, canvas, true);
  if (lanes.length === 0) return { plot: { ...plot, marks: [Plot.ruleX([0, end], { stroke: "none" })] } };
  const dots = { x: "at", y: "lane", r: "radius", fill: "var(--bad)", fillOpacity: 0.45 } as const;
  const letters = { frameAnchor: "left", textAnchor: "start", dx: 2 - MARGIN, dy: -11, ...HALO } as const;
  return {
    heading: "what disturbed the turns; the larger the dot, the more",
    plot: {
      ...plot,
      y: { type: "band", domain: lanes, label: null, axis: null },
      r: { type: "identity" },
      marks: [
        Plot.ruleY(lanes, { stroke: "var(--line)" }),
        Plot.dot(disturbances, { ...dots, ...hover(canvas.isNarrow) }),
        Plot.text(lanes, { y: (lane: string) => lane, text: (lane: string) => lane, ...letters }),
      ],
    },
  };
}

/** Titles, which show when a pointer rests: a phone has none, and they are most of a chart's bytes. */
function hover(isNarrow: boolean): { title?: "title" } {
  return isNarrow ? {} : { title: "title" };
}

const MARGIN = 48;

function timePlot(height: number, end: number, { isNarrow }: Canvas, hasAxis: boolean): Plot.PlotOptions {
  return {
    height,
    marginLeft: MARGIN,
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

/** A scale that need not begin at 0: what matters here is when something moved. */
function scaleNear(values: readonly number[]): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high / low > 5) return amountScale(values, 5);
  const margin = (high - low || high || 1) * 0.06;
  return linearScale(low - margin, high + margin, 5);
}

function isStolen({ stolenMs = 0 }: TurnDisturbance): boolean {
  return stolenMs > 0;
}

/** From when to when discarded rounds ran, in seconds. */
function discardedRounds(slots: readonly TurnDisturbance[]): { from: number; to: number }[] {
  const rounds = new Set(slots.filter(({ discarded }) => discarded).map(({ round }) => round));
  return [...rounds].map((round) => {
    const times = slots.filter((turn) => turn.round === round).map(({ at }) => at / 1000);
    return { from: Math.min(...times) - 0.05, to: Math.max(...times) + 0.05 };
  });
}

function disturbancesOf(turn: TurnDisturbance): Disturbance[] {
  const { at, round, contestant, stolenMs = 0, pressureMs = 0, preemptions = 0 } = turn;
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

function remarks({ stolenMs = 0, pressureMs = 0, preemptions = 0, discarded }: TurnDisturbance): string {
  return [
    stolenMs > 0 ? `, ${nanoseconds(stolenMs)} ms stolen` : "",
    pressureMs > 0 ? `, ${nanoseconds(pressureMs)} ms waited` : "",
    preemptions > 0 ? `, ${preemptions} preemptions` : "",
    discarded ? ", discarded" : "",
  ].join("");
}
