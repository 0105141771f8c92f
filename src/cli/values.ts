/**
 * Option values: from what was typed to what is meant, or a message which says what is allowed.
 *
 * @module
 */
import { type Build, BUILDS } from "../lab/flags.ts";
import { PEER_VALUES } from "../peers/find.ts";
import { PEERS } from "../peers/mod.ts";
import { LIBRARY_PATH } from "../peers/native.ts";

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

/** Parses a list of whole numbers, `128,256`. */
export function numberList(option: string): (text: string) => number[] {
  return (text) => {
    const items = listOf(text);
    if (items.length > 0 && items.every((item) => /^\d+$/.test(item))) return items.map(Number);
    throw new UsageError(`${option} ${text} is not allowed: whole numbers separated by commas, such as 128,256`);
  };
}

/** Makes the parser of an option whose value is one of a few words. */
export function oneOf(option: string, allowed: readonly string[]): (text: string) => string {
  return (text) => {
    if (allowed.includes(text)) return text;
    throw new UsageError(`${option} ${text} does not exist: ${allowed.join(", ")} do`);
  };
}

/** Makes the parser of an option that chooses a build. */
export function buildOf(option: string): (text: string) => Build {
  const one = oneOf(option, BUILDS);
  return (text) => one(text) as Build;
}

/** Parses a list of peers: names, and paths of shared libraries. Whether they are there is found out when they are used. */
export function peerList(text: string): string[] {
  const peers = listOf(text);
  const unknown = peers.find((peer) => !LIBRARY_PATH.test(peer) && !PEERS.some(({ name }) => name === peer));
  if (unknown !== undefined) throw new UsageError(`--peer ${unknown} does not exist: ${PEER_VALUES}`);
  return [...new Set(peers)];
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
