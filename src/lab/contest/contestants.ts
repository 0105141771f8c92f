/**
 * Who takes part in a run, and how each one's process is started. Every contestant has a process of its own: V8's type
 * feedback is then that of a program with one allocator, and the native ones get what a C program gets, a libc in a
 * process with one thread.
 *
 * @module
 */
import { buildNative, NativeBuildError, type NativeTarget, PRELOAD, preload } from "../../os/mod.ts";
import { findPeers, type FoundPeer } from "../../peers/find.ts";
import { HARNESSES, PEERS, type Runtime } from "../../peers/mod.ts";
import type { Result } from "../../model/mod.ts";
import { heapLabel, labelOf } from "../../report/mod.ts";
import { WORKLOADS } from "../../workloads/mod.ts";
import type { ChildCommand } from "./child.ts";
import { LIBC } from "./identity.ts";

/** An allocator that takes part, with the process that runs it. */
export interface Contestant {
  /** The variant, or the peer's name. */
  readonly allocator: string;
  readonly runtime: Runtime;
  /** Unique in a run; for messages. */
  readonly label: string;
  /** The language of its loop, TypeScript or C: its net time is counted from the `none` of that. */
  readonly language: "deno" | "native";
  /** Where it has several threads, each has a heap of its own; absent if one knows the blocks of all. */
  readonly heaps?: "own";
  readonly command: ChildCommand;
}

/** All that take part, and notes on those that cannot. */
export interface Contestants {
  readonly contestants: readonly Contestant[];
  readonly notes: readonly string[];
}

/** What the processes run. */
export interface Harness {
  /** The entry of the Deno children, and what they are told besides whose process it is. */
  readonly child: URL;
  readonly childArgs: readonly string[];
  /** What V8 is told besides what it always is. */
  readonly v8Flags?: readonly string[];
  /** The native program, and what it is told. */
  readonly program: NativeTarget;
  readonly programArgs: readonly string[];
}

const CONFIG = new URL("../../../deno.json", import.meta.url);

/** What most C programs are compiled with. With `-fno-builtin` malloc is any function to the compiler: it neither folds a malloc and a free nor knows the block. */
export const NATIVE_FLAGS: readonly string[] = ["-O2", "-fno-builtin", "-pthread", "-ldl"];

/** The twins of the workloads in C. */
export const WORKLOADS_PROGRAM: NativeTarget = {
  name: "workloads",
  sources: [
    "workloads.c",
    "identity.c",
    "identity.h",
    "workloads/workload.h",
    "workloads/slots.c",
    "workloads/threads.c",
    ...new Set(
      [...WORKLOADS.keys()].map((name) =>
        `workloads/${name.replace(/^cache-.*/, "cache_lines").replaceAll("-", "_")}.c`
      ),
    ),
  ].map((file) => new URL(`../../../native/${file}`, import.meta.url)),
  kind: "executable",
  flags: NATIVE_FLAGS,
};

/** The workloads. */
export const WORKLOADS_HARNESS: Harness = {
  child: new URL("../contestant/entry.ts", import.meta.url),
  childArgs: [],
  program: WORKLOADS_PROGRAM,
  programArgs: [],
};

/**
 * Finds the contestants: a heap per variant, the chosen peers, and the do-nothing allocator of each side. Builds the
 * native program; where there is no compiler, the native ones stay out and a note says so.
 *
 * @param peers names, and paths of shared libraries
 * @throws PeerError if one of them is not there
 */
export async function enter(
  variants: readonly string[],
  peers: readonly string[],
  harness: Harness = WORKLOADS_HARNESS,
): Promise<Contestants> {
  const wanted = [...findPeers(peers), ...HARNESSES];
  const deno = [
    ...variants.map((variant) => heapContestant(variant, heapLabel(variant), undefined, harness)),
    ...wanted.filter(({ language }) => language === "deno").map((peer) => denoPeer(harness, peer)),
  ];
  const natives = wanted.filter(({ language }) => language === "native");
  const names = natives.map((peer) => peer.name).join(", ");
  const preloaded = preload();
  const notes = preloaded === undefined ? [] : [`contestants run without your ${PRELOAD} (${preloaded})`];
  try {
    const native: Contestant[] = [];
    for (const peer of natives) {
      const { path, note } = await buildNative(programFor(harness, peer));
      native.push(nativeContestant(harness, peer, path));
      if (note !== undefined && !notes.includes(note)) notes.push(note);
    }
    return { contestants: inTableOrder([...deno, ...native]), notes };
  } catch (error) {
    if (!(error instanceof NativeBuildError)) throw error;
    const reason = error.code === "COMPILE_FAILED" ? error.message : error.summary;
    const left = `native peers are left out (${names}): ${reason}`;
    return { contestants: inTableOrder(deno), notes: [...notes, left] };
  }
}

/** Whose result it is. */
export function contestantOf(contestants: readonly Contestant[], result: Result): Contestant {
  return contestants.find(({ allocator, runtime, language }) =>
    allocator === result.allocator && runtime === result.runtime && language === result.host
  )!;
}

/** Ours first, then the peers as their table has them, libraries named by their paths, then the harnesses. */
function inTableOrder(contestants: readonly Contestant[]): Contestant[] {
  const names = PEERS.map(({ name }) => name);
  const rank = ({ runtime, allocator }: Contestant) => {
    if (runtime === "deno") return -1;
    if (runtime === "harness") return names.length + 1;
    return names.includes(allocator) ? names.indexOf(allocator) : names.length;
  };
  return contestants.toSorted((a, b) => rank(a) - rank(b));
}

/**
 * A peer, ready to be started.
 *
 * @throws {NativeBuildError} if it needs a compiler and there is none
 */
export async function peerContestant(peer: FoundPeer, harness: Harness = WORKLOADS_HARNESS): Promise<Contestant> {
  if (peer.language === "deno") return denoPeer(harness, peer);
  return nativeContestant(harness, peer, (await buildNative(programFor(harness, peer))).path);
}

/** The native program for a peer. The allocator that does nothing is compiled into one of its own, as V8 inlines its own. */
function programFor({ program }: Harness, { runtime }: FoundPeer): NativeTarget {
  if (runtime !== "harness") return program;
  return { ...program, name: `${program.name}-none`, flags: [...program.flags ?? [], "-DDO_NOTHING"] };
}

/**
 * Our heap, ready to be started.
 *
 * @param source URL of the folder of another copy of this project; this one's heap if absent.
 */
export function heapContestant(
  variant: string,
  label: string,
  source?: string,
  harness: Harness = WORKLOADS_HARNESS,
): Contestant {
  return denoContestant(harness, "heap", variant, "deno", label, source);
}

/** The same heap of ours, but with one for each thread. */
export function withOwnHeaps({ command, ...contestant }: Contestant): Contestant {
  const own = { ...contestant, heaps: "own" } as const, label = labelOf(own);
  return { ...own, label, command: { ...command, label, args: [...command.args, "--heaps=own"] } };
}

function nativeContestant({ programArgs }: Harness, { name, runtime, library }: FoundPeer, path: string): Contestant {
  const contestant = { allocator: name, runtime, language: "native" } as const,
    label = labelOf({ ...contestant, host: "native" });
  if (runtime === "harness") return { ...contestant, label, command: { label, path, args: programArgs } };
  const env = library === undefined ? {} : { [PRELOAD]: library };
  return { ...contestant, label, command: { label, path, args: programArgs, env, serves: library ?? LIBC } };
}

function denoPeer(harness: Harness, { name, runtime }: FoundPeer): Contestant {
  return denoContestant(harness, name, name, runtime, labelOf({ allocator: name, runtime, host: "deno" }));
}

function denoContestant(
  { child, childArgs, v8Flags = [] }: Harness,
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
    // The tier of the loop; costs nothing where it is not asked for.
    `--v8-flags=${["--allow-natives-syntax", ...v8Flags].join(",")}`,
    child.href,
    `--allocator=${name}`,
    `--variant=${name === "heap" ? allocator : ""}`,
    ...(source === undefined ? [] : [`--source=${source}`]),
    ...childArgs,
  ];
  const heaps = PEERS.find((peer) => peer.name === name)?.heaps;
  const command = { label, path: Deno.execPath(), args };
  return { allocator, runtime, label, language: "deno", command, ...(heaps === undefined ? {} : { heaps }) };
}
