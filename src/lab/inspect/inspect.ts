/**
 * `inspect`: replays a trace on our heap, in this process and by one thread, and looks into the heap on the way: its map
 * at some events, evenly over the whole, and all that `heap.snapshot()` knows after one of them. Nothing is timed.
 *
 * @module
 */
import { Heap, type HeapSnapshot } from "../../heap/mod.ts";
import { captureEnvironment } from "../../measure/mod.ts";
import { adaptHeap } from "../../peers/heap.ts";
import { type InspectFile, type InspectFrame, MAP_COLUMNS } from "../../model/mod.ts";
import { heapLabel } from "../../report/mod.ts";
import { EVENT, eventAt, type Place, samplePoints, summarise, type Trace, TraceError } from "../../traces/mod.ts";
import { replayWords } from "../../traces/replay_words.ts";
import { OutOfMemory, prepareReplay, ReplayFailure } from "../../workloads/mod.ts";
import type { Progress } from "../bench/bench.ts";
import { ContestantError } from "../contest/child.ts";
import { touchingOf } from "../replay/touching.ts";

/** What to replay, and where to look. */
export interface InspectPlan {
  readonly trace: Trace;
  /** What the trace is called in the report. */
  readonly file: string;
  readonly variant: string;
  /** Where live bytes are the most, if absent. */
  readonly at: Place | undefined;
  /** How many maps over the whole trace. */
  readonly frames: number;
}

const UNIT_BYTES = 65_536;

/**
 * Runs a plan.
 *
 * @throws TraceError if there is no such event, or too much is live; ContestantError if the heap fails.
 */
export async function inspect(
  plan: InspectPlan,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Omit<InspectFile, "schema" | "command" | "contestants">> {
  const { trace, file, variant } = plan;
  const { format, events, peakEvent } = summarise(trace, 1);
  if (events === 0) throw new TraceError(`${file}: there is nothing to replay but ends of threads`);
  const event = plan.at === undefined ? peakEvent : eventAt(plan.at, events, file);
  const points = [...new Set([...samplePoints(events, plan.frames), event])].toSorted((a, b) => a - b);
  const asked = askedBytes(trace, points);
  using heap = await Heap.open({ variant });
  const { touched, notes } = await touchingOf(trace, 1);
  const replay = prepareReplay(adaptHeap(heap), replayWords(trace, 1, touched), true);
  const frames: InspectFrame[] = [];
  let snapshot = heap.snapshot();
  for (const [at, point] of points.entries()) {
    report({ phase: "replaying", done: at, total: points.length, label: `event ${point}` });
    await new Promise((resolve) => setTimeout(resolve)); // for Ctrl-C to be heard
    signal.throwIfAborted();
    advance(replay, point, variant);
    const now = heap.snapshot();
    if (point === event) snapshot = now;
    const { liveBytes, residentBytes } = now.totals;
    frames.push({ event: point, askedBytes: asked[at]!, liveBytes, residentBytes, map: heapMap(now) });
  }
  const environment = await captureEnvironment();
  return {
    environment: { ...environment, loadAverage: [...environment.loadAverage] },
    trace: { file, format, events, peakEvent },
    variant,
    event,
    snapshot,
    frames,
    ...(notes.length === 0 ? {} : { notes: [...notes] }),
  };
}

function advance(replay: { advance(to: number): void }, event: number, variant: string): void {
  try {
    replay.advance(event);
  } catch (error) {
    if (!(error instanceof OutOfMemory || error instanceof ReplayFailure)) throw error;
    throw new ContestantError(heapLabel(variant), `failed: ${error.message}`);
  }
}

/** What was asked for and not freed, after each of some numbers of events, which ascend. */
function askedBytes({ length, kinds, sizes, formerSizes }: Trace, points: readonly number[]): number[] {
  const asked: number[] = [];
  let events = 0, live = 0;
  const note = () => {
    if (points[asked.length] === events) asked.push(live);
  };
  note();
  for (let index = 0; index < length; index++) {
    if (kinds[index] === EVENT.THREAD_END) continue;
    live += sizes[index]! - formerSizes[index]!;
    events++;
    note();
  }
  return asked;
}

/** The map of a heap, as `hakmem.inspect/1` has it. */
export function heapMap({ superslabs, largeBlocks, freeSpans }: HeapSnapshot): Record<string, string> {
  const rows: Record<string, string[]> = {};
  const put = (unit: number, cell: string): void => {
    const row = rows[Math.floor(unit / MAP_COLUMNS)] ??= Array<string>(MAP_COLUMNS).fill(".");
    row[unit % MAP_COLUMNS] = cell;
  };
  const fill = (ptr: number, bytes: number, cell: string): void => {
    for (let unit = ptr / UNIT_BYTES; unit < (ptr + bytes) / UNIT_BYTES; unit++) put(unit, cell);
  };
  for (const { ptr, slabs } of superslabs) {
    fill(ptr, MAP_COLUMNS * UNIT_BYTES, "-");
    for (const { slab, liveBlocks, blocks } of slabs) put(slab, String(Math.ceil(8 * liveBlocks / blocks)));
  }
  for (const { spanPtr, spanBytes } of largeBlocks) {
    fill(spanPtr, spanBytes, "l");
    put(spanPtr / UNIT_BYTES, "L");
  }
  for (const { ptr, bytes, isClean } of freeSpans) if (!isClean) fill(ptr, bytes, "~");
  return Object.fromEntries(Object.entries(rows).map(([row, cells]) => [row, cells.join("")]));
}
