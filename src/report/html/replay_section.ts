/**
 * The memory of a replay: the footprint of each allocator over the trace, and in numbers.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { nameOf } from "../format.ts";
import { MEMORY_COLUMNS, memoryCells } from "../replay.ts";
import type { Result, ResultFile } from "../schema.ts";
import { coloursOf } from "./bench_charts.ts";
import { type Canvas, type Figure, MUTED } from "./chart.ts";
import { amountScale, linearScale } from "./scale.ts";
import { figure, type Section } from "./section.ts";
import { renderTable } from "./table.ts";

const MEGABYTE = 1e6;

/** The section; empty if the file is of no replay. */
export function memorySection({ results }: ResultFile): Section {
  const rows = results.filter(({ pageFaults }) => pageFaults !== undefined).map(memoryCells);
  return {
    id: "memory",
    title: "Memory over the trace",
    content: rows.length === 0 ? "" : [
      figure(footprintFigure(results)),
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
  const live = { label: "live bytes", colour: MUTED, bytes: first.footprint.liveBytes };
  const all = [live, ...lines.map(({ footprint, ...line }) => ({ ...line, bytes: footprint.footprintBytes }))];
  const points = all.flatMap(({ label, colour, bytes }) =>
    bytes.map((each, at) => ({ label, colour, event: first.footprint.events[at]!, megabytes: each / MEGABYTE }))
  );
  const last = first.footprint.events.at(-1)!;
  return {
    description: `Bytes in memory of ${lines.length} allocators over ${last} events of a trace.`,
    caption:
      "Bytes in memory after so many events, MB. What lies above the live bytes is rounding, fragmentation, what " +
      "is kept for later, and the allocator's own tables.",
    legend: all.map(({ label, colour }) => ({ label, colour })),
    draw: ({ isNarrow }: Canvas) => [{
      plot: {
        height: 260,
        marginLeft: 48,
        marginRight: 20,
        marginBottom: 38,
        x: { ...linearScale(0, last, isNarrow ? 3 : 8), label: "events" },
        y: { ...amountScale([0, ...points.map(({ megabytes }) => megabytes)], 6), grid: true, label: null },
        color: { type: "identity" },
        marks: [
          Plot.line(points, { x: "event", y: "megabytes", z: "label", stroke: "colour", strokeWidth: 1.5 }),
        ],
      },
    }],
  };
}
