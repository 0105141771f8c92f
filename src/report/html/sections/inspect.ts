/**
 * A heap in the middle of a trace: its map with a slider over the trace, memory as a chart, and the size classes.
 *
 * The slider needs no script: it is a radio button for each frame, side by side, which the arrow keys go through as one
 * control, and the style shows the frame behind the one that is checked. As bars they are the memory over the trace.
 *
 * @module
 */
import { CLASS_COLUMNS, classCells, EXPLANATION, frameLine, partsOf, wastefulFirst } from "../../traces/inspect.ts";
import { chosenFrame, type InspectFile, type InspectFrame, MAP_COLUMNS } from "../../../model/inspect.ts";
import { heapLabel } from "../../tables/label.ts";
import { type Figure, type LegendItem, MUTED, renderLegend, seriesColour } from "../charts/chart.ts";
import { type Markup, markup } from "../markup.ts";
import { memoryFigure, type MemoryLine } from "./replay.ts";
import { environmentSection, figure, type Section } from "./section.ts";
import { renderTable } from "../table.ts";

/** The sections. @param id What is the file's alone on the page: radio buttons of one name belong together. */
export function inspectSections(file: InspectFile, id: string): Section[] {
  const { trace, snapshot, contestants = [] } = file;
  return [
    { id: "map", title: "Heap map", content: [markup`<p>${partsOf(file)}.</p>`, slider(file, id)] },
    {
      id: "memory",
      title: contestants.length === 0 ? "Live bytes against footprint" : "Live bytes against every footprint",
      content: figure(curves(file)),
    },
    {
      id: "classes",
      title: "Size classes",
      content: [
        renderTable({
          caption: `Size classes after event ${file.event}, those that waste the most first`,
          columns: CLASS_COLUMNS,
          rows: wastefulFirst(snapshot).map(classCells),
        }),
        markup`<p>${EXPLANATION}</p>`,
      ],
    },
    environmentSection(file, { trace: `${trace.file}, ${trace.format}` }),
  ];
}

/** Lines of the map beside each other: so that a heap of any size fits a screen. */
function linesAbreast(lines: number): number {
  if (lines <= 12) return 1;
  return lines <= 48 ? 2 : 4;
}

function slider(file: InspectFile, id: string): Markup {
  const { frames } = file;
  const rows = [...new Set(frames.flatMap(({ map }) => Object.keys(map)))].toSorted((a, b) => Number(a) - Number(b));
  const abreast = linesAbreast(rows.length);
  const indexOfRow = new Map(rows.map((row, at) => [row, at]));
  const size = { width: abreast * MAP_COLUMNS, height: Math.max(1, Math.ceil(rows.length / abreast)) };
  const most = Math.max(1, ...frames.map(({ residentBytes }) => residentBytes));
  const share = (bytes: number): string => `${(100 * Math.min(1, bytes / most)).toFixed(1)}%`;
  const chosen = chosenFrame(file);
  const steps = frames.map((frame) => {
    const line = frameLine(frame);
    const heights = `--live: ${share(frame.liveBytes)}; --resident: ${share(frame.residentBytes)}`;
    return markup`<input type="radio" name="${id}-frame" title="${line}" style="${heights}"${
      frame === chosen ? markup` checked` : ""
    }><div class="frame"><p>${line}</p>${drawMap(frame, indexOfRow, abreast, size)}</div>
`;
  });
  return markup`<figure>
    <div class="frames" role="radiogroup" aria-label="After which event" style="--frames: ${frames.length}">${steps}</div>
    ${renderLegend(LEGEND)}
    <figcaption>Choose an event in the bars, by pointer or by the arrow keys: a bar is what was in memory then, the lower
      part of it live. In the map a square is 64 KiB of address space${
    abreast > 1 ? "" : ", a line 2 MiB"
  }; what was never in use is left out.</figcaption>
    </figure>`;
}

const LEGEND: readonly LegendItem[] = [
  { label: "slab, all blocks live", colour: slabColour(8) },
  { label: "half", colour: slabColour(4) },
  { label: "none", colour: slabColour(0) },
  { label: "free slab", colour: "var(--line)" },
  { label: "large block", colour: "var(--series-2)" },
  { label: "its start", colour: "var(--text)" },
  { label: "free, but in memory", colour: "var(--muted)" },
];

function slabColour(level: number): string {
  return `color-mix(in srgb, var(--series-1) ${12 + 11 * level}%, var(--surface))`;
}

/** The colour of a cell; the start of a large block has a mark of its own. */
function colourOf(cell: string): string {
  if (cell === "-") return "var(--line)";
  if (cell === "~") return "var(--muted)";
  return /l/i.test(cell) ? "var(--series-2)" : slabColour(Number(cell));
}

/** A path for each colour, a dashed line for each run of squares. */
function drawMap(
  { map }: InspectFrame,
  indexOfRow: ReadonlyMap<string, number>,
  abreast: number,
  { width, height }: { width: number; height: number },
): Markup {
  const runs = new Map<string, string[]>();
  const starts: string[] = [];
  for (const [row, cells] of Object.entries(map)) {
    const index = indexOfRow.get(row)!;
    const left = index % abreast * MAP_COLUMNS, top = Math.floor(index / abreast);
    for (const { index, 0: run } of cells.matchAll(/([0-8~-])\1*|[Ll]+/g)) {
      const colour = colourOf(run[0]!);
      runs.set(colour, [...runs.get(colour) ?? [], `M${left + index} ${top + 0.5}h${run.length}`]);
    }
    for (const { index } of cells.matchAll(/L/g)) starts.push(`M${left + index} ${top + 0.5}h.2`);
  }
  const paths = [...runs].map(([colour, lines]) => markup`<path stroke="${colour}" d="${lines.join("")}"/>`);
  const marks = starts.length === 0 ? "" : markup`<path stroke="var(--text)" d="${starts.join("")}"/>`;
  return markup`<svg class="map" viewBox="0 0 ${width} ${height}" aria-hidden="true">${paths}${marks}</svg>`;
}

function curves({ frames, variant, contestants = [] }: InspectFile): Figure {
  const events = frames.map(({ event }) => event);
  const line = (label: string, colour: string, bytes: readonly number[], at = events): MemoryLine => ({
    label,
    colour,
    events: at,
    bytes,
  });
  return memoryFigure([
    line("asked for", MUTED, frames.map(({ askedBytes }) => askedBytes)),
    line(`live in ${heapLabel(variant)}`, "var(--text)", frames.map(({ liveBytes }) => liveBytes)),
    line(`in memory, ${heapLabel(variant)}`, seriesColour(0), frames.map(({ residentBytes }) => residentBytes)),
    ...contestants.map(({ name, events, footprintBytes }, index) =>
      line(`in memory, ${name}`, seriesColour(index + 1), footprintBytes, [...events])
    ),
  ], events.at(-1)!);
}
