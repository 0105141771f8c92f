/**
 * The sections of a benchmark.
 *
 * @module
 */
import { expectationLine } from "../../bench/expectation.ts";
import { isThreaded, parametersOf } from "../../tables/format.ts";
import { loopsLines } from "../../bench/loops.ts";
import type { ResultFile } from "../../../model/results.ts";
import { sharingLines } from "../../bench/sharing.ts";
import { columnsOf } from "../../bench/table.ts";
import { ratioFigure, scalingFigure, seriesOf, throughputFigure } from "../charts/bench.ts";
import { countsTable } from "./counts.ts";
import { instructionsSection } from "./instructions.ts";
import { latencySection } from "./latency.ts";
import { markup } from "../markup.ts";
import { memorySection } from "./replay.ts";
import { distributionFigure, roundsFigure } from "../charts/samples.ts";
import { environmentSection, figure, remarksSection, type Section } from "./section.ts";
import { renderTable } from "../table.ts";
import { workloadText } from "../../bench/workload.ts";

const OF_TIMES = "net is without the harness";
const OF_THREADS = "scaling is over that with the fewest threads, fairness the slowest thread's over the fastest one's";

/** The sections, in order. */
export function benchSections(file: ResultFile): Section[] {
  const { results, rounds, expectations, counters = [] } = file;
  const columns = columnsOf(results), sharing = sharingLines(results);
  const series = seriesOf(results);
  const contestants = seriesOf(results.filter(({ runtime }) => runtime !== "harness"));
  const measured = `${rounds.measured} of ${rounds.wanted}, turns of ${rounds.slotMilliseconds} ms or one unit, ` +
    `order from seed ${rounds.orderSeed}`;
  return [
    {
      id: "throughput",
      title: "Throughput by size",
      content: results.length === 0 ? "" : [
        figure(throughputFigure(results)),
        loopsLines(results).map((line) => markup`<p>${line}</p>`),
        renderTable({
          caption: `Throughput: median and 95 % interval; ${isThreaded(results) ? OF_THREADS : OF_TIMES}`,
          columns,
          rows: results.map((result) => columns.map(({ cell }) => cell(result))),
        }),
      ],
    },
    { id: "ratio", title: "Ratio to system", content: figure(ratioFigure(results)) },
    { id: "scaling", title: "Throughput by threads", content: figure(scalingFigure(results)) },
    {
      id: "sharing",
      title: "One heap for all threads",
      content: sharing.length === 0 ? "" : markup`<ul>${sharing.map((line) => markup`<li>${line}</li>`)}</ul>`,
    },
    memorySection(file),
    latencySection(file),
    instructionsSection(file),
    {
      id: "expectations",
      title: "What was expected",
      content: expectations.length === 0
        ? ""
        : markup`<ul>${expectations.map((each) => markup`<li>${expectationLine(each)}</li>`)}</ul>`,
    },
    { id: "distribution", title: "Distribution of samples", content: figure(distributionFigure(series)) },
    { id: "rounds", title: "Round by round", content: figure(roundsFigure(contestants)) },
    { id: "counters", title: "Counters", content: countsTable(counters) },
    remarksSection(file),
    environmentSection(file, {
      workload: workloadText(results),
      parameters: parametersOf(results),
      rounds: measured,
    }),
  ];
}
