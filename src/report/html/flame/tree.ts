/**
 * The tree of a flame graph: a node for each function that a stack goes through, below the one that calls it, with the sums
 * of all stacks that go through it. The innermost call of a stack is a node for each line, since those are what allocates.
 * What is less than a thousandth of every value is one node of its own kind, so a page stays small.
 *
 * @module
 */
import { type Frame, nameOfFrame, shortNameOf, type StackProfile } from "../../../profile/mod.ts";

/** A node as the page has it: the index of its text, its values, and the nodes that it calls. */
export type FlameNode = readonly [text: number, values: readonly number[], calls: readonly FlameNode[]];

/** What the page draws. */
export interface FlameTree {
  readonly values: readonly { readonly name: string; readonly unit: string }[];
  /** What is drawn first. */
  readonly first: number;
  /** For each text, the name in the box, further facts, and the index of its module. */
  readonly texts: readonly (readonly [name: string, detail: string, module: number])[];
  /** The names of executables and libraries; empty where there is none. */
  readonly modules: readonly string[];
  readonly root: FlameNode;
}

interface Growing {
  readonly text: number;
  readonly values: number[];
  readonly calls: Map<number, Growing>;
}

const LEAST_SHARE = 1 / 1000;

/** Makes the tree of a profile. */
export function flameTree(profile: StackProfile, first: number): FlameTree {
  const texts = new Texts();
  const width = profile.sampleTypes.length;
  const node = (text: number): Growing => ({ text, values: Array(width).fill(0), calls: new Map() });
  const root = node(texts.indexOf("all", "", ""));
  for (const { frames, values } of profile.samples) {
    let at = root;
    add(at, values);
    for (let index = frames.length - 1; index >= 0; index--) {
      const text = texts.ofFrame(frames[index]!, index === 0);
      let next = at.calls.get(text);
      if (next === undefined) at.calls.set(text, next = node(text));
      add(at = next, values);
    }
    if (frames.length === 0) {
      const text = texts.indexOf("(no stack)", "", "");
      if (!root.calls.has(text)) root.calls.set(text, node(text));
      add(root.calls.get(text)!, values);
    }
  }
  const small = texts.indexOf("(small)", "calls with less than a thousandth each", "");
  const kept = pruned(root, root.values.map((value) => value * LEAST_SHARE), small);
  return {
    values: profile.sampleTypes.map(({ type, unit }) => ({ name: type, unit })),
    first,
    texts: texts.all,
    modules: texts.modules,
    root: kept,
  };
}

function add(node: Growing, values: readonly number[]): void {
  values.forEach((value, at) => node.values[at]! += value);
}

/** Nodes that matter, the largest first; all others of a call as one. */
function pruned({ text, values, calls }: Growing, least: readonly number[], small: number): FlameNode {
  const kept: FlameNode[] = [], rest = values.map(() => 0);
  for (const call of calls.values()) {
    if (call.values.some((value, at) => value > 0 && value >= least[at]!)) kept.push(pruned(call, least, small));
    else call.values.forEach((value, at) => rest[at]! += value);
  }
  if (rest.some((value) => value > 0)) kept.push([small, rest.map(Math.round), []]);
  return [text, values.map(Math.round), kept];
}

/** The texts of calls, each once. */
class Texts {
  readonly all: [name: string, detail: string, module: number][] = [];
  readonly modules: string[] = [];
  readonly #indices = new Map<string, number>();

  indexOf(name: string, detail: string, module: string): number {
    const key = `${name}\n${detail}\n${module}`, known = this.#indices.get(key);
    if (known !== undefined) return known;
    let at = this.modules.indexOf(module);
    if (at < 0) at = this.modules.push(module) - 1;
    this.#indices.set(key, this.all.push([name, detail, at]) - 1);
    return this.all.length - 1;
  }

  ofFrame(frame: Frame, isInnermost: boolean): number {
    const { file, line, module = "" } = frame;
    const base = file.slice(file.lastIndexOf("/") + 1);
    const whole = nameOfFrame(frame), name = shortNameOf(whole), isPlaced = isInnermost && base !== "" && line > 0;
    const detail = [...(whole === name ? [] : [whole]), ...(file === "" ? [] : [file])].join(", ");
    return this.indexOf(
      isPlaced ? `${name} (${base}:${line})` : name,
      detail,
      module.slice(module.lastIndexOf("/") + 1),
    );
  }
}
