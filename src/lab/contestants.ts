/**
 * Who takes part in a run, and how each one's process is started. Every contestant has a process of its own: V8's type
 * feedback is then that of a program with one allocator, and the native ones get what a C program gets, a libc in a
 * process with one thread.
 *
 * @module
 */
import { buildNative, NativeBuildError, type NativeTarget } from "../os/mod.ts";
import { HARNESSES, type Peer, PEERS, type Runtime } from "../peers/mod.ts";
import { WORKLOADS } from "../workloads/mod.ts";
import type { ChildCommand } from "./child.ts";

/** Someone who takes part. */
export interface Contestant {
  /** The variant, or the peer's name. */
  readonly allocator: string;
  readonly runtime: Runtime;
  /** Unique in a run; for messages. */
  readonly label: string;
  /** Its harness: whose `none` its net time is counted from. */
  readonly host: "deno" | "native";
  readonly command: ChildCommand;
}

/** Who takes part, and what is to be said about those who cannot. */
export interface Entry {
  readonly contestants: readonly Contestant[];
  readonly notes: readonly string[];
}

const CONFIG = new URL("../../deno.json", import.meta.url);
const CHILD = new URL("./contestant.ts", import.meta.url);
const NATIVE_PROGRAM: NativeTarget = {
  name: "workloads",
  sources: [
    "workloads.c",
    "workloads/workload.h",
    "workloads/slots.c",
    "workloads/threads.c",
    ...new Set(
      [...WORKLOADS.keys()].map((name) =>
        `workloads/${name.replace(/^cache-.*/, "cache_lines").replaceAll("-", "_")}.c`
      ),
    ),
  ].map((file) => new URL(`../../native/${file}`, import.meta.url)),
  kind: "executable",
  flags: ["-O3", "-pthread"],
};

/**
 * Finds the contestants: a heap per variant, the chosen peers, and the do-nothing allocator of each side. Builds the
 * native program; where there is no compiler, the native ones stay out and a note says so.
 */
export async function enter(variants: readonly string[], peers: readonly string[]): Promise<Entry> {
  const deno = [
    ...variants.map((variant) => heapContestant(variant, variant)),
    ...PEERS.filter((peer) => peer.host === "deno" && peers.includes(peer.name))
      .map((peer) => denoContestant(peer.name, peer.name, peer.runtime, peer.name)),
    denoContestant("none", "none", "harness", "none (deno)"),
  ];
  const wanted = [...PEERS, ...HARNESSES].filter((peer) =>
    peer.host === "native" && (peer.runtime === "harness" || peers.includes(peer.name))
  );
  const names = wanted.map((peer) => peer.name).join(", ");
  try {
    const { path, note } = await buildNative(NATIVE_PROGRAM);
    const native = wanted.map((peer) => nativeContestant(peer, path));
    return { contestants: inTableOrder([...deno, ...native]), notes: note === undefined ? [] : [note] };
  } catch (error) {
    if (!(error instanceof NativeBuildError)) throw error;
    const reason = error.code === "COMPILE_FAILED" ? error.message : error.summary;
    return { contestants: deno, notes: [`native peers are left out (${names}): ${reason}`] };
  }
}

/** Ours first, then the peers as their table has them, then the harnesses. */
function inTableOrder(contestants: readonly Contestant[]): Contestant[] {
  const names = PEERS.map(({ name }) => name);
  const place = ({ runtime, allocator }: Contestant) =>
    runtime === "deno" ? -1 : runtime === "harness" ? names.length : names.indexOf(allocator);
  return contestants.toSorted((a, b) => place(a) - place(b));
}

/** One of `PEERS`, ready to be started. @throws {NativeBuildError} if it needs a compiler and there is none. */
export async function peerContestant(peer: Peer): Promise<Contestant> {
  if (peer.host === "deno") return denoContestant(peer.name, peer.name, peer.runtime, peer.name);
  return nativeContestant(peer, (await buildNative(NATIVE_PROGRAM)).path);
}

/**
 * Our heap, ready to be started.
 *
 * @param source URL of the folder of another copy of this project; this one's heap if absent.
 */
export function heapContestant(variant: string, label: string, source?: string): Contestant {
  return denoContestant("heap", variant, "deno", label, source);
}

function nativeContestant({ name, runtime }: Peer, path: string): Contestant {
  const label = runtime === "harness" ? `${name} (native)` : name;
  return { allocator: name, runtime, label, host: "native", command: { label, path, args: [name] } };
}

function denoContestant(
  name: string,
  allocator: string,
  runtime: Runtime,
  label: string,
  source?: string,
): Contestant {
  const args = [
    "run",
    "--quiet",
    "--no-prompt",
    "-P",
    `--config=${decodeURIComponent(CONFIG.pathname)}`,
    "--v8-flags=--allow-natives-syntax", // the tier of the loop; costs nothing where it is not asked for
    CHILD.href,
    `--allocator=${name}`,
    `--variant=${name === "heap" ? allocator : ""}`,
    ...(source === undefined ? [] : [`--source=${source}`]),
  ];
  return { allocator, runtime, label, host: "deno", command: { label, path: Deno.execPath(), args } };
}
