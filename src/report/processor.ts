/**
 * The processor that something was measured on, and whether two files are of the same kind: figures of different kinds
 * must not stand side by side without a word.
 *
 * @module
 */
import type { ResultFile } from "../model/results.ts";

type Environment = ResultFile["environment"];

/** In words: `AMD EPYC (family 25, model 17, stepping 1, x86-64-v4)`; what is not known is left out. */
export function processorOf({ cpu, cpuFamily, cpuModel, cpuStepping, isaLevel }: Environment): string {
  const facts = [
    ["family ", cpuFamily],
    ["model ", cpuModel],
    ["stepping ", cpuStepping],
    ["", isaLevel],
  ].filter(([, value]) => value !== undefined).map(([name, value]) => `${name}${value}`);
  return facts.length === 0 ? cpu : `${cpu} (${facts.join(", ")})`;
}

const KINDS = ["cpu", "arch", "cpuFamily", "cpuModel", "cpuStepping", "isaLevel"] as const;

/** In what two processors differ; files of older versions do not say everything, which is not a difference. */
export function processorDifferences(one: Environment, other: Environment): (typeof KINDS[number])[] {
  return KINDS.filter((name) => one[name] !== undefined && other[name] !== undefined && one[name] !== other[name]);
}

/** A sentence about files that were measured on unlike processors; undefined if they were not. */
export function unlikeProcessors(
  files: readonly { readonly path: string; readonly environment: Environment }[],
): string | undefined {
  const [first, ...others] = files;
  const unlike = others.filter(({ environment }) => processorDifferences(first!.environment, environment).length > 0);
  if (unlike.length === 0) return undefined;
  const each = [first!, ...unlike].map(({ path, environment }) => `${path} on ${processorOf(environment)}`);
  return `these files were measured on unlike processors, so their figures, and their ratios too, do not compare: ` +
    each.join("; ");
}
