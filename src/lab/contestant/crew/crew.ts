/**
 * A contestant with several threads: the thread that it is, and Workers. They are started when they are first asked for
 * and kept, so that V8 has compiled their loops before the clock starts; each has an isolate, and thus compiles for
 * itself.
 *
 * A turn lasts from the moment at which all are let go, by an atomic store, until the last one is done.
 *
 * @module
 */
import { type Allocator, bytesOf, completeParameters, type Workload, WORKLOADS } from "../../../workloads/mod.ts";
import {
  CrewControl,
  CrewMember,
  type CrewMemory,
  crewMemory,
  type CrewRequest,
  type CrewResult,
  describeFailure,
  LEAVE,
  runnersOf,
  setsOf,
} from "./member.ts";
import type { CrewStart } from "./worker.ts";
import type { CrewAnswer } from "./part.ts";
import { formatChecksum, ProtocolError, type Request, type Turn } from "../protocol.ts";
import type { TierProbe } from "../tier.ts";

/** How the Workers open their allocator, and whether it is to know the blocks of the others. */
export type CrewOptions = Pick<CrewStart, "name" | "variant" | "source"> & { readonly ownHeaps: boolean };

const WORKER = new URL("./worker.ts", import.meta.url);

/** See the module. */
export class Crew<P> {
  readonly #allocator: Allocator<P>;
  readonly #options: CrewOptions;
  readonly #first: CrewMember<P>;
  readonly #workers: CrewWorker[] = [];
  readonly #memories = new Map<string, CrewMemory>();

  constructor(allocator: Allocator<P>, tierOf: TierProbe, options: CrewOptions) {
    this.#allocator = allocator;
    this.#options = options;
    this.#first = new CrewMember(allocator, 0, tierOf);
  }

  /**
   * Runs a turn.
   *
   * @param around Called when all threads are ready, and again when all have done their work: they wait.
   * @throws CrewFailed if a thread does; the crew is of no use afterwards.
   * @throws ProtocolError if the allocator or the workload cannot have so many threads.
   */
  async turn(request: Request & { readonly threads: number }, around?: () => void): Promise<Turn> {
    const { threads, units } = request;
    const { workload, memory, parameters } = this.#memory(request);
    await this.#enlist(threads);
    const crewRequest: CrewRequest = { ...request, parameters, memory };
    const control = new CrewControl(memory);
    const workers = this.#workers.slice(0, threads - 1);
    let nanoseconds = 0;
    await together(control, workers, crewRequest, (post) => {
      this.#first.begin(crewRequest);
      post();
      control.awaitReady(workers.length);
      around?.();
      const start = performance.now();
      control.start();
      this.#first.run(
        crewRequest,
        around && (() => {
          control.awaitDone(workers.length);
          around();
        }),
      );
      control.awaitDone(threads);
      nanoseconds = (performance.now() - start) * 1e6;
      this.#first.end(crewRequest);
    });
    const result = control.result(threads, runnersOf(workload, threads));
    return turnOf(units, nanoseconds, result);
  }

  /** Ends the Workers, which are idle: they let go of the allocator, and the first thread may close it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.leave()));
  }

  /** Starts the Workers that are not there yet. */
  async #enlist(threads: number): Promise<void> {
    const { ownHeaps, ...open } = this.#options;
    const shared = ownHeaps ? undefined : this.#allocator.share?.();
    while (this.#workers.length < threads - 1) {
      this.#workers.push(await CrewWorker.start({ ...open, thread: this.#workers.length + 1, shared }, WORKER));
    }
  }

  #memory(
    request: Request & { readonly threads: number },
  ): { workload: Workload; memory: CrewMemory; parameters: Request["parameters"] } {
    const { threads } = request;
    const workload = WORKLOADS.get(request.workload);
    if (workload === undefined) throw new ProtocolError(`unknown workload ${request.workload}`);
    const wrong = workload.checkThreads?.(threads);
    if (wrong !== undefined) throw new ProtocolError(`${workload.name} with ${threads} threads: ${wrong}`);
    const isApart = this.#options.ownHeaps && workload.canStayApart === true;
    const crossing = isApart ? undefined : workload.crossing;
    if (crossing !== undefined && (this.#options.ownHeaps || this.#allocator.share === undefined)) {
      throw new ProtocolError(`${workload.name} frees blocks of other threads, which this allocator cannot`);
    }
    const parameters = completeParameters(workload, request.parameters);
    const key = JSON.stringify([request.workload, threads, parameters]);
    let memory = this.#memories.get(key);
    if (memory === undefined) {
      const bytes = bytesOf(
        (workspace) =>
          workload.prepare({ ...this.#allocator, nothing: undefined } as Allocator<unknown>, parameters, workspace),
        threads,
      );
      const workspaces = crossing === undefined ? 0 : crossing === "together" ? 1 : setsOf(threads);
      memory = crewMemory(
        this.#memories.size,
        threads,
        Array.from({ length: workspaces }, () => new SharedArrayBuffer(bytes)),
      );
      this.#memories.set(key, memory);
    }
    return { workload, memory, parameters };
  }
}

function turnOf(units: number, nanoseconds: number, result: CrewResult): Turn {
  const { threads, first, last, tier } = result;
  const operations = threads.reduce((sum, thread) => sum + thread.operations, 0);
  return { units, nanoseconds, operations, checksum: fold(first), turnChecksum: fold(last), tier, threads };
}

/** One checksum of many, in order. */
function fold(checksums: readonly number[]): string {
  return formatChecksum(checksums.reduce((sum, checksum) => (Math.imul(sum, 31) + checksum) | 0, 0) >>> 0);
}

/** A thread of a crew failed. */
export class CrewFailed extends Error {
  override name = "CrewFailed";
}

/** A Worker of a crew, and what it answers. */
export class CrewWorker {
  readonly #worker: Worker;
  #answer: PromiseWithResolvers<CrewAnswer> | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#answer?.resolve(data as CrewAnswer);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#answer?.resolve({ kind: "failed", message: event.message, isFollower: false });
    };
  }

  /** Starts one, and waits until it has its allocator. */
  static async start(start: CrewStart, entry: URL): Promise<CrewWorker> {
    const worker = new CrewWorker(new Worker(entry, { type: "module", name: `thread ${start.thread}` }));
    const answer = await worker.ask(start);
    if (answer.kind === "failed") throw new CrewFailed(answer.message);
    return worker;
  }

  /** Posts something, and promises the answer. */
  ask(message: object | typeof LEAVE): Promise<CrewAnswer> {
    this.#answer = Promise.withResolvers();
    this.#worker.postMessage(message);
    return this.#answer.promise;
  }

  /** Has it let go of its allocator, and ends it. It must be idle. */
  async leave(): Promise<void> {
    await this.ask(LEAVE);
    this.#worker.terminate();
  }
}

/**
 * Does a piece of work with the Workers, and waits until all are idle.
 *
 * @param message What each Worker is to do.
 * @param work What this thread does; it calls `post` once, to let the Workers have the message.
 * @throws CrewFailed if a thread does: for the reason of the first that did; the crew is of no use afterwards.
 */
export async function together(
  control: CrewControl,
  workers: readonly CrewWorker[],
  message: object,
  work: (post: () => void) => void,
): Promise<void> {
  const answers: Promise<CrewAnswer>[] = [],
    failures: { readonly message: string; readonly isFollower: boolean }[] = [];
  control.reset();
  try {
    work(() => {
      for (const worker of workers) answers.push(worker.ask(message));
    });
  } catch (error) {
    control.fail();
    failures.push(describeFailure(error));
  }
  failures.push(...(await Promise.all(answers)).filter((answer) => answer.kind === "failed"));
  const cause = failures.find(({ isFollower }) => !isFollower) ?? failures[0];
  if (cause !== undefined) throw new CrewFailed(cause.message);
}
