/**
 * The sections of a comparison.
 *
 * @module
 */
import { median } from "simple-statistics";
import type { Baseline, CompareFile } from "../../../model/compare.ts";
import { levelText, nanoseconds, percent, settingOf, shortRevisions } from "../../tables/format.ts";
import { processorOf } from "../../processor.ts";
import { closeBounds, closeRatio } from "../close_ratio.ts";
import { compareRatioFigure, compareSeries } from "../charts/compare.ts";
import { type Markup, markup, type Piece } from "../markup.ts";
import { distributionFigure } from "../charts/samples.ts";
import { environmentSection, figure, remarksSection, type Section } from "./section.ts";
import { numeric, renderTable } from "../table.ts";
import { timelineFigure } from "../charts/timeline.ts";

/** The sections, in order. */
export function compareSections(file: CompareFile): Section[] {
  const { a, b, sources, rounds, level, baseline } = file;
  const measured =
    `${rounds.measured}, ${rounds.discarded} of them discarded; looked at after ${rounds.looks.join(", ")}; ` +
    `turns of ${rounds.slotMilliseconds} ms, order from seed ${rounds.orderSeed}`;
  return [
    { id: "verdict", title: "Verdict by size", content: [figure(compareRatioFigure(file)), verdictTable(file)] },
    { id: "timeline", title: "Timeline of turns", content: figure(timelineFigure(file)) },
    { id: "distribution", title: "Distribution of samples", content: figure(distributionFigure(compareSeries(file))) },
    { id: "baseline", title: "Baseline", content: baseline === undefined ? "" : baselineContent(baseline) },
    remarksSection(file),
    environmentSection(file, { A: named(a, sources), B: named(b, sources), rounds: measured, level: levelText(level) }),
  ];
}

/** A verdict as a badge; the word says it, the colour only helps. */
export function badge(word: string): Markup {
  return markup`<span class="badge ${word}">${word}</span>`;
}

function verdictTable({ rows }: CompareFile): Piece {
  return renderTable({
    caption: "Throughput of B over A, and the control, A over itself",
    columns: [
      { head: "workload, size" },
      { head: "verdict" },
      numeric("B\u00a0/\u00a0A"),
      numeric("interval"),
      numeric("A, ns/op"),
      numeric("B, ns/op"),
      numeric("A\u00a0/\u00a0A"),
      numeric("counts from"),
      numeric("rounds"),
    ],
    rows: rows.map(({ workload, size, threads, verdict, samples, control, delta, rounds, ...row }) => [
      workload === "replay" ? workload : `${workload}, ${settingOf({ size, threads })}`,
      badge(verdict),
      closeRatio(row.ratio),
      closeBounds(row),
      middle(samples.a),
      middle(samples.b),
      closeBounds(control),
      percent(delta),
      rounds,
    ]),
  });
}

function baselineContent({ name, contestant, revision, date, environment, rows }: Baseline): Piece {
  return [
    markup`<p>${name}: ${shortRevisions(contestant)}, revision ${shortRevisions(revision)}, saved on ${date} (${
      processorOf(environment)
    }, Deno ${environment.deno}). Its
      figures are shown, never compared: it was run again.</p>`,
    renderTable({
      caption: "What was measured when the baseline was saved",
      columns: [{ head: "workload" }, numeric("size"), numeric("ns/op")],
      rows: rows.map(({ workload, size, nsPerOp }) => [workload, size, nanoseconds(nsPerOp)]),
    }),
  ];
}

function named(contestant: string, sources: Record<string, string>): string {
  const source = sources[contestant];
  return source === undefined || source === contestant ? contestant : `${contestant} (${source})`;
}

function middle(samples: readonly number[]): string {
  return samples.length === 0 ? "" : nanoseconds(median([...samples]));
}
