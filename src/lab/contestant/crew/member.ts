/**
 * One thread of a contestant that has several: what it does in a turn, and the memory through which the threads of a
 * *crew* (`crew.ts`) know of one another.
 *
 * How blocks cross from thread to thread is the workload's: not at all, each thread has a runner of its own;
 * `together`, the runners share their arrays; or by `successors`: there is one set of blocks more than there are
 * threads, each with a runner in every thread, over the same arrays. A thread takes a set that no one has, runs a unit,
 * and lets it go; the next one it takes is, as a rule, one that another thread left. The C twin does the same
 * (`native/workloads/threads.c`).
 *
 * Each runner (or set) reports two checksums, that of its first unit and the last one; `crew.ts` folds them, in order,
 * to those of the turn. They do not depend on which thread did what.
 *
 * @module
 */
import {
  type Allocator,
  among,
  OtherThreadFailed,
  type Runner,
  type Workload,
  WORKLOADS,
  type Workspace,
} from "../../../workloads/mod.ts";
import { ProtocolError, type Request, type Tier } from "../protocol.ts";
import { keepUnoptimised, type TierProbe } from "../tier.ts";

/** Ints that all threads see. */
const WORD = { START: 0, READY: 1, DONE: 2, FAILED: 3, SETS: 4 } as const;
/** Ints of each set, or of each thread where there are no sets. */
const SET = { BUSY: 0, UNITS: 1, FIRST: 2, LAST: 3, LENGTH: 4 } as const;
const RESULT = { NANOSECONDS: 0, OPERATIONS: 1, TIER: 2, LENGTH: 3 } as const;
/** What may run a loop; of several threads, the first of these counts that any had. */
const TIERS: readonly Tier[] = ["baseline", "maglev", "turbofan", "unknown"];
/** Milliseconds that a thread sleeps before it looks whether another one has failed. */
const NAP = 50;

/** What the threads of a crew share for one request. It is posted to each. */
export interface CrewMemory {
  /** Tells it from others of the crew: the buffers are other objects each time they are posted. */
  readonly number: number;
  readonly ints: SharedArrayBuffer;
  /** By thread: nanoseconds, operations, and what ran its loop. */
  readonly results: SharedArrayBuffer;
  /** What crosses from thread to thread: the arrays of each set, those of all runners, or nothing. */
  readonly workspaces: readonly SharedArrayBuffer[];
}

/** One turn, as it is posted to a thread. */
export interface CrewRequest extends Request {
  readonly threads: number;
  readonly memory: CrewMemory;
}

/** Instead of a request: to let go of the allocator, after which nothing else is asked. */
export const LEAVE = "leave";

/** What is left of a turn in the memory of the crew. */
export interface CrewResult {
  readonly threads: readonly { readonly nanoseconds: number; readonly operations: number }[];
  /** What ran the loop, in the thread that was worst off. */
  readonly tier: Tier;
  /** Of each set or thread, in order, after its first unit. */
  readonly first: readonly number[];
  /** The same after the last. */
  readonly last: readonly number[];
}

/** Sets of blocks: one more than there are threads, so that a thread finds one that another had. */
export function setsOf(threads: number): number {
  return threads + 1;
}

/** Runners, or sets of blocks, that so many threads have a unit of each. */
export function runnersOf({ crossing }: Pick<Workload, "crossing">, threads: number): number {
  return threads > 1 && crossing === "successors" ? setsOf(threads) : threads;
}

/** Memory for a crew, but for the workspaces. */
export function crewMemory(number: number, threads: number, workspaces: readonly SharedArrayBuffer[]): CrewMemory {
  return {
    number,
    ints: new SharedArrayBuffer(4 * (WORD.SETS + SET.LENGTH * setsOf(threads))),
    results: new SharedArrayBuffer(8 * RESULT.LENGTH * threads),
    workspaces,
  };
}

/** The threads' view of their memory. */
export class CrewControl {
  readonly #ints: Int32Array;
  readonly #results: Float64Array;

  constructor({ ints, results }: CrewMemory) {
    this.#ints = new Int32Array(ints);
    this.#results = new Float64Array(results);
  }

  /** Back to the state before a turn; all threads are idle. */
  reset(): void {
    this.#ints.fill(0);
  }

  /** The word that says that a thread has failed. */
  get failed(): Int32Array {
    return this.#ints.subarray(WORD.FAILED, WORD.FAILED + 1);
  }

  /** Says that a thread has failed, to those that wait for it. */
  fail(): void {
    Atomics.store(this.#ints, WORD.FAILED, 1);
    for (const word of [WORD.START, WORD.READY, WORD.DONE]) Atomics.notify(this.#ints, word);
  }

  /** Lets the threads go. */
  start(): void {
    this.#tell(WORD.START);
  }

  /** Waits until they are let go. */
  awaitStart(): void {
    this.#await(WORD.START, 1);
  }

  /** Says that this thread is ready. */
  ready(): void {
    this.#tell(WORD.READY);
  }

  /** Waits until so many are. */
  awaitReady(threads: number): void {
    this.#await(WORD.READY, threads);
  }

  /** Says that this thread's work is done, and what it was. */
  done(thread: number, nanoseconds: number, operations: number, tier: Tier): void {
    this.#results.set([nanoseconds, operations, TIERS.indexOf(tier)], RESULT.LENGTH * thread);
    this.#tell(WORD.DONE);
  }

  /** Waits until so many are. */
  awaitDone(threads: number): void {
    this.#await(WORD.DONE, threads);
  }

  /** Takes a set that no one has and that is not finished, the first after `last`; -1 if there is none. */
  takeSet(last: number, sets: number, units: number): number {
    for (let step = 1; step <= sets; step++) {
      const set = (last + step) % sets, at = WORD.SETS + set * SET.LENGTH;
      if (Atomics.load(this.#ints, at + SET.UNITS) >= units) continue;
      if (Atomics.compareExchange(this.#ints, at + SET.BUSY, 0, 1) !== 0) continue;
      if (Atomics.load(this.#ints, at + SET.UNITS) < units) return set;
      Atomics.store(this.#ints, at + SET.BUSY, 0);
    }
    return -1;
  }

  /** Units that a set has had. Only the thread that has it asks. */
  unitsOf(set: number): number {
    return Atomics.load(this.#ints, WORD.SETS + set * SET.LENGTH + SET.UNITS);
  }

  /** Lets a set go that has had one unit more. */
  letGo(set: number): void {
    const at = WORD.SETS + set * SET.LENGTH;
    Atomics.add(this.#ints, at + SET.UNITS, 1);
    Atomics.store(this.#ints, at + SET.BUSY, 0);
  }

  /** Notes a checksum of a set or a thread: after its first unit, or after all. */
  note(which: "first" | "last", set: number, checksum: number): void {
    this.#ints[WORD.SETS + set * SET.LENGTH + (which === "first" ? SET.FIRST : SET.LAST)] = checksum | 0;
  }

  /** What the turn came to. */
  result(threads: number, sets: number): CrewResult {
    const checksums = (which: number) =>
      Array.from({ length: sets }, (_, set) => this.#ints[WORD.SETS + set * SET.LENGTH + which]! >>> 0);
    const results = (what: number) =>
      Array.from({ length: threads }, (_, thread) => this.#results[RESULT.LENGTH * thread + what]!);
    const operations = results(RESULT.OPERATIONS);
    return {
      threads: results(RESULT.NANOSECONDS).map((nanoseconds, thread) => ({
        nanoseconds,
        operations: operations[thread]!,
      })),
      tier: TIERS[Math.min(...results(RESULT.TIER))]!,
      first: checksums(SET.FIRST),
      last: checksums(SET.LAST),
    };
  }

  #tell(word: number): void {
    Atomics.add(this.#ints, word, 1);
    Atomics.notify(this.#ints, word);
  }

  #await(word: number, value: number): void {
    for (;;) {
      const now = Atomics.load(this.#ints, word);
      if (now >= value) return;
      if (Atomics.load(this.#ints, WORD.FAILED) !== 0) throw new OtherThreadFailed("another thread has failed");
      Atomics.wait(this.#ints, word, now, NAP);
    }
  }
}

/** The seed of one of several runners. Never 0. */
export function seedOf(seed: number, runner: number): number {
  return (seed - 1 + runner) % 0xffff_ffff + 1;
}

/** A thread of a crew: see the module. */
export class CrewMember<P> {
  readonly #allocator: Allocator<P>;
  readonly #thread: number;
  readonly #tierOf: TierProbe;
  readonly #runners = new Map<number, readonly Runner[]>();

  constructor(allocator: Allocator<P>, thread: number, tierOf: TierProbe) {
    this.#allocator = allocator;
    this.#thread = thread;
    this.#tierOf = tierOf;
  }

  /** Before the clock starts: this thread's part of what must be there. */
  begin(request: CrewRequest): void {
    for (const runner of this.#own(request)) runner.begin();
  }

  /** On the clock. @param last Called when the work is done, and nobody has been told yet. */
  run(request: CrewRequest, last = () => {}): void {
    const { units } = request;
    const control = new CrewControl(request.memory);
    const perUnit = workloadOf(request).operationsPerUnit(request.parameters);
    const start = performance.now();
    const operations = workloadOf(request).crossing === "successors"
      ? this.#runSets(control, request, perUnit)
      : runAll(control, this.#prepared(request)[0]!, this.#thread, units, perUnit);
    const nanoseconds = (performance.now() - start) * 1e6;
    last();
    control.done(this.#thread, nanoseconds, operations, this.#tierOf(this.#prepared(request)[0]!.hot));
  }

  /** After the clock has stopped. */
  end(request: CrewRequest): void {
    for (const runner of this.#own(request)) runner.end();
  }

  /** Lets go of the allocator. */
  leave(): void {
    this.#allocator.close?.();
  }

  #runSets(control: CrewControl, request: CrewRequest, perUnit: number): number {
    const { units } = request;
    const runners = this.#prepared(request);
    const sets = runners.length;
    let operations = 0;
    let set = (this.#thread + sets - 1) % sets;
    while ((set = control.takeSet(set, sets, units)) >= 0) {
      const runner = runners[set]!, before = control.unitsOf(set);
      runner.unit();
      operations += perUnit;
      if (before === 0) control.note("first", set, runner.checksum);
      if (before === units - 1) {
        operations += runner.drain();
        control.note("last", set, runner.checksum);
      }
      control.letGo(set);
      if (Atomics.load(control.failed, 0) !== 0) throw new OtherThreadFailed("another thread has failed");
    }
    return operations;
  }

  /** The runners whose beginning and end are this thread's. */
  #own(request: CrewRequest): readonly Runner[] {
    const runners = this.#prepared(request);
    return runners.length === 1 ? runners : runners.filter((_, set) => set % request.threads === this.#thread);
  }

  /** The runners of this thread: one, or one for each set. They are kept. */
  #prepared(request: CrewRequest): readonly Runner[] {
    const { memory, threads } = request;
    let runners = this.#runners.get(memory.number);
    if (runners === undefined) {
      const workload = workloadOf(request), failed = new CrewControl(memory).failed;
      const placed = (runner: number, workspace?: Workspace<P>) => {
        const parameters = { ...request.parameters, seed: seedOf(request.parameters["seed"]!, runner) };
        return workload.prepare(this.#allocator, parameters, workspace);
      };
      const inside = (bytes: SharedArrayBuffer) => among(this.#allocator, { bytes, failed }, this.#thread, threads);
      if (workload.crossing === "successors") {
        runners = memory.workspaces.map((bytes, set) => placed(set, inside(bytes)));
      } else {runners = [
          placed(this.#thread, memory.workspaces[0] === undefined ? undefined : inside(memory.workspaces[0])),
        ];}
      for (const runner of runners) keepUnoptimised(runner.unit);
      this.#runners.set(memory.number, runners);
    }
    return runners;
  }
}

/** All units of one runner, which is this thread's alone. */
function runAll(control: CrewControl, runner: Runner, thread: number, units: number, perUnit: number): number {
  runner.unit();
  control.note("first", thread, runner.checksum);
  for (let unit = 1; unit < units; unit++) runner.unit();
  const operations = units * perUnit + runner.drain();
  control.note("last", thread, runner.checksum);
  return operations;
}

function workloadOf({ workload: name }: Request) {
  const workload = WORKLOADS.get(name);
  if (workload === undefined) throw new ProtocolError(`unknown workload ${name}`);
  return workload;
}

/** What a failure of a thread is called. */
export function describeFailure(error: unknown): { readonly message: string; readonly isFollower: boolean } {
  const message = error instanceof Error ? error.message : String(error);
  return { message, isFollower: error instanceof OtherThreadFailed };
}
