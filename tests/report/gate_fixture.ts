/** The file of a gate, and its rows, as a run would leave them. */
import type { GateFile, GateRow } from "../../src/model/mod.ts";
import { fixture } from "./fixture.ts";

/** A ratio to `system` at one size. */
export function gateRow(name: string, verdict: GateRow["verdict"], more: Partial<GateRow> = {}): GateRow {
  return {
    name,
    kind: "ratio",
    workload: "random-mixed",
    size: 128,
    variant: "slab-map",
    against: "system",
    measured: 1.28,
    low: 1.26,
    high: 1.29,
    threshold: 1.15,
    bound: "least",
    unit: "times",
    verdict,
    because: "timed",
    ...more,
  };
}

/** The file with these rows. */
export function gateFile(rows: GateRow[], verdict: GateFile["verdict"], quick = false): GateFile {
  const { environment, command } = fixture();
  return {
    schema: "hakmem.gate/1",
    command,
    environment,
    gate: "x.json",
    quick,
    rows,
    verdict,
    notes: [],
    warnings: [],
  };
}
