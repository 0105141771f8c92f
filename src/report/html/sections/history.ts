/**
 * The sections of a history.
 *
 * @module
 */
import type { HistoryCommit, HistoryFile } from "../../../model/mod.ts";
import { settingOf } from "../../tables/format.ts";
import { changeText, dayOf, describedChanges, remarks, rowsText, settingText, shortHash } from "../../history.ts";
import { curveFigure } from "../charts/history.ts";
import { closeBounds, closeRatio } from "../close_ratio.ts";
import { badge } from "./compare.ts";
import { markup, type Piece } from "../markup.ts";
import { environmentSection, figure, remarksSection, type Section } from "./section.ts";
import { numeric, renderTable } from "../table.ts";

/** The sections, in order. */
export function historySections(file: HistoryFile): Section[] {
  const { tree, variant, workload, trace } = file;
  return [
    {
      id: "changes",
      title: "Who changed it",
      content: [changesTable(file), remarks(file).map((text) => markup`<p>${text}</p>`)],
    },
    { id: "curve", title: "Throughput over the commits", content: figure(curveFigure(file)) },
    { id: "comparisons", title: "Comparisons", content: comparisonsTable(file) },
    { id: "commits", title: "Commits", content: commitsTable(file) },
    remarksSection({ ...file, notes: [] }),
    environmentSection(file, {
      tree,
      workload: trace === undefined ? workload : `the replay of ${trace.file}`,
      ...(variant === undefined ? {} : { variant }),
    }),
  ];
}

function changesTable(file: HistoryFile): Piece {
  return renderTable({
    caption: "Where throughput changed, and by how much",
    isStacked: true,
    columns: [{ head: "verdict" }, { head: "commits" }, { head: "author" }, numeric("throughput")],
    rows: describedChanges(file).map((each) => [
      badge(each.change.verdict),
      markup`${changeText(each)}<br><small>${
        each.candidates.map(({ hash, subject }) => markup`<code>${hash.slice(0, 12)}</code> ${subject}<br>`)
      }</small>`,
      each.change.certainty === "commit" ? authorOf(each.to) : "",
      each.rows.map((row) => markup`${settingText(row)}: ${rowsText([row])}<br>`),
    ]),
  });
}

function comparisonsTable({ comparisons, commits }: HistoryFile): Piece {
  return renderTable({
    caption: "All comparisons, in the order in which they were made: B over A",
    columns: [
      { head: "A" },
      { head: "B" },
      { head: "for" },
      { head: "verdict" },
      numeric("size"),
      numeric("B\u00a0/\u00a0A"),
      numeric("interval"),
      numeric("A\u00a0/\u00a0A"),
      numeric("rounds"),
    ],
    rows: comparisons.flatMap(({ a, b, purpose, rows }) =>
      rows.map((row) => [
        shortHash(commits[a]!),
        shortHash(commits[b]!),
        purpose,
        badge(row.verdict),
        row.workload === "replay" ? "all" : settingOf(row),
        closeRatio(row.ratio),
        closeBounds(row),
        closeBounds(row.control),
        row.rounds,
      ])
    ),
  });
}

function commitsTable({ commits, curve }: HistoryFile): Piece {
  const compared = new Set(curve.map(({ commit }) => commit));
  return renderTable({
    caption: "The commits, the oldest first",
    columns: [{ head: "commit" }, { head: "subject" }, { head: "author" }, { head: "what was done" }],
    rows: commits.map((commit, at) => [
      markup`<code>${shortHash(commit)}</code>`,
      commit.subject,
      authorOf(commit),
      commit.skipped ??
        (compared.has(at)
          ? "compared"
          : commit.source === commits[at - 1]?.source
          ? "nothing that is measured differs"
          : "not needed"),
    ]),
  });
}

function authorOf(commit: HistoryCommit): string {
  return `${commit.author}, ${dayOf(commit)}`;
}
