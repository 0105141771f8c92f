/**
 * A relay: the Workers of a threaded `stress` as their coordinator has them. There are a number of seats, each with a
 * Worker that ends at a random time in a random way, and is followed by the next. Now and then all pause, and the oracle
 * is audited.
 *
 * A seat is free when its OS thread is gone, not before: only then is it known that its Worker does nothing more.
 *
 * @module
 */
import { Threads, viewState, WORD_LOCK } from "../../heap/inspect/mod.ts";
import type { Heap, SharedHeap } from "../../heap/mod.ts";
import { Random } from "../../measure/random.ts";
import { openVirtualMemory, type VirtualMemory } from "../../os/mod.ts";
import type { StressThreads } from "../../model/mod.ts";
import { SharedOracle } from "../shared_oracle.ts";
import { StressBoard } from "./board.ts";
import type { Scenario } from "./scenarios.ts";
import type { WorkerFailure, WorkerOrder } from "./worker.ts";

/** Something was found; `worker` is the number of the seat, if one found it. */
export class RelayError extends Error {
  override name = "RelayError";
  constructor(message: string, readonly worker?: number) {
    super(message);
  }
}

/** No Worker takes that long to start, not on a busy machine. */
const START_MILLISECONDS = 30_000;
/** Milliseconds between two looks at the Workers, if all goes well. */
const LONGEST_LOOK = 50;
/** Looks for the moment in which the heap's lock is free: some microseconds. */
const LOCK_TRIES = 1000;
/** One Worker is attached, and its predecessors may not have been cleared away, having ended while they attached. */
const MOST_SLOTS_OF_SEAT = 4;

/** How many Workers there are at a time, and the milliseconds after which one hangs whose operation has not ended. */
export interface RelaySize {
  readonly threads: number;
  readonly hang: number;
}

interface Seat {
  readonly worker: Worker;
  /** When `terminate()` is due, on the clock of `performance.now()`. */
  readonly terminateAt: number;
  /** On the clock of `#time`; so is the last. */
  readonly startedAt: number;
  progress: number;
  movedAt: number;
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** See the module. */
export class Relay {
  readonly board: StressBoard;
  readonly oracle: SharedOracle;
  readonly #heap: Heap;
  /** Its lock and its threads. */
  readonly #state: Int32Array;
  readonly #shared: SharedHeap;
  readonly #threads: Threads;
  readonly #system: VirtualMemory;
  readonly #scenario: Scenario;
  readonly #entry: URL;
  readonly #random: Random;
  readonly #hang: number;
  readonly #memory: { readonly oracle: SharedArrayBuffer; readonly board: SharedArrayBuffer };
  readonly #seats: (Seat | undefined)[];
  #failure: RelayError | undefined;
  #started = 0;
  #terminated = 0;
  /** Ends in the middle of something since the last audit. */
  #ends = 0;
  #inDoubt = 0;
  #lost = 0;
  #peakFootprint = 0;
  #passed = 0;
  #lookedAt = performance.now();

  private constructor(
    heap: Heap,
    system: VirtualMemory,
    scenario: Scenario,
    { threads, hang }: RelaySize,
    random: Random,
    entry: URL,
  ) {
    this.#heap = heap;
    this.#system = system;
    this.#scenario = scenario;
    this.#random = random;
    this.#entry = entry;
    this.#hang = hang;
    this.#shared = heap.share();
    this.#state = viewState(heap);
    this.#threads = new Threads(this.#state, system);
    this.#memory = {
      oracle: new SharedArrayBuffer(SharedOracle.bytesFor(scenario.slots * threads)),
      board: new SharedArrayBuffer(StressBoard.bytesFor(threads)),
    };
    this.board = new StressBoard(this.#memory.board, threads);
    this.oracle = new SharedOracle(heap, this.#memory.oracle, threads);
    this.#seats = Array.from({ length: threads }, () => undefined);
  }

  /** A relay without Workers: the first `tend` starts them. `entry` is what they run. */
  static async of(heap: Heap, scenario: Scenario, size: RelaySize, random: Random, entry: URL): Promise<Relay> {
    return new Relay(heap, await openVirtualMemory(), scenario, size, random, entry);
  }

  /** What has been so far. */
  get sums(): Omit<StressThreads, "scenario"> {
    return {
      handedOver: this.board.handedOver,
      workers: this.#started,
      terminated: this.#terminated,
      inDoubt: this.#inDoubt,
      lost: this.#lost,
      threadSlots: this.#threads.used,
      peakFootprintBytes: this.#peakFootprint,
      peakLiveBytes: this.oracle.peakLiveBytes,
    };
  }

  /** Whether enough has happened to say anything: on a busy machine Workers take seconds to start. */
  get hasWorked(): boolean {
    return this.board.handedOver > 0 && (this.#scenario.endings.length === 0 || this.#terminated > 0);
  }

  /**
   * Looks after all seats: starts Workers, terminates those whose time has come, and takes the footprint. To be called
   * every few milliseconds.
   *
   * @throws {RelayError} if a Worker failed or hangs.
   */
  tend(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (let number = 0; number < this.#seats.length; number++) {
      const seat = this.#seats[number];
      if (seat === undefined) this.#start(number);
      else if (this.#isGone(number)) this.#leave(number, seat);
      else this.#watch(number, seat);
    }
    if (this.#maySample()) this.#sample();
    if (this.#threads.used > MOST_SLOTS_OF_SEAT * this.#seats.length + 1) {
      const [used, seats] = [this.#threads.used, this.#seats.length];
      throw new RelayError(`the thread table had ${used} entries in use, with ${seats} Workers at a time`);
    }
  }

  /**
   * If a Worker hangs with the lock in its hand, whoever waits for it could not say so. A debug build takes another lock,
   * for as long as a call: its footprint is taken in audits only.
   */
  #maySample(): boolean {
    if (this.#heap.build === "debug") return false;
    const isLocked = (): boolean => Atomics.load(this.#state, WORD_LOCK) !== 0;
    for (let tries = LOCK_TRIES; tries > 0 && isLocked(); tries--);
    return !isLocked();
  }

  #sample(): void {
    this.#peakFootprint = Math.max(this.#peakFootprint, this.#heap.stats().residentBytes);
  }

  /** Lets all pause, and audits. @throws {RelayError} as `tend`, and what the oracle throws. */
  async audit(): Promise<void> {
    this.board.isPaused = true;
    await this.#until((number) => this.board.stateOf(number) === "paused");
    this.#auditQuiet();
    this.board.isPaused = false;
  }

  /** Lets all end. Nothing is left in the oracle and in the heap. @throws {RelayError} as `audit`. */
  async end(): Promise<void> {
    this.board.stop();
    await this.#until(() => false);
    this.#auditQuiet();
    this.oracle.freeAll();
    this.#auditQuiet();
    this.#heap.collect();
    const { liveBlocks, liveBytes, chargedBytes, slabs, superslabs } = this.#heap.stats();
    for (const [name, value] of Object.entries({ liveBlocks, liveBytes, chargedBytes, slabs, superslabs })) {
      if (value !== 0) {
        throw new RelayError(`stats().${name} is ${value} when all blocks are free and all Workers gone`);
      }
    }
    if (this.#heap.build === "release") this.#assertFootprint();
    this.#system.close();
  }

  /** A debug build has more than blocks: what is around them, and the quarantine. */
  #assertFootprint(): void {
    const { mostFootprint } = this.#scenario, { peakFootprintBytes, peakLiveBytes } = this.sums;
    if (mostFootprint !== undefined && peakFootprintBytes > mostFootprint * peakLiveBytes) {
      const times = (peakFootprintBytes / peakLiveBytes).toFixed(2);
      throw new RelayError(`the footprint was ${peakFootprintBytes} bytes, ${times} times the most that were live`);
    }
  }

  /** Waits until each Worker is gone, or as it is asked for. */
  async #until(isReady: (number: number) => boolean): Promise<void> {
    for (;; await sleep(1)) {
      if (this.#failure !== undefined) throw this.#failure;
      let isWaiting = false;
      this.#seats.forEach((seat, number) => {
        if (seat === undefined) return;
        if (this.#isGone(number)) return this.#leave(number, seat);
        if (isReady(number)) return;
        isWaiting = true;
        this.#watch(number, seat);
      });
      if (!isWaiting) return;
    }
  }

  #auditQuiet(): void {
    this.#sample();
    if (this.#ends > 0) this.#heap.collect(); // gives back what those had that are gone
    const { inDoubt, lost } = this.oracle.audit(this.#ends);
    this.#inDoubt += inDoubt;
    this.#lost += lost;
    this.#ends = 0;
  }

  #start(number: number): void {
    const random = this.#random, { endings, milliseconds: [least, most], roles } = this.#scenario;
    const ending = endings[random.below(endings.length)], now = performance.now();
    const milliseconds = ending === undefined ? Infinity : least + random.below(most - least + 1);
    const worker = new Worker(this.#entry, { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<WorkerFailure>) => this.#fail(data.message, number);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(event.message, number);
    };
    const order: WorkerOrder = {
      shared: this.#shared,
      ...this.#memory,
      seats: this.#seats.length,
      seat: number,
      seed: 1 + random.below(2 ** 32 - 1),
      role: roles[number % roles.length]!,
      ending: ending ?? "close",
      milliseconds: ending === "terminate" ? Infinity : milliseconds,
    };
    worker.postMessage(order);
    this.#seats[number] = {
      worker,
      terminateAt: ending === "terminate" ? now + milliseconds : Infinity,
      startedAt: this.#time(),
      progress: 0,
      movedAt: this.#time(),
    };
    this.#started++;
  }

  /** Milliseconds, without those in which this thread had no processor: then the Workers had none either. */
  #time(): number {
    const now = performance.now();
    this.#passed += Math.min(now - this.#lookedAt, LONGEST_LOOK);
    this.#lookedAt = now;
    return this.#passed;
  }

  #fail(message: string, number: number): void {
    this.#failure ??= new RelayError(message, number);
  }

  /** Whether the OS thread of a seat's Worker is no more. */
  #isGone(number: number): boolean {
    return this.board.stateOf(number) !== "none" &&
      this.#threads.isDead(this.board.threadOf(number));
  }

  #leave(number: number, { worker }: Seat): void {
    worker.terminate();
    if (this.board.stateOf(number) !== "closed") {
      this.#terminated++;
      this.#ends++;
    }
    this.board.setState(number, "none");
    this.#seats[number] = undefined;
  }

  /** Terminates a Worker that is to be. @throws {RelayError} if it hangs. */
  #watch(number: number, seat: Seat): void {
    const state = this.board.stateOf(number), progress = this.board.progressOf(number), now = this.#time();
    if (state !== "none" && performance.now() > seat.terminateAt) seat.worker.terminate();
    if (progress !== seat.progress || state !== "running") {
      seat.progress = progress;
      seat.movedAt = now;
    }
    if ((state === "none" || state === "attaching") && now - seat.startedAt > START_MILLISECONDS) {
      throw new RelayError(`it does not start: after ${START_MILLISECONDS / 1000} s it is "${state}"`, number);
    }
    if (now - seat.movedAt > this.#hang) {
      throw new RelayError(`it hangs: its last operation has not ended in ${this.#hang / 1000} s`, number);
    }
  }
}
