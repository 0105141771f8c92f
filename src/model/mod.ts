/**
 * Result files: what every command writes as JSON, as schemas and as the types that follow from them. The lab makes
 * them, reports read them, and a file that is read back is checked value by value.
 *
 * @module
 */
export * from "./compare.ts";
export * from "./counts.ts";
export * from "./doctor.ts";
export * from "./explain.ts";
export * from "./flags.ts";
export * from "./gate.ts";
export * from "./history/file.ts";
export * from "./history/state.ts";
export * from "./inspect.ts";
export * from "./micro.ts";
export * from "./peers.ts";
export * from "./record.ts";
export * from "./results.ts";
export * from "./stress.ts";
export * from "./trace.ts";
export * from "./values.ts";
