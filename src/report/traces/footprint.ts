/**
 * The memory of a replay as text: what each allocator took at most, and its footprint over time, in bytes and over the
 * live ones. The figures are also those of Markdown and of the page.
 *
 * @module
 */
import { nameColumn } from "../tables/bars.ts";
import { commonTop } from "../tables/far.ts";
import { nameOf, times, wrap } from "../tables/format.ts";
import type { Result } from "../../model/results.ts";
import type { Palette } from "../tables/palette.ts";
import { sparkline } from "../tables/sparkline.ts";

const MEGABYTE = 1e6;
const MOST_SPARK_COLUMNS = 60;

/** The columns of {@linkcode memoryCells}. */
export const MEMORY_COLUMNS = ["allocator", "peak MB", "peak / live", "mean MB", "page faults", "of"] as const;

/** In the order of {@link MEMORY_COLUMNS}. */
export function memoryCells(result: Result): string[] {
  const { peakFootprintBytes, averageFootprintBytes, peakLiveBytes, pageFaults, footprintOf } = result;
  const isKnown = peakFootprintBytes !== undefined && averageFootprintBytes !== undefined;
  return [
    nameOf(result),
    isKnown ? megabytes(peakFootprintBytes) : "not known",
    isKnown && peakLiveBytes ? times(peakFootprintBytes / peakLiveBytes) : "",
    isKnown ? megabytes(averageFootprintBytes) : "",
    pageFaults === undefined ? "" : String(pageFaults),
    footprintOf === undefined ? "" : FOOTPRINT_OF[footprintOf],
  ];
}

const FOOTPRINT_OF = { mapping: "its mapping", process: "the process" } as const;

/**
 * The footprint over time, a line an allocator under one of the live bytes, all on one scale, that of the highest. Who is
 * far above most has a scale of its own.
 */
export function footprintLines(results: readonly Result[], palette: Palette): string[] {
  const shown = results.flatMap((result) =>
    result.footprint === undefined ? [] : [{ name: nameOf(result), result, footprint: result.footprint }]
  );
  const first = shown[0];
  if (first === undefined) return [];
  const peaks = shown.map(({ footprint }) => Math.max(...footprint.footprintBytes));
  const top = Math.max(...first.footprint.liveBytes, commonTop(peaks));
  const chart = nameColumn(["live bytes", ...shown.map(({ name }) => name)]);
  const sparkColumns = Math.min(
    MOST_SPARK_COLUMNS,
    palette.columns - chart.columns - 2 - megabytes(Math.max(top, ...peaks)).length,
  );
  const line = (name: string, values: readonly number[], paint: (text: string) => string) => {
    const { above, start } = chart.lineOf(name, palette.columns);
    const drawn = sparkline(values, sparkColumns, Math.max(top, ...values));
    return [...above, `${start} ${drawn} ${megabytes(values.at(-1) ?? 0)}`].map(paint);
  };
  return [
    ...wrap(
      `memory over the trace, MB in the end; the whole height is ${megabytes(top)} MB${
        ownScales(shown.map(({ name }, at) => ({ name, peak: peaks[at]! })), top, (peak) => `${megabytes(peak)} MB`)
      }`,
      palette.columns,
    ),
    ...line("live bytes", first.footprint.liveBytes, palette.dim),
    ...shown.flatMap(({ name, result, footprint }) =>
      line(name, footprint.footprintBytes, result.runtime === "deno" ? palette.green : String)
    ),
  ];
}

/** Whose lines have a scale of their own, and how high it is. */
function ownScales(
  all: readonly { readonly name: string; readonly peak: number }[],
  top: number,
  format: (peak: number) => string,
): string {
  return all.filter(({ peak }) => peak > top).map(({ name, peak }) => `, but that of ${name} ${format(peak)}`).join("");
}

/** The footprint over the live bytes, where these are at least {@linkcode LIVE_LEAST} of the most that ever were. */
export interface FootprintRatio {
  readonly name: string;
  readonly result: Result;
  readonly events: readonly number[];
  readonly ratios: readonly number[];
}

const LIVE_LEAST = 1 / 10;

/**
 * By allocator. None if in the end next to nothing is live: then the ratio says what a program keeps that is about to end,
 * and not how well one fares that goes on.
 */
export function footprintRatios(results: readonly Result[]): FootprintRatio[] {
  return results.flatMap((result) => {
    if (result.footprint === undefined) return [];
    const { events, liveBytes, footprintBytes } = result.footprint, least = LIVE_LEAST * Math.max(...liveBytes);
    if (!(liveBytes.at(-1)! >= least && least > 0)) return [];
    const shown = events.flatMap((_, at) => liveBytes[at]! >= least ? [at] : []);
    return [{
      name: nameOf(result),
      result,
      events: shown.map((at) => events[at]!),
      ratios: shown.map((at) => footprintBytes[at]! / liveBytes[at]!),
    }];
  });
}

/** The same over time, a line an allocator, from 1 upwards; an allocator far above most has a scale of its own. */
export function ratioLines(results: readonly Result[], palette: Palette): string[] {
  const shown = footprintRatios(results);
  if (shown.length === 0) return [];
  const peaks = shown.map(({ ratios }) => Math.max(...ratios)), top = commonTop(peaks);
  const chart = nameColumn(shown.map(({ name }) => name));
  const figuresOf = (ratios: readonly number[]) => `${times(Math.max(...ratios))} ${times(ratios.at(-1)!)}`;
  const width = Math.max(...shown.map(({ ratios }) => figuresOf(ratios).length));
  const columns = Math.min(MOST_SPARK_COLUMNS, palette.columns - chart.columns - 2 - width);
  return [
    ...wrap(
      `footprint over live bytes, where a tenth of the most is live: at most, and in the end; from 1 to ${times(top)}${
        ownScales(shown.map(({ name }, at) => ({ name, peak: peaks[at]! })), top, (peak) => `to ${times(peak)}`)
      }`,
      palette.columns,
    ),
    ...shown.flatMap(({ name, result, ratios }) => {
      const { above, start } = chart.lineOf(name, palette.columns);
      const line = sparkline(ratios.map((ratio) => ratio - 1), columns, Math.max(top, ...ratios) - 1);
      return [...above, `${start} ${line} ${figuresOf(ratios)}`].map(
        result.runtime === "deno" ? palette.green : String,
      );
    }),
  ];
}

/** Bytes as megabytes. */
export function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
