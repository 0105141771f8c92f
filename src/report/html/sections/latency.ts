/**
 * How long single operations took: a curve of percentiles for each contestant, and the table.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { nameOf, withCommas } from "../../tables/format.ts";
import {
  LATENCY_COLUMNS,
  latencyAnswer,
  latencyCells,
  latencyExplanation,
  latencyGroups,
} from "../../bench/latency.ts";
import type { Latency, ResultFile } from "../../../model/results.ts";
import { coloursOf } from "../charts/bench.ts";
import { type Canvas, type Figure, MUTED } from "../charts/chart.ts";
import { markup } from "../markup.ts";
import { ratioScale } from "../charts/scale.ts";
import { figure, type Section } from "./section.ts";
import { renderTable } from "../table.ts";

/** The section; empty if no single operation was timed. */
export function latencySection({ results }: ResultFile): Section {
  const groups = latencyGroups(results);
  return {
    id: "latency",
    title: "Single operations",
    content: groups.length === 0 ? "" : [
      markup`<p>${latencyAnswer(results)}</p>`,
      figure(latencyFigure(results)),
      renderTable({
        caption: "Single operations, each timed alone in a program that has run for a while",
        columns: ["operation", "allocator", "count", ...LATENCY_COLUMNS].map((head) => ({
          head,
          isNumeric: !["operation", "allocator", "cause"].includes(head),
        })),
        rows: groups.flatMap(({ name, rows }) =>
          rows.map(({ result, operations }) => [
            name,
            nameOf(result),
            withCommas(operations.count),
            ...latencyCells(operations),
          ])
        ),
      }),
      markup`<p>${latencyExplanation(results)}</p>`,
    ],
  };
}

/** Shares of the operations that are marked on the axis, as one of how many is longer. */
const MARKS = [[2, "50 %"], [10, "90 %"], [100, "99 %"], [1000, "99.9 %"], [1e4, "99.99 %"], [
  1e5,
  "99.999 %",
]] as const;
/** A step of the clock, below which nothing is told apart; and a logarithm has no 0. */
const LEAST_NS = 1;

function latencyFigure(results: ResultFile["results"]): Figure | undefined {
  const colours = coloursOf(results), [all] = latencyGroups(results);
  if (all === undefined) return undefined;
  const lines = all.rows.map(({ result, operations }) => {
    const label = nameOf(result);
    return { label, colour: colours.get(label) ?? MUTED, points: curveOf(operations) };
  });
  const points = lines.flatMap(({ label, colour, points }) => points.map((point) => ({ label, colour, ...point })));
  const rarest = Math.max(...points.map(({ rarity }) => rarity));
  const marks = MARKS.filter(([rarity]) => rarity <= rarest);
  return {
    description: `Percentiles of single operations of ${lines.map(({ label }) => label).join(", ")}. ${
      latencyAnswer(results)
    }.`,
    caption: "How long that share of all operations took at most, in nanoseconds. To the right are the rarest.",
    legend: lines.map(({ label, colour }) => ({ label, colour })),
    draw: ({ isNarrow }: Canvas) => [{
      plot: {
        height: 300,
        marginLeft: 80,
        marginRight: 20,
        marginBottom: 38,
        x: { type: "log", domain: [1, rarest], axis: null },
        y: { ...ratioScale(points.map(({ ns }) => ns), 8), tickFormat: withCommas, grid: true, label: null },
        color: { type: "identity" },
        marks: [
          // `text` rather than `tickFormat`: with that, a logarithmic axis would leave labels out.
          Plot.axisX(marks.filter((_mark, index) => !isNarrow || index % 2 === 0), { x: "0", text: "1", label: null }),
          Plot.line(points, { x: "rarity", y: "ns", z: "label", stroke: "colour", curve: "step-before" }),
        ],
      },
    }],
  };
}

/** For each bucket, one of how many operations is not shorter. */
function curveOf(
  { histogram: { ns, counts }, count, longestNs }: Latency["operations"][number],
): { readonly rarity: number; readonly ns: number }[] {
  let below = 0;
  return counts.map((each, bucket) => {
    below += each;
    const left = count - below;
    return { rarity: left === 0 ? count : count / left, ns: Math.max(LEAST_NS, left === 0 ? longestNs : ns[bucket]!) };
  });
}
