/**
 * Reports: each takes a result file and gives text. None of them measures, reads files or writes any.
 *
 * @module
 */
export { renderBars } from "./bars.ts";
export { type CountsRow, renderCounts } from "./counts.ts";
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
export { renderCsv } from "./csv.ts";
export { checkExpectation, expectationLine, parseExpectation } from "./expectation.ts";
export { type FlagsFile, type FlagValue, renderFlags, type VariantFlags } from "./flags.ts";
export { type MicroFile, type MicroPath, type MicroRow, type MicroSlowPath, renderMicro } from "./micro.ts";
export { changeWithBounds, hasOwnHeaps, nameOf, placeOf, threadCount, wrap } from "./format.ts";
export { judgedRatio, loopDifference, netRatioToSystem, unlikeLoops } from "./loops.ts";
export { headline } from "./headline.ts";
export { renderJson } from "./json.ts";
export { renderReplay, renderReplayMarkdown } from "./replay.ts";
export { replayHeadline } from "./replay_answer.ts";
export { processorOf } from "./processor.ts";
export { renderMarkdown } from "./markdown.ts";
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
export { type Palette, PLAIN } from "./palette.ts";
export { renderTable } from "./table.ts";
export { renderTerminal, renderWarnings } from "./terminal.ts";
export { FileValueError, readChecked } from "../model/values.ts";
