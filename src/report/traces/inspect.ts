/**
 * What `inspect` found, as text: the heap in one line of words, its map, memory over the trace, and the size classes that
 * waste the most.
 *
 * @module
 */
import { bytesText, counted, percent, withCommas, wrap } from "../tables/format.ts";
import { heapLabel } from "../tables/label.ts";
import { chosenFrame, type InspectFile, type InspectFrame } from "../../model/inspect.ts";
import { csvTable, markdownTable } from "../tables/rows.ts";
import { sparkline } from "../tables/sparkline.ts";
import { answer, type Palette, PLAIN } from "../tables/palette.ts";
import { type TextColumn, textTable } from "../tables/text_table.ts";

const MOST_SPARK_COLUMNS = 60;
/** More lines of a map, and more classes, are in the files. */
const SHOWN_ROWS = 40;
const SHOWN_CLASSES = 16;

type Snapshot = InspectFile["snapshot"];
type ClassRow = Snapshot["classes"][0];

/** What goes to stdout. */
export function renderInspect(file: InspectFile, palette: Palette = PLAIN): string {
  const { snapshot } = file;
  const shown = wastefulFirst(snapshot).slice(0, SHOWN_CLASSES);
  const title = shown.length < snapshot.classes.length
    ? `the ${shown.length} of ${snapshot.classes.length} size classes that waste the most`
    : "size classes";
  const lines = (text: string) => wrap(text, palette.columns);
  const sections = [
    answer(inspectHeadline(file), palette),
    lines(partsOf(file)),
    mapLines(file, palette),
    memoryLines(file, palette),
    shown.length === 0 ? [] : [palette.bold(title), textTable(CLASS_COLUMNS, shown.map(classCells), palette)],
    lines(EXPLANATION),
    (file.notes ?? []).flatMap((note) => lines(`note: ${note}`)),
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The same as Markdown, with all classes, and without the map. */
export function renderInspectMarkdown(file: InspectFile): string {
  return [
    `**${inspectHeadline(file)}**\n`,
    `${partsOf(file)}\n`,
    markdownTable(CLASS_COLUMNS.map(({ head }) => head), file.snapshot.classes.map(classCells)),
    `${EXPLANATION}\n`,
    ...(file.notes ?? []).map((note) => `Note: ${note}.\n`),
  ].join("\n");
}

/** A line for each class that has a slab. */
export function renderInspectCsv({ snapshot: { classes } }: InspectFile): string {
  const fields = [
    "sizeClass",
    "stride",
    "slabs",
    "blocks",
    "liveBlocks",
    "cachedBlocks",
    "freeBlocks",
    "uncarvedBlocks",
    "liveBytes",
    "residentBytes",
    "wasteBytes",
  ] as const;
  const heads = fields.map((field) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  return csvTable(heads, classes.map((row) => fields.map((field) => row[field])));
}

/** The heap in one line of words. */
export function inspectHeadline({ trace, event, snapshot: { totals } }: InspectFile): string {
  const where = `${trace.file} at event ${withCommas(event)} of ${withCommas(trace.events)}`;
  return `${where}: ${liveIn(totals)}`;
}

/** A frame in one line of words. */
export function frameLine(frame: InspectFrame): string {
  return `Event ${withCommas(frame.event)}: ${bytesText(frame.askedBytes)} asked for, ${liveIn(frame)}`;
}

function liveIn({ liveBytes, residentBytes }: { liveBytes: number; residentBytes: number }): string {
  const fragmentation = residentBytes === 0 ? 0 : Math.max(0, 1 - liveBytes / residentBytes);
  return `${bytesText(liveBytes)} live in ${bytesText(residentBytes)}, ${percent(fragmentation)} fragmentation`;
}

/** What the bytes in memory are, and what of the live ones was asked for. */
export function partsOf(file: InspectFile): string {
  const { variant, snapshot: { totals, tableBytes, superslabs, largeBlocks, freeSpans } } = file;
  const residentOf = (parts: readonly { residentBytes: number }[]): string =>
    bytesText(parts.reduce((sum, { residentBytes }) => sum + residentBytes, 0));
  const superslabsText = `${counted(superslabs.length, "superslab")} with ${counted(totals.slabs, "slab")}`;
  const asked = bytesText(chosenFrame(file).askedBytes);
  const spans = [
    `${residentOf(superslabs)} of ${superslabsText}`,
    `${residentOf(largeBlocks)} of ${counted(largeBlocks.length, "large block")}`,
    `${residentOf(freeSpans)} that are free`,
  ];
  return `${heapLabel(variant)}: ${spans.join(", ")}, and ${bytesText(tableBytes)} of the heap's own tables are in ` +
    `memory; the program had asked for ${asked}, and the rest of the live bytes is rounding`;
}

/** What the columns and the words mean; also for the page. */
export const EXPLANATION =
  "Live: all that may be written of the blocks that the program has. Fragmentation: the share of the bytes in memory " +
  "that is not live. Cached: on the threads' free lists; free: back in the slabs; fresh: never given out. Waste: what " +
  "is in memory of a class's slabs, and not live.";

/** Also for the page. */
export const CLASS_COLUMNS: readonly TextColumn[] = [
  "class",
  "block",
  "slabs",
  "blocks",
  "live",
  "cached",
  "free",
  "fresh",
  "occupied",
  "in memory",
  "waste",
].map((head) => ({ head, isNumeric: true }));

/** In the order of {@link CLASS_COLUMNS}. */
export function classCells(row: ClassRow): string[] {
  const { sizeClass, stride, slabs, blocks, liveBlocks, cachedBlocks, freeBlocks, uncarvedBlocks } = row;
  return [
    String(sizeClass),
    ...[stride, slabs, blocks, liveBlocks, cachedBlocks, freeBlocks, uncarvedBlocks].map(withCommas),
    percent(liveBlocks / blocks),
    bytesText(row.residentBytes),
    bytesText(row.wasteBytes),
  ];
}

/** The classes, those with the most waste first. */
export function wastefulFirst({ classes }: Snapshot): ClassRow[] {
  return classes.toSorted((a, b) => b.wasteBytes - a.wasteBytes);
}

const LEVELS = "0▁▂▃▄▅▆▇█";
const LEGEND =
  "▁ to █ slab, by the share of live blocks; 0 none is live; - free slab; L= large block; ~ free, but in " +
  "memory; . untouched";

/** A line for each 2 MiB in use. */
function mapLines(file: InspectFile, palette: Palette): string[] {
  const { map } = chosenFrame(file);
  const runs = runsOf(Object.entries(map));
  if (runs.length === 0) return [];
  const resident = new Map(file.snapshot.superslabs.map(({ ptr, slabs, residentBytes }) => [
    ptr / 2 ** 21,
    `${counted(slabs.length, "slab").padStart(8)}, ${bytesText(residentBytes)} in memory`,
  ]));
  const lines = runs.slice(0, SHOWN_ROWS).map(({ row, cells, count }) => {
    const remark = count > 1 ? `and ${withCommas(count - 1)} like it` : resident.get(row) ?? "";
    const used = 14 + cells.length; // what does not fit after it is in the table of classes, too, or in the files
    const shown = used + remark.length <= palette.columns
      ? remark
      : remark.split(",")[0]!.slice(0, palette.columns - used);
    return `${`${2 * row} MiB`.padStart(10)}  ${drawn(cells, palette)}  ${shown}`.trimEnd();
  });
  const left = runs.slice(SHOWN_ROWS).reduce((sum, { count }) => sum + count, 0);
  return [
    ...wrap("heap map: a line is 2 MiB of address space, a character a slab of 64 KiB", palette.columns).map(
      palette.bold,
    ),
    ...lines,
    ...(left > 0 ? [`${"".padStart(10)}  ... and ${counted(left, "line")} more, which --json and --html have`] : []),
    ...wrap(LEGEND, palette.columns).map(palette.dim),
  ];
}

/** Lines of a map; those without a slab that are alike and follow each other are one. */
function runsOf(lines: readonly (readonly [row: string, cells: string])[]) {
  const runs: { row: number; cells: string; count: number }[] = [];
  for (const [row, cells] of lines) {
    const last = runs.at(-1);
    const isSame = last?.cells === cells && last.row + last.count === Number(row) && !/[0-8-]/.test(cells);
    if (isSame) last.count++;
    else runs.push({ row: Number(row), cells, count: 1 });
  }
  return runs;
}

function drawn(cells: string, palette: Palette): string {
  return cells.replaceAll(/[0-8]+|[Ll]+|[^0-8Ll]+/g, (run) => {
    if (/\d/.test(run)) return palette.green(run.replaceAll(/\d/g, (level) => LEVELS[Number(level)]!));
    return /l/i.test(run) ? palette.bold(run.replaceAll("l", "=")) : palette.dim(run);
  });
}

/** Asked for, live and in memory over the trace, on one scale. */
function memoryLines({ frames }: InspectFile, palette: Palette): string[] {
  const top = Math.max(...frames.map(({ residentBytes }) => residentBytes));
  const ends = [top, ...frames.map(({ residentBytes, askedBytes }) => Math.max(residentBytes, askedBytes))];
  const figureColumns = Math.max(...ends.map((bytes) => bytesText(bytes).length));
  const sparkColumns = Math.min(MOST_SPARK_COLUMNS, palette.columns - 13 - figureColumns);
  const line = (name: string, values: readonly number[]): string =>
    `  ${name.padEnd(9)} ${sparkline(values, sparkColumns, top)} ${bytesText(values.at(-1)!)}`;
  return [
    ...wrap(`over the trace, and in the end; the whole height is ${bytesText(top)}`, palette.columns),
    palette.dim(line("asked for", frames.map(({ askedBytes }) => askedBytes))),
    line("live", frames.map(({ liveBytes }) => liveBytes)),
    palette.green(line("in memory", frames.map(({ residentBytes }) => residentBytes))),
  ];
}
