/**
 * Writes the JSON of Chrome's Trace Event Format, which https://ui.perfetto.dev and chrome://tracing open: an instant event
 * for each call, in the track of its thread, and counters of live bytes and live blocks. A line is an event, so that
 * `../formats/chrome.ts` reads the file line by line.
 *
 *     {"name":"malloc","cat":"hakmem.heap","ph":"i","s":"t","ts":12,"pid":1,"tid":202,"args":{"block":5,"size":1024}}
 *     {"name":"live bytes","cat":"hakmem.heap","ph":"C","ts":12,"pid":1,"args":{"bytes":4096}}
 *
 * Traces have no times, so `ts`, which is in microseconds, counts events. Blocks are numbers. The counters have some
 * thousand points however long the trace is; a value is what is live after the event at its `ts`.
 *
 * The format also has dumps of memory-infra (sums by allocator, no blocks) and asynchronous events (a bar for each block,
 * of which viewers draw each live one in a row of its own): neither can show a trace of thousands of live blocks.
 *
 * @module
 */
import { EVENT, EVENT_NAMES, NO_BLOCK, type Trace } from "../trace.ts";
import { threadNumbers } from "./android.ts";
import { textPieces, type TraceWriter } from "./writer.ts";

/** The category of our events, and how a file of them begins. */
export const HEAP_CATEGORY = "hakmem.heap";
export const CHROME_HEAD = `{"displayTimeUnit":"ns","otherData":{"category":"${HEAP_CATEGORY}"`;

/** Points of a counter, at most. */
const MOST_POINTS = 8192;
const PROCESS = 1;

/** The format. */
export const chromeWriter: TraceWriter = {
  name: "chrome",
  description: "Chrome's and Perfetto's JSON trace events, for ui.perfetto.dev and chrome://tracing",
  hasStacks: false,
  endings: [".json"],
  pieces: (trace, title) => textPieces(linesOf(trace, title)),
};

function* linesOf(trace: Trace, title: string): Generator<string> {
  const { length, kinds, threads, blocks, sizes, formerSizes, alignments, threadNames, format } = trace;
  const names = threadNumbers(trace), stride = Math.ceil(length / MOST_POINTS);
  yield `${CHROME_HEAD},"from":${JSON.stringify(format)},"ts":"counts events; traces have no times"},"traceEvents":[`;
  for (const [thread, name] of threadNames.entries()) {
    yield `${JSON.stringify({ name: "thread_name", ph: "M", pid: PROCESS, tid: names[thread], args: { name } })},`;
  }
  let newest = NO_BLOCK, liveBytes = 0, liveBlocks = 0;
  for (let event = 0; event < length; event++) {
    const kind = kinds[event]!, block = blocks[event]!, size = sizes[event]!;
    liveBytes += size - formerSizes[event]!;
    if (block > newest) {
      newest = block;
      liveBlocks++;
    } else if (kind === EVENT.FREE && block !== NO_BLOCK) {
      liveBlocks--;
    }
    const alignment = kind === EVENT.ALIGNED ? `,"alignment":${2 ** alignments[event]!}` : "";
    const args = kind === EVENT.THREAD_END ? "" : `"block":${block},"size":${size}${alignment}`;
    yield `{"name":"${EVENT_NAMES[kind]}","cat":"${HEAP_CATEGORY}","ph":"i","s":"t","ts":${event},"pid":${PROCESS},` +
      `"tid":${names[threads[event]!]},"args":{${args}}},`;
    if (event % stride !== 0 && event !== length - 1) continue;
    yield counter("live bytes", event, "bytes", liveBytes);
    yield counter("live blocks", event, "blocks", liveBlocks);
  }
  // Behind the last event, since JSON has no comma there.
  yield `${JSON.stringify({ name: "process_name", ph: "M", pid: PROCESS, args: { name: title } })}\n]}`;
}

function counter(name: string, event: number, unit: string, value: number): string {
  return `{"name":"${name}","cat":"${HEAP_CATEGORY}","ph":"C","ts":${event},"pid":${PROCESS},"args":{"${unit}":${value}}},`;
}
