/**
 * Reports: each takes a result file and gives text. None of them measures, reads files or writes any.
 *
 * @module
 */
export { renderBars } from "./tables/bars.ts";
export { renderCounts } from "./bench/counts.ts";
export { compareHeadline, renderCompare, renderCompareCsv, renderCompareMarkdown } from "./compare.ts";
export { explainHeadline, fastShare, PATH_SHARE, renderExplain, renderExplainCsv } from "./explain.ts";
export { renderExplainMarkdown } from "./explain_markdown.ts";
export { renderCsv } from "./bench/csv.ts";
export { checkExpectation, expectationLine, parseExpectation } from "./bench/expectation.ts";
export { renderFlags } from "./flags.ts";
export { renderMicro } from "./micro.ts";
export {
  changeWithBounds,
  counted,
  hasOwnHeaps,
  nameOf,
  percent,
  settingOf,
  threadCount,
  withCommas,
  wrap,
} from "./tables/format.ts";
export { judgedRatio, loopDifference, netRatioToSystem, unlikeLoops } from "./bench/loops.ts";
export { headline } from "./bench/headline.ts";
export { renderJson } from "./tables/json.ts";
export { heapLabel, labelOf } from "./tables/label.ts";
export { renderReplay, renderReplayMarkdown } from "./traces/replay.ts";
export { replayHeadline, tooFew } from "./traces/replay_answer.ts";
export { processorOf } from "./processor.ts";
export { renderMarkdown } from "./bench/markdown.ts";
export { renderStress } from "./stress.ts";
export { type Palette, PLAIN } from "./tables/palette.ts";
export { COLOURS, visible, visibleLine, visibleMarkdown } from "./tables/visible.ts";
export { renderTable } from "./bench/table.ts";
export { renderTerminal, renderWarnings } from "./bench/terminal.ts";
