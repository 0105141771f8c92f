/**
 * Work that takes long: a progress bar while it lasts. Ctrl-C asks it to stop; a second one ends the process.
 *
 * @module
 */
import { ERROR } from "./exit_codes.ts";
import { openProgress, type ProgressDisplay } from "./terminal.ts";

/**
 * Does the work; whatever becomes of it, the bar is gone and the cursor back afterwards.
 *
 * @param loss What is said where it was interrupted and gave nothing.
 */
export async function interruptible<R>(
  work: (show: ProgressDisplay["show"], signal: AbortSignal) => Promise<R>,
  loss?: string,
): Promise<R> {
  using progress = openProgress();
  const controller = new AbortController();
  const interrupt = () => {
    progress[Symbol.dispose](); // leaves the terminal as it was
    if (controller.signal.aborted) Deno.exit(ERROR); // asked twice
    controller.abort(new Interruption(loss));
  };
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    return await work((state) => progress.show(state), controller.signal);
  } catch (error) {
    if (!controller.signal.aborted && isOfSignal(error)) await aborted(controller.signal);
    throw controller.signal.aborted ? new Interruption(loss) : error; // what broke off because of it says less
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
    Deno.removeSignalListener("SIGTERM", interrupt);
  }
}

/** Whether a child was ended by a signal: Ctrl-C reaches the whole group, and this process may be the last to hear. */
function isOfSignal(error: unknown): boolean {
  return error instanceof Error && /\bSIG(INT|TERM)\b/.test(error.message);
}

/** Waits until a signal has come here, too; not for long, since a child may have been ended by somebody else. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, HEARD_AFTER);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

const HEARD_AFTER = 1000; // ms

/** The user stopped the work, and nothing that was measured is of use. */
export class Interruption extends Error {
  override name = "Interruption";
  /** Says that there is no result. */
  constructor(loss = "there is nothing to show") {
    super(`interrupted: ${loss}`);
  }
}
