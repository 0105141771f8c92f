/**
 * Reports: each takes a result file and gives text. None of them measures, reads files or writes any.
 *
 * @module
 */
export { renderBars } from "./tables/bars.ts";
export { type CountsRow, renderCounts } from "./bench/counts.ts";
export {
  type Baseline,
  BaselineSchema,
  type CompareFile,
  type CompareRow,
  parseCompareFile,
  type SlotDisturbance,
} from "../model/compare.ts";
export { compareHeadline, renderCompare, renderCompareCsv, renderCompareMarkdown } from "./compare.ts";
export { explainHeadline, fastShare, PATH_SHARE, renderExplain, renderExplainCsv } from "./explain.ts";
export { renderExplainMarkdown } from "./explain_markdown.ts";
export { type ExplainFile, type ExplainFlag, parseExplainFile } from "../model/explain.ts";
export { renderCsv } from "./bench/csv.ts";
export { checkExpectation, expectationLine, parseExpectation } from "./bench/expectation.ts";
export { type FlagsFile, type FlagValue, renderFlags, type VariantFlags } from "./flags.ts";
export { type MicroFile, type MicroPath, type MicroRow, type MicroSlowPath, renderMicro } from "./micro.ts";
export { changeWithBounds, hasOwnHeaps, nameOf, placeOf, threadCount, wrap } from "./tables/format.ts";
export { judgedRatio, loopDifference, netRatioToSystem, unlikeLoops } from "./bench/loops.ts";
export { headline } from "./bench/headline.ts";
export { renderJson } from "./tables/json.ts";
export { renderReplay, renderReplayMarkdown } from "./traces/replay.ts";
export { replayHeadline } from "./traces/replay_answer.ts";
export { processorOf } from "./processor.ts";
export { renderMarkdown } from "./bench/markdown.ts";
export {
  type Expectation,
  type Failure,
  parseResultFile,
  type Ratio,
  type Result,
  type ResultFile,
  ResultFileSchema,
} from "../model/results.ts";
export {
  type Operation,
  parseStressFile,
  type StressFailure,
  type StressFile,
  type StressProgram,
  type StressRun,
  type StressThreads,
  type StressThreadsFailure,
} from "../model/stress.ts";
export { renderStress } from "./stress.ts";
export { type Palette, PLAIN } from "./tables/palette.ts";
export { renderTable } from "./bench/table.ts";
export { renderTerminal, renderWarnings } from "./bench/terminal.ts";
export { FileValueError, readChecked } from "../model/values.ts";
