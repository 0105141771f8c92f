/**
 * Charts of rows: a name on the left, marks in the middle, a figure on the right; rows are grouped under headings, by
 * size for instance. On a phone, and where names are long, name and figure stand above the marks instead: variants with
 * many overrides are longer than any margin.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { Canvas } from "./chart.ts";
import type { Scale } from "./scale.ts";

/** One row. */
export interface Row<Datum> {
  readonly label: string;
  /** What stands on the right. */
  readonly figure: string;
  /** What is marked. */
  readonly datum: Datum;
  readonly isBold?: boolean;
}

/** Rows that belong together. */
export interface RowGroup<Datum> {
  /** None if it is empty. */
  readonly heading: string;
  readonly rows: readonly Row<Datum>[];
}

/** A row's data and where it lies. */
export type Placed<Datum> = Datum & { readonly key: string };

/** What a chart of rows is made from. */
export interface RowChart<Datum> {
  /** A row of which there is nothing to mark has a name and a figure, which says why. */
  readonly groups: readonly RowGroup<Datum | undefined>[];
  readonly x: Scale & { readonly label: string };
  readonly marks: (rows: readonly Placed<Datum>[]) => readonly Plot.Markish[];
}

const ROW_HEIGHT = 22;
const NARROW_ROW_HEIGHT = 17;
const LETTER = 7; // px, on average
const LONGEST_LABEL = 40; // letters
const EM = 12; // px
const SAFE = 0.85; // Plot takes the letters for Helvetica's; other fonts are wider
const MARGIN = 16; // half of the longest letters below an axis
const MARGIN_BOTTOM = 40;

/** Around letters, so that lines behind them do not cross them out. */
export const HALO = { fill: "currentColor", stroke: "var(--surface)", strokeWidth: 4 } as const;

/** Where two are equal: a dashed line beside the rows, which crosses no heading between them. */
export function levelMark(rows: readonly Placed<object>[], at: number): Plot.Markish {
  return Plot.tickX(rows, { x: () => at, y: "key", stroke: "currentColor", strokeDasharray: "4 3" });
}

interface Text {
  readonly key: string;
  readonly text: string;
  readonly isBold: boolean;
}

/** The plot's options. */
export function rowPlot<Datum extends object>(chart: RowChart<Datum>, canvas: Canvas): Plot.PlotOptions {
  const rows = chart.groups.flatMap((group) => group.rows);
  const longest = Math.max(0, ...rows.map(({ label }) => label.length));
  const widest = LETTER * Math.max(0, ...rows.map(({ figure }) => figure.length));
  const isAbove = canvas.isNarrow || longest > LONGEST_LABEL;
  const marginLeft = isAbove ? MARGIN : Math.max(60, longest * LETTER + 16);
  const marginRight = isAbove ? MARGIN : Math.max(24, widest + 16);
  const { domain, headings, labels, figures, placed } = laidOut(chart.groups, isAbove);
  // `text` rather than `tickFormat`: with that, a logarithmic axis would leave labels out.
  const { ticks, tickFormat: text, label } = chart.x;
  const isTall = domain.length > 20;
  const marginTop = isTall ? 24 : 8;
  const dy = isAbove ? 4 : 0; // nearer to the marks that it names than to those above
  const common = { y: "key", text: "text", dy, ...HALO } as const;
  const left = { ...common, frameAnchor: "left", textAnchor: "start", dx: 4 - marginLeft } as const;
  const right = { ...common, frameAnchor: "right", textAnchor: "end", dx: marginRight - 4 } as const;
  const room = isAbove ? canvas.width - widest : marginLeft;
  const name = { ...left, lineWidth: room / EM * SAFE, textOverflow: "ellipsis-middle" } as const;
  return {
    height: marginTop + MARGIN_BOTTOM + domain.length * (canvas.isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT),
    marginLeft,
    marginRight,
    marginTop,
    marginBottom: MARGIN_BOTTOM,
    x: { ...chart.x, label: null },
    y: { type: "band", domain, axis: null, padding: 0 },
    marks: [
      Plot.gridX({ ticks, stroke: "var(--line)", strokeOpacity: 1 }),
      Plot.axisX({ ticks, text, anchor: "bottom", label, labelAnchor: "center" }),
      isTall ? Plot.axisX({ ticks, text, anchor: "top", label: null }) : null,
      ...chart.marks(placed),
      Plot.text(headings, { ...left, dy: 0, fontWeight: 600 }),
      Plot.text(labels.filter(({ isBold }) => !isBold), name),
      Plot.text(labels.filter(({ isBold }) => isBold), { ...name, fontWeight: 600 }),
      Plot.text(figures, { ...right, fill: "var(--quiet)" }),
    ],
  };
}

function laidOut<Datum extends object>(groups: readonly RowGroup<Datum | undefined>[], isAbove: boolean) {
  const domain: string[] = [];
  const headings: Text[] = [], labels: Text[] = [], figures: Text[] = [];
  const placed: Placed<Datum>[] = [];
  const nextKey = () => {
    const key = String(domain.length);
    domain.push(key);
    return key;
  };
  for (const { heading, rows } of groups) {
    if (heading !== "") headings.push({ key: nextKey(), text: heading, isBold: true });
    for (const { label, figure, datum, isBold = false } of rows) {
      const textKey = nextKey();
      labels.push({ key: textKey, text: label, isBold });
      figures.push({ key: textKey, text: figure, isBold });
      const key = isAbove ? nextKey() : textKey;
      if (datum !== undefined) placed.push({ ...datum, key });
    }
  }
  return { domain, headings, labels, figures, placed };
}
