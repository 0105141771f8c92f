/**
 * Charts: Observable Plot draws them, into a document that linkedom imitates, when the report is written; so the page
 * needs no script. A figure is drawn twice, for a desk and for a phone, because letters that shrink with their chart
 * cannot be read; the page's style shows the one that fits.
 *
 * Colours are the page's variables, and `currentColor`: a chart follows the dark mode and the printer.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { Markup, markup, NOTHING, type Piece } from "../markup.ts";

/** How wide a figure is drawn, and for which screen. */
export interface Canvas {
  readonly width: number;
  readonly isNarrow: boolean;
}

const CANVASES: readonly Canvas[] = [
  { width: 800, isNarrow: false },
  { width: 340, isNarrow: true }, // a phone of 360 px, less the page's margins
];

/** One of the charts of a figure; they lie below each other. */
export interface Panel {
  readonly heading?: string;
  readonly plot: Plot.PlotOptions;
}

/** What a colour stands for. */
export interface LegendItem {
  readonly label: string;
  readonly colour: string;
  readonly shape?: "dot" | "ring" | "band";
}

/** A figure, before it is drawn. */
export interface Figure {
  /** What is shown, for those who cannot see it: one sentence with the result. */
  readonly description: string;
  /** What is below the figure. */
  readonly caption: Piece;
  readonly legend?: readonly LegendItem[];
  readonly draw: (canvas: Canvas) => readonly Panel[];
}

/** The colours of contestants, in order; more than these start again. */
export function seriesColour(index: number): string {
  return `var(--series-${index % SERIES + 1})`;
}

const SERIES = 8;

/** What is there for comparison only: the do-nothing allocator, the A/A control. */
export const MUTED = "var(--muted)";

/** Draws a figure. */
export function renderFigure({ description, caption, legend = [], draw }: Figure): Markup {
  const drawn = CANVASES.map((canvas) => ({ canvas, panels: draw(canvas) }));
  const drawings = drawn.map(({ canvas, panels }) =>
    markup`<div class="${canvas.isNarrow ? "narrow" : "wide"}" role="img" aria-label="${description}">${
      panels.map((panel) => renderPanel(panel, canvas))
    }</div>`
  );
  return markup`<figure>
    ${renderLegend(legend)}${drawings}
    <figcaption>${caption}${axesText(drawn[0]?.panels ?? []).map((text) => ` ${text}`)}</figcaption>
    </figure>`;
}

/** Which axes are logarithmic, and of which panels if not of all: a reader of lengths has to know. */
function axesText(panels: readonly Panel[]): string[] {
  return ([["x", "horizontal"], ["y", "vertical"]] as const).flatMap(([axis, name]) => {
    const measured = panels.filter(({ plot: { [axis]: scale } }) => scale?.type !== "band");
    const byText = Map.groupBy(measured, ({ plot: { [axis]: scale } }) => scaleText(scale));
    return [...byText].flatMap(([text, those]) => {
      if (text === undefined) return [];
      if (those.length === measured.length) return [`The ${name} axis is ${text}.`];
      return [`The ${name} axis of ${those.map(({ heading }) => heading).join("; ")} is ${text}.`];
    });
  });
}

function scaleText(scale: Plot.ScaleOptions | undefined): string | undefined {
  if (scale?.type === "log") return "logarithmic";
  if (scale?.type !== "symlog") return undefined;
  const [low = 0] = [...scale.domain ?? []] as number[];
  return `logarithmic beyond ${low < 0 ? "±" : ""}${Number((scale.constant ?? 1).toPrecision(2))}`;
}

function renderPanel({ heading, plot }: Panel, canvas: Canvas): Markup {
  const options: Plot.PlotOptions = {
    ...plot,
    document: imitatedDocument(),
    width: canvas.width,
    className: "chart",
    style: { fontSize: canvas.isNarrow ? "11px" : "12px" },
  };
  // Plot's types name the browser's elements, which Deno does not have; this is all that is asked of one here.
  const svg = Plot.plot(options) as unknown as { readonly outerHTML: string };
  const drawn = new Markup(svg.outerHTML.replace(/<style>[^<]*<\/style>/, "")); // the page's style says it once
  return markup`${heading === undefined ? NOTHING : markup`<p class="panel">${heading}</p>`}${drawn}`;
}

/** What the colours of a figure stand for. */
export function renderLegend(items: readonly LegendItem[]): Markup {
  if (items.length === 0) return NOTHING;
  const entries = items.map(({ label, colour, shape = "dot" }) =>
    markup`<li><span class="swatch ${shape}" style="--swatch: ${colour}" aria-hidden="true"></span>${label}</li>`
  );
  return markup`<ul class="legend">${entries}</ul>`;
}

function imitatedDocument(): NonNullable<Plot.PlotOptions["document"]> {
  const { document } = parseHTML("<!doctype html><html><body></body></html>") as unknown as {
    document: NonNullable<Plot.PlotOptions["document"]>;
  };
  return document;
}
