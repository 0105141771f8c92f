/**
 * Traces as commands read them: where that takes long, a bar shows how far it is. Nothing else runs meanwhile, so a signal
 * ends the process at once.
 *
 * @module
 */
import { readTrace, type Trace, traceName } from "../../traces/mod.ts";
import { openProgress } from "./terminal.ts";

/** Milliseconds before there is a bar: most traces are read by then. */
const PATIENCE = 1000;

/** Reads something by a function that says how far it is. */
export function reading<R>(path: string, read: (report: (done: number, total: number) => void) => R): R {
  using progress = openProgress(false);
  const begun = performance.now();
  return read((done, total) => {
    if (performance.now() - begun < PATIENCE) return;
    progress.show({ phase: `reading ${traceName(path)}`, done, total, label: "" });
  });
}

/** The trace of a file, or of stdin. @throws TraceError as {@linkcode readTrace} */
export function traceOf(path: string): Trace {
  return reading(path, (report) => readTrace(path, report));
}
