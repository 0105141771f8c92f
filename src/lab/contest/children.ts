/**
 * The processes of one step of a measurement. All are ended when the step is over, and at once when the run is stopped:
 * whoever waits for one of them then gets an error of that process, and looks at the signal first.
 *
 * @module
 */
import type { Child, ChildCommand } from "./child.ts";
import { startVerified } from "./verified.ts";

/** See the module. */
export class Children implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #signal: AbortSignal;
  readonly #stop = () => void (this.#stopped = this.#stack.disposeAsync());
  readonly #starting = new Set<Promise<Child>>();
  #stopped: Promise<void> | undefined;

  /** @param signal Stops the run. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#stop, { once: true });
  }

  /**
   * Starts one.
   *
   * @throws ContestantError as of `startVerified`; what the signal says if the run is stopped.
   */
  start(command: ChildCommand): Promise<Child> {
    const starting = this.#start(command), done = () => void this.#starting.delete(starting);
    this.#starting.add(starting);
    starting.then(done, done);
    return starting;
  }

  async #start(command: ChildCommand): Promise<Child> {
    this.#signal.throwIfAborted();
    const child = await startVerified(command);
    if (this.#stack.disposed) await child[Symbol.asyncDispose](); // stopped meanwhile
    else this.#stack.use(child);
    this.#signal.throwIfAborted();
    return child;
  }

  /** Ends them all, also those that are just starting. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener("abort", this.#stop);
    const ended = this.#stopped ?? this.#stack.disposeAsync(); // one that is late ends by itself from now on
    await Promise.allSettled(this.#starting);
    await ended;
  }
}
