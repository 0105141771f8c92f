/**
 * Option values: turns what was typed into what is meant, or into a message that says what is allowed.
 *
 * @module
 */
import { type Build, BUILDS } from "../../lab/inspect/flags.ts";
import { PEER_VALUES } from "../../peers/find.ts";
import { PEERS } from "../../peers/mod.ts";
import { LIBRARY_PATH } from "../../peers/native.ts";
import type { Place } from "../../traces/mod.ts";

/** The command line asks for something that does not exist or is not allowed. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Makes the parser of an option that takes a whole number from `min` to `max`. */
export function wholeNumber(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new UsageError(`${option} ${text} is not allowed: a whole number from ${min} to ${max}`);
  };
}

/** Makes the parser of an option that takes a place in a trace: the number of an event, or a part of all, `50%`. */
export function placeOf(option: string): (text: string) => Place {
  return (text) => {
    if (/^\d+$/.test(text)) return { event: Number(text) };
    const percent = /^\d+(\.\d+)?%$/.test(text) ? parseFloat(text) : NaN;
    if (percent <= 100) return { share: percent / 100 };
    throw new UsageError(
      `${option} ${text} is not allowed: the number of an event, or a part of the trace, 0% to 100%`,
    );
  };
}

/** Parses a list of whole numbers, `128,256`. */
export function numberList(option: string): (text: string) => number[] {
  return (text) => {
    const items = listOf(text);
    if (items.length > 0 && items.every((item) => /^\d+$/.test(item))) return items.map(Number);
    throw new UsageError(`${option} ${text} is not allowed: whole numbers separated by commas, such as 128,256`);
  };
}

/** The most threads that a contestant may have. */
export const MOST_THREADS = 64;

/** Parses a list of numbers of threads, `1,2,4`: ascending, each once. */
export function threadList(text: string): number[] {
  const items = listOf(text);
  if (
    items.length > 0 && items.every((item) => /^\d+$/.test(item) && Number(item) >= 1 && Number(item) <= MOST_THREADS)
  ) {
    return [...new Set(items.map(Number))].toSorted((a, b) => a - b);
  }
  throw new UsageError(
    `--threads ${text} is not allowed: whole numbers from 1 to ${MOST_THREADS}, separated by commas, such as 1,2,4`,
  );
}

/** Makes the parser of an option whose value is one of a few words. */
export function oneOf(option: string, allowed: readonly string[]): (text: string) => string {
  return (text) => {
    if (allowed.includes(text)) return text;
    throw new UsageError(`${option} ${text} does not exist; choose one of: ${allowed.join(", ")}`);
  };
}

/** Makes the parser of an option whose value is a list of some of a few words. */
export function someOf(option: string, allowed: readonly string[]): (text: string) => string[] {
  const one = oneOf(option, allowed);
  return (text) => [...new Set(listOf(text).map(one))];
}

/** Makes the parser of an option that chooses a build. */
export function buildOf(option: string): (text: string) => Build {
  const one = oneOf(option, BUILDS);
  return (text) => one(text) as Build;
}

/** The allocator that does nothing: no peer, but the contract has its name, and every run has it. */
const NONE = "none";

/** Parses a list of peers: names, and paths of shared libraries. Whether they are there is found out when they are used. */
export function peerList(text: string): string[] {
  const peers = listOf(text).filter((peer) => peer !== NONE); // it is measured anyway
  if (listOf(text).length === 0) throw new UsageError(`--peer ${text} names no peer: ${PEER_VALUES}`);
  const unknown = peers.find((peer) => !LIBRARY_PATH.test(peer) && !PEERS.some(({ name }) => name === peer));
  if (unknown !== undefined) throw new UsageError(`--peer ${unknown} does not exist: ${PEER_VALUES}`);
  return [...new Set(peers)];
}

/** Those of some peers or contestants that are paths of libraries: files that a run reads. */
export function libraryPaths(names: readonly string[]): string[] {
  return names.map((name) => name.split(",", 1)[0]!).filter((name) => LIBRARY_PATH.test(name));
}

/**
 * Splits a list of variants. An item with `=` belongs to the variant before it: `box,integrity=0,e4` are two variants,
 * `box,integrity=0` and `e4`.
 */
export function variantList(text: string): string[] {
  const variants: string[] = [];
  for (const item of listOf(text)) {
    const last = variants.pop();
    if (item.includes("=") && last !== undefined) variants.push(`${last},${item}`);
    else variants.push(...(last === undefined ? [] : [last]), item);
  }
  return [...new Set(variants)];
}

function listOf(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
}
