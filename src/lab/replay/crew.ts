/**
 * A replay by several threads in Deno: this one and Workers, which share one heap. They are started once and kept, so that
 * V8 has compiled their loops before the clock starts. A step lasts from the moment at which all are let go until the last
 * one is done.
 *
 * @module
 */
import { openVirtualMemory } from "../../os/mod.ts";
import { REPLAY } from "../../traces/replay_words.ts";
import { type Allocator, prepareMember, type ReplayMember, replayMemory } from "../../workloads/mod.ts";
import { type CrewOptions, CrewWorker, together } from "../contestant/crew/crew.ts";
import { CrewControl, type CrewMemory, crewMemory } from "../contestant/crew/member.ts";
import { ProtocolError } from "../contestant/protocol.ts";
import { type ReplayStart, type ReplayStep, takePart } from "./step.ts";

const WORKER = new URL("./worker.ts", import.meta.url);

/** See the module. */
export class ReplayCrew {
  readonly #first: ReplayMember;
  readonly #workers: readonly CrewWorker[];
  readonly #control: CrewControl;
  /** Of the whole replay since its first event, as an unsigned number. */
  checksum = 0;

  private constructor(first: ReplayMember, workers: readonly CrewWorker[], crew: CrewMemory) {
    this.#first = first;
    this.#workers = workers;
    this.#control = new CrewControl(crew);
  }

  /**
   * Starts the Workers that the words are for.
   *
   * @throws ProtocolError if the allocator's blocks are of one thread alone; CrewFailed if a Worker cannot open it.
   */
  static async open<P>(
    allocator: Allocator<P>,
    words: Int32Array,
    isVerified: boolean,
    options: Omit<CrewOptions, "ownHeaps">,
  ): Promise<ReplayCrew> {
    if (allocator.share === undefined && isVerified) throw new ProtocolError("its blocks are of one thread alone");
    const threads = words[REPLAY.MEMBERS]!;
    const crew = crewMemory(0, threads, []), memory = replayMemory(words);
    const common = new Int32Array(new SharedArrayBuffer(words.byteLength));
    common.set(words);
    const { pause } = await openVirtualMemory(), { failed } = new CrewControl(crew);
    const first = prepareMember(allocator, common, isVerified, 0, memory, failed, pause);
    const workers: CrewWorker[] = [];
    for (let thread = 1; thread < threads; thread++) {
      const shared = allocator.share?.();
      const start: ReplayStart = { ...options, thread, shared, words: common, isVerified, crew, memory };
      workers.push(await CrewWorker.start(start, WORKER));
    }
    return new ReplayCrew(first, workers, crew);
  }

  /** The function that the time is spent in. */
  get hot(): ReplayMember["hot"] {
    return this.#first.hot;
  }

  /**
   * Takes a step.
   *
   * @returns how long it took, in milliseconds.
   * @throws CrewFailed if a thread does; the crew is of no use afterwards.
   */
  async step(step: ReplayStep): Promise<number> {
    const control = this.#control, threads = this.#workers.length + 1;
    let milliseconds = 0;
    await together(control, this.#workers, step, (post) => {
      let started = 0;
      post();
      takePart(this.#first, control, 0, step, () => {
        control.awaitReady(threads - 1);
        started = performance.now();
        control.start();
      });
      control.awaitDone(threads);
      milliseconds = performance.now() - started;
    });
    this.checksum = control.result(threads, threads).last.reduce((sum, each) => Math.imul(sum, 31) + each | 0, 0) >>> 0;
    return milliseconds;
  }
}
