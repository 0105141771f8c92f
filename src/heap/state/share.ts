/**
 * The handle of a shared heap: what another thread of the process needs to have the same heap. It is a plain object, so
 * that it can be posted to a Worker. It comes from outside, so it names no file, and it is checked field by field; then
 * against two words in the heap's memory, its identity and the fingerprint of what it was made with. The system reads
 * the first of them, so an address that leads nowhere is refused. Code that can write those words into the process's
 * memory can still make a handle that leads to them, and whoever unmaps a heap's memory behind its back takes it from
 * every thread.
 *
 * @module
 */

import { hex, InvalidHandleError } from "../errors.ts";
import { type Build, debugFlags, type Flags, flagsToQuery } from "../flags.ts";
import { MAX_RESERVE_BYTES, MIN_RESERVE_BYTES, SUPERSLAB_BYTES } from "./layout.ts";
import { parseVariant, type Variant } from "../variants.ts";

/** What tells a handle from any other object; the number is raised when the layout of the memory changes. */
const KIND = "hakmem.heap/3";
/** No address of a user's program is higher. */
const HIGHEST_ADDRESS = 2n ** 56n;

/**
 * The handle of a heap, from {@linkcode Heap.share}: to be posted to a Worker, and given to {@linkcode Heap.attach}.
 *
 * @example
 * ```ts
 * import { Heap, type SharedHeap } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * const shared: SharedHeap = structuredClone(heap.share()); // as postMessage does
 * using attached = await Heap.attach(shared);
 * assertEquals(attached.build, shared.build);
 * ```
 */
export interface SharedHeap {
  /** That this is a handle, and of which version. */
  readonly kind: string;
  /** The process that the heap is in; it is of no use in another. */
  readonly process: number;
  /** A random number, which is in the heap's memory too. */
  readonly identity: number;
  /** Native address of the heap's first byte. */
  readonly base: bigint;
  /** Address space in bytes. */
  readonly bytes: number;
  /** Bytes that blocks may take. */
  readonly maxBytes: number;
  /** What the heap checks. */
  readonly build: Build;
  /** The variant that the heap is built from. */
  readonly variant: string;
}

/** A handle without what is known by the memory alone. */
export function makeHandle(rest: Omit<SharedHeap, "kind" | "process">): SharedHeap {
  return { kind: KIND, process: Deno.pid, ...rest };
}

/** What is checked of each field: what it must be, in words, and whether it is. */
const FIELDS: { readonly [Name in keyof SharedHeap]: readonly [what: string, holds: (value: unknown) => boolean] } = {
  kind: [`"${KIND}"`, (value) => value === KIND],
  process: ["a process", Number.isSafeInteger],
  identity: ["a number", (value) => Number.isInteger(value) && value as number > 0 && value as number < 2 ** 31],
  base: ["an address", (value) => typeof value === "bigint" && value > 0n && value < HIGHEST_ADDRESS && isWhole(value)],
  bytes: ["the size of a heap", (value) => isSize(value, MIN_RESERVE_BYTES) && isWhole(BigInt(value as number))],
  maxBytes: ["a size", (value) => isSize(value, 0)],
  build: ["a build", (value) => value === "release" || value === "debug"],
  variant: ["a variant", (value) => typeof value === "string"],
};

function isWhole(value: bigint): boolean {
  return value % BigInt(SUPERSLAB_BYTES) === 0n;
}

function isSize(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= MAX_RESERVE_BYTES;
}

/**
 * Checks what claims to be a handle.
 *
 * @throws {InvalidHandleError} if it is not one, or of another process.
 */
export function readHandle(shared: unknown): { handle: SharedHeap; variant: Variant } {
  if (typeof shared !== "object" || shared === null) {
    throw new InvalidHandleError("Heap.attach takes what heap.share() gave, as it is or posted to a Worker.");
  }
  const fields: Record<string, unknown> = {}; // a copy, since a getter may answer differently the next time
  for (const [name, [what, holds]] of Object.entries(FIELDS)) {
    const value = fields[name] = (shared as Record<string, unknown>)[name];
    if (!holds(value)) {
      throw new InvalidHandleError(`this is not a handle of a heap: its "${name}" is ${text(value)}, not ${what}.`);
    }
  }
  const handle = fields as unknown as SharedHeap;
  if (handle.process !== Deno.pid) {
    throw new InvalidHandleError(
      `this handle is of the process ${handle.process}, and this is ${Deno.pid}: a heap is shared by the Workers of one.`,
    );
  }
  try {
    const variant = parseVariant(handle.variant);
    return { handle, variant: handle.build === "debug" ? { ...variant, flags: debugFlags(variant.flags) } : variant };
  } catch (error) {
    throw new InvalidHandleError(`this is not a handle of a heap: ${(error as Error).message}`);
  }
}

function text(value: unknown): string {
  if (typeof value === "number") return hex(value);
  return typeof value === "string" ? `"${value}"` : typeof value;
}

/** A number that follows from all that both sides must agree on. */
export function fingerprint(bytes: number, maxBytes: number, build: Build, flags: Flags): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const character of `${KIND} ${bytes} ${maxBytes} ${build} ${flagsToQuery(flags)}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  return hash;
}
