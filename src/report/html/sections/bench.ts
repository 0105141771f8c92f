/**
 * The sections of a benchmark.
 *
 * @module
 */
import { expectationLine } from "../../bench/expectation.ts";
import { isReplay, isThreaded, parametersOf } from "../../tables/format.ts";
import { loopsLines } from "../../bench/loops.ts";
import type { ResultFile } from "../../../model/results.ts";
import { sharingLines } from "../../bench/sharing.ts";
import { columnsOf } from "../../bench/table.ts";
import { tooShort } from "../../traces/replay_answer.ts";
import { ratioFigure, scalingFigure, seriesOf, throughputFigure } from "../charts/bench.ts";
import { countsTable } from "./counts.ts";
import { instructionsSection } from "./instructions.ts";
import { latencySection } from "./latency.ts";
import { markup } from "../markup.ts";
import { memorySection, timeSection } from "./replay.ts";
import { distributionFigure, roundsFigure } from "../charts/samples.ts";
import { environmentSection, figure, remarksSection, type Section } from "./section.ts";
import { renderTable } from "../table.ts";
import { workloadText } from "../../bench/workload.ts";

const OF_TIMES = "net is without the harness";
const OF_THREADS = "scaling is over that with the fewest threads, fairness the slowest thread's over the fastest one's";

/** The sections, in order. */
export function benchSections(file: ResultFile): Section[] {
  const { results, rounds, expectations, counters = [] } = file;
  const sharing = sharingLines(results), short = isReplay(results) ? tooShort(results) : undefined;
  const series = seriesOf(results);
  const contestants = seriesOf(results.filter(({ runtime }) => runtime !== "harness"));
  const measured = `${rounds.measured} of ${rounds.wanted}, turns of ${rounds.slotMilliseconds} ms or one unit, ` +
    `order from seed ${rounds.orderSeed}`;
  return [
    isReplay(results) ? timeSection(file) : throughputSection(results),
    {
      id: "ratio",
      title: "Ratio to system",
      content: short === undefined ? figure(ratioFigure(results)) : markup`<p>The trace is too short: ${short}.</p>`,
    },
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
      workload: file.trace === undefined ? workloadText(results) : `the replay of ${file.trace.file}`,
      parameters: parametersOf(results),
      rounds: measured,
    }),
  ];
}

function throughputSection(results: ResultFile["results"]): Section {
  const columns = columnsOf(results);
  return {
    id: "throughput",
    title: "Throughput by size",
    content: [
      figure(throughputFigure(results)),
      loopsLines(results).map((line) => markup`<p>${line}</p>`),
      renderTable({
        caption: `Throughput: median and 95 % interval; ${isThreaded(results) ? OF_THREADS : OF_TIMES}`,
        columns,
        rows: results.map((result) => columns.map(({ cell }) => cell(result))),
      }),
    ],
  };
}
