/**
 * The time and the memory of a replay: how long each allocator took, its footprint over the trace, and both in numbers.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { counted, nameOf, times } from "../../tables/format.ts";
import { footprintRatios, MEMORY_COLUMNS, memoryCells } from "../../traces/footprint.ts";
import type { Result, ResultFile } from "../../../model/results.ts";
import { loopsLines } from "../../bench/loops.ts";
import { explanationOf, replayedText, timeTable } from "../../traces/replay.ts";
import { coloursOf, throughputFigure } from "../charts/bench.ts";
import { type Figure, MUTED } from "../charts/chart.ts";
import { linearScale, lineScale } from "../charts/scale.ts";
import { markup } from "../markup.ts";
import { figure, type Section } from "./section.ts";
import { renderTable } from "../table.ts";

const MEGABYTE = 1e6;

/** What was replayed, and how long each allocator took for it. */
export function timeSection(file: ResultFile): Section {
  const { results } = file;
  return {
    id: "time",
    title: "Time",
    content: [
      markup`<p>${replayedText(file)}</p>`,
      figure(throughputFigure(results)),
      renderTable({ caption: "Time in malloc and free: median and 95 % interval", ...timeTable(file) }),
      [...loopsLines(results), explanationOf(results)].map((line) => markup`<p>${line}</p>`),
    ],
  };
}

/** The section; empty if the file is of no replay. */
export function memorySection({ results }: ResultFile): Section {
  const rows = results.filter(({ pageFaults }) => pageFaults !== undefined).map(memoryCells);
  return {
    id: "memory",
    title: "Memory over the trace",
    content: rows.length === 0 ? "" : [
      figure(footprintFigure(results)),
      figure(ratioFigure(results)),
      renderTable({
        caption: "Memory of the first replay of a process",
        columns: MEMORY_COLUMNS.map((head) => ({ head, isNumeric: head !== "allocator" && head !== "of" })),
        rows,
      }),
    ],
  };
}

function footprintFigure(results: readonly Result[]): Figure | undefined {
  const colours = coloursOf(results);
  const lines = results.flatMap((result) => {
    const { footprint } = result;
    return footprint === undefined
      ? []
      : [{ label: nameOf(result), colour: colours.get(nameOf(result)) ?? MUTED, footprint }];
  });
  const first = lines[0];
  if (first === undefined) return undefined;
  const { events, liveBytes } = first.footprint;
  return memoryFigure([
    { label: "live bytes", colour: MUTED, events, bytes: liveBytes },
    ...lines.map(({ footprint, ...line }) => ({ ...line, events, bytes: footprint.footprintBytes })),
  ], events.at(-1)!);
}

/** The footprint over the live bytes; none where in the end next to nothing is live. */
function ratioFigure(results: readonly Result[]): Figure | undefined {
  const colours = coloursOf(results), lines = footprintRatios(results);
  if (lines.length === 0) return undefined;
  const points = lines.flatMap(({ name, events, ratios }) =>
    ratios.map((ratio, at) => ({ label: name, colour: colours.get(name) ?? MUTED, event: events[at]!, ratio }))
  );
  const last = points.at(-1)!.event;
  return {
    description: `Footprint over live bytes, over ${counted(last, "event")} of a trace: ${
      lines.map(({ name, ratios }) =>
        `${name} at most ${times(Math.max(...ratios))}, in the end ${times(ratios.at(-1)!)}`
      )
        .join("; ")
    }.`,
    caption:
      "Footprint over live bytes after so many events, where at least a tenth of the most is live; 1 is the least.",
    legend: lines.map(({ name }) => ({ label: name, colour: colours.get(name) ?? MUTED })),
    draw: overEvents(points, "ratio", last),
  };
}

/** Lines over the `last` events of a trace, on one axis. */
function overEvents<Name extends string>(
  points:
    readonly ({ readonly event: number; readonly label: string; readonly colour: string } & Record<Name, number>)[],
  name: Name,
  last: number,
): Figure["draw"] {
  const peaks = new Map<string, number>();
  for (const { label, [name]: value } of points) peaks.set(label, Math.max(peaks.get(label) ?? 0, value));
  return ({ isNarrow }) => [{
    plot: {
      height: 260,
      marginLeft: 48,
      marginRight: 20,
      marginBottom: 38,
      x: { ...linearScale(0, last, isNarrow ? 3 : 8), label: "events" },
      y: { ...lineScale([...peaks.values()], 6), grid: true, label: null },
      color: { type: "identity" },
      marks: [Plot.line(points, { x: "event", y: name, z: "label", stroke: "colour", strokeWidth: 1.5 })],
    },
  }];
}

/** Bytes after each of some events. */
export interface MemoryLine {
  readonly label: string;
  readonly colour: string;
  readonly events: readonly number[];
  readonly bytes: readonly number[];
}

/** Memory over a trace of `last` events, on one axis; what is live comes before the footprints. */
export function memoryFigure(lines: readonly MemoryLine[], last: number): Figure {
  const points = lines.flatMap(({ label, colour, events, bytes }) =>
    bytes.map((each, at) => ({ label, colour, event: events[at]!, megabytes: each / MEGABYTE }))
  );
  return {
    description: `Bytes in memory over ${counted(last, "event")} of a trace: ${
      lines.map(({ label }) => label).join(", ")
    }.`,
    caption:
      "Bytes in memory after so many events, MB. What lies above the live bytes is rounding, fragmentation, what " +
      "is kept for later, and the allocator's own tables.",
    legend: lines.map(({ label, colour }) => ({ label, colour })),
    draw: overEvents(points, "megabytes", last),
  };
}
