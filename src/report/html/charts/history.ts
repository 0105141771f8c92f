/**
 * The curve of a history: throughput of each commit that was compared, over that of the first one, with its interval; and
 * a mark where it changed.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { HistoryFile } from "../../../model/mod.ts";
import { changeWithBounds } from "../../tables/format.ts";
import { dayOf, describedChanges, historyHeadline, namedCommit, settingText, shortHash } from "../../history.ts";
import { type Figure, type LegendItem, type Panel, seriesColour } from "./chart.ts";
import { linearScale, ratioScale } from "./scale.ts";

/** What a verdict is drawn in. */
const COLOURS: Readonly<Record<HistoryFile["verdict"], string>> = {
  regression: "var(--bad)",
  improvement: "var(--good)",
  inconclusive: "var(--unsure)",
  equivalent: "var(--muted)",
};

/** The curve, a panel for each size; undefined if nothing was compared. */
export function curveFigure(file: HistoryFile): Figure | undefined {
  const { curve, commits, workload } = file;
  const first = curve[0];
  if (first === undefined) return undefined;
  const marks = describedChanges(file).map(({ change: { verdict, from, to, certainty }, to: commit }) => ({
    at: to,
    // Whatever lies between two commits may have done it.
    from: certainty === "commit" ? to - 0.5 : from + 0.5,
    to: to + 0.5,
    colour: COLOURS[verdict],
    label: shortHash(commit),
  }));
  const verdicts = new Set(file.changes.map(({ verdict }) => verdict));
  const legend: LegendItem[] = [
    { label: "throughput, and its interval", colour: seriesColour(0) },
    ...[...verdicts].map((verdict): LegendItem => ({ label: verdict, colour: COLOURS[verdict], shape: "band" })),
  ];
  const panel = (setting: { size: number; threads: number }, row: number, isNarrow: boolean): Panel => {
    const points = curve.map(({ commit, rows }) => {
      const { ratio, low, high } = rows[row]!;
      const title = `${namedCommit(commits[commit]!)}, ${dayOf(commits[commit]!)}: ${changeWithBounds(rows[row]!)}`;
      return { commit, ratio, low, high, title };
    });
    const all = points.flatMap(({ low, high }) => [low, high]);
    const { ticks: commitTicks, ...x } = linearScale(-0.5, commits.length - 0.5, isNarrow ? 4 : 10);
    return {
      ...(workload === "replay" ? {} : { heading: settingText(setting) }),
      plot: {
        height: 260,
        marginLeft: 52,
        marginRight: 20,
        marginTop: 20,
        marginBottom: 38,
        x: {
          ...x,
          label: "commits after the first",
          labelAnchor: "center",
          ticks: commitTicks.filter(Number.isInteger),
        },
        y: { ...ratioScale([...all, 1], 6), grid: true, label: null },
        color: { type: "identity" },
        marks: [
          Plot.rectX(marks, { x1: "from", x2: "to", fill: "colour", fillOpacity: 0.25 }),
          Plot.ruleY([1], { stroke: "currentColor", strokeDasharray: "4 3" }),
          Plot.line(points, { x: "commit", y: "ratio", stroke: seriesColour(0), strokeOpacity: 0.4 }),
          Plot.ruleX(points, {
            x: "commit",
            y1: "low",
            y2: "high",
            stroke: seriesColour(0),
            strokeWidth: 3,
            strokeOpacity: 0.55,
          }),
          Plot.dot(points, {
            x: "commit",
            y: "ratio",
            fill: seriesColour(0),
            r: 4,
            ...(isNarrow ? {} : { title: "title" }),
          }),
          ...names(marks, commits.length, isNarrow ? 3.5 : 9),
        ],
      },
    };
  };
  return {
    description: `${
      historyHeadline(file)
    }. Throughput of ${curve.length} of ${commits.length} commits over that of the first.`,
    caption:
      `Throughput over that of ${namedCommit(commits[first.commit]!)}, of the commits that were compared. Bands are ` +
      "where it changed. Where the start of a search is not the first commit, the bounds of both are multiplied.",
    legend,
    draw: ({ isNarrow }) => first.rows.map((setting, row) => panel(setting, row, isNarrow)),
  };
}

interface Mark {
  readonly at: number;
  readonly label: string;
  readonly colour: string;
}

/** The names above marks: no more than there is room for, and none beyond the edge. */
function names(marks: readonly Mark[], commits: number, most: number): Plot.Markish[] {
  const room = commits / most; // of a name, as commits
  let end = -Infinity; // of the name before
  return marks.flatMap((mark) => {
    const left = Math.min(Math.max(0, mark.at - room / 2), commits - 1 - room);
    const textAnchor = left <= 0 ? "start" : left >= commits - 1 - room ? "end" : "middle";
    const start = textAnchor === "start" ? mark.at : textAnchor === "end" ? mark.at - room : left;
    if (start < end) return [];
    end = start + room;
    const options = { frameAnchor: "top", dy: -14, fill: "colour", fontWeight: 600, textAnchor } as const;
    return [Plot.text([mark], { x: "at", text: "label", ...options })];
  });
}
