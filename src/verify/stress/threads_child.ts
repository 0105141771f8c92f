/**
 * The entry of a process that runs one scenario of a threaded `stress`: heap after heap, each shared by the Workers of a
 * relay. It speaks as `child.ts` does.
 *
 * @module
 */
import { Heap } from "../../heap/mod.ts";
import { Random } from "../../measure/random.ts";
import type { StressThreadsFailure } from "../../model/mod.ts";
import { type Build, heapOptions } from "../../lab/inspect/flags.ts";
import { answer, say, type StressSums } from "./child.ts";
import { Relay, RelayError } from "./relay.ts";
import { RESERVE_BYTES } from "./program.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What to do: a scenario for a time. */
export interface ThreadsRequest {
  readonly variant: string;
  readonly build: Build;
  readonly scenario: string;
  readonly threads: number;
  readonly seed: number;
  readonly milliseconds: number;
  /** Milliseconds after which a Worker hangs whose operation has not ended. */
  readonly hang: number;
}

const WORKER = new URL("./worker.ts", import.meta.url);
const TEND_MILLISECONDS = 10;
/** Between two audits: so many milliseconds, and so many times what the first took, waiting for Workers that start. */
const AUDIT_MILLISECONDS = 400;
const AUDIT_INTERVALS = 9;
const ALIVE_MILLISECONDS = 100;
const SCARCE_BYTES = 8 * 1024 * 1024; // and as much again for each thread, whose lists hold back what others miss

/** Sums over the heaps of a run. */
function added(a: StressSums | undefined, b: StressSums): StressSums {
  if (a?.threads === undefined || b.threads === undefined) return b;
  const names = Object.keys(b.counts), { threads } = b, before = a.threads;
  return {
    programs: a.programs + b.programs,
    operations: a.operations + b.operations,
    counts: Object.fromEntries(names.map((name) => [name, (a.counts[name] ?? 0) + (b.counts[name] ?? 0)])),
    threads: {
      scenario: threads.scenario,
      handedOver: before.handedOver + threads.handedOver,
      workers: before.workers + threads.workers,
      terminated: before.terminated + threads.terminated,
      inDoubt: before.inDoubt + threads.inDoubt,
      lost: before.lost + threads.lost,
      threadSlots: Math.max(before.threadSlots, threads.threadSlots),
      peakFootprintBytes: Math.max(before.peakFootprintBytes, threads.peakFootprintBytes),
      peakLiveBytes: Math.max(before.peakLiveBytes, threads.peakLiveBytes),
    },
  };
}

function sumsOf(relay: Relay, scenario: string): StressSums {
  const counts = relay.board.counts();
  const operations = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { programs: 1, operations, counts, threads: { scenario, ...relay.sums } };
}

/** What went wrong, with the last operations of all Workers, those of the one that found it first. */
function failureOf(error: unknown, { board }: Relay): StressThreadsFailure {
  const finder = error instanceof RelayError ? error.worker : undefined;
  const text = !(error instanceof Error)
    ? String(error)
    : error instanceof RelayError
    ? error.message
    : `${error.name}: ${error.message}`;
  const workers = Array.from({ length: board.seats }, (_, index) => index).toSorted((a, b) =>
    Number(b === finder) - Number(a === finder)
  );
  return {
    message: finder === undefined ? text : `Worker ${finder}: ${text}`,
    last: workers.map((worker) => ({ worker, operations: board.lastOf(worker) })).filter(({ operations }) =>
      operations.length > 0
    ),
  };
}

/**
 * Runs a scenario for its time, or to the first failure.
 *
 * @param entry What the Workers run.
 */
export async function serveThreads(request: ThreadsRequest, entry: URL = WORKER): Promise<void> {
  const scenario = SCENARIOS[request.scenario]!, random = new Random(request.seed);
  const end = performance.now() + request.milliseconds;
  let sums: StressSums | undefined;
  do {
    const isScarce = scenario.isScarce && random.below(3) === 0;
    const heap = await Heap.open({
      ...heapOptions(request.variant, request.build),
      reserveBytes: RESERVE_BYTES,
      log: () => {}, // that a heap which fails has blocks in it need not be said
      ...(isScarce ? { maxBytes: SCARCE_BYTES * (1 + request.threads) } : {}),
    });
    const relay = await Relay.of(heap, scenario, request, random, entry);
    const until = Math.min(end, performance.now() + scenario.heapMilliseconds);
    const all = () => added(sums, sumsOf(relay, request.scenario));
    try {
      await runHeap(relay, until, () => say({ kind: "alive", sums: all() }));
      sums = all();
      heap.close();
    } catch (error) {
      sums = all();
      say({ kind: "failed", failure: failureOf(error, relay), sums });
      break;
    }
  } while (performance.now() < end);
  say({ kind: "done", sums });
}

async function runHeap(relay: Relay, end: number, alive: () => void): Promise<void> {
  const timer = setInterval(alive, ALIVE_MILLISECONDS);
  try {
    for (let auditAt = performance.now() + AUDIT_MILLISECONDS; performance.now() < end || !relay.hasWorked;) {
      relay.tend();
      const start = performance.now();
      if (start > auditAt) {
        await relay.audit();
        const end = performance.now();
        auditAt = end + Math.max(AUDIT_MILLISECONDS, AUDIT_INTERVALS * (end - start));
      }
      await new Promise((resolve) => setTimeout(resolve, TEND_MILLISECONDS));
    }
    await relay.end();
  } finally {
    clearInterval(timer);
  }
}

if (import.meta.main) await answer((request: ThreadsRequest) => serveThreads(request));
