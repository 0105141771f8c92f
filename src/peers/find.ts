/**
 * From what a command line calls a peer to what can be started: a name of the table, with its library if it has one, or
 * the path of any shared library that brings malloc and free.
 *
 * @module
 */
import { checkSharedLibrary, findSharedLibrary, SharedLibraryError } from "../os/mod.ts";
import { DEFAULT_PEERS, type Peer, PEERS } from "./mod.ts";
import { howToInstall, LIBRARY_PATH, NATIVE_LIBRARIES, type NativeLibrary, peerName } from "./native.ts";

/** A peer that is there. */
export interface FoundPeer extends Peer {
  /** Absolute path of the library that is preloaded; absent if the peer needs none. */
  readonly library?: string;
}

/** There is no such peer here. */
export class PeerError extends Error {
  override name = "PeerError";
}

/** The path of an allocator's library on this system; undefined if it is not installed. */
export function libraryOf({ files }: NativeLibrary): string | undefined {
  return findSharedLibrary(files);
}

/** The libraries of the table that are installed here. */
export function installedLibraries(): NativeLibrary[] {
  return NATIVE_LIBRARIES.filter((library) => libraryOf(library) !== undefined);
}

/** The names of the default peers, without those whose library is not installed. */
export function defaultPeers(): string[] {
  return DEFAULT_PEERS.filter((name) => {
    const native = NATIVE_LIBRARIES.find((each) => each.name === name);
    return native === undefined || libraryOf(native) !== undefined;
  });
}

/**
 * Finds peers by names and paths. Libraries whose files have the same name are called by their paths in results.
 *
 * @throws PeerError if one is not there.
 */
export function findPeers(texts: readonly string[]): FoundPeer[] {
  const found = [...new Set(texts)].map((text) => ({ text, peer: findPeer(text) }));
  return found.map(({ text, peer }) => {
    const isAlone = found.every((other) => other.peer === peer || other.peer.name !== peer.name);
    return isAlone ? peer : { ...peer, name: text };
  });
}

/**
 * Finds one peer.
 *
 * @throws PeerError if it is not there; the message says what to do about it.
 */
export function findPeer(text: string): FoundPeer {
  if (LIBRARY_PATH.test(text)) return libraryPeer(text);
  const peer = PEERS.find(({ name }) => name === text);
  if (peer === undefined) throw new PeerError(`there is no peer ${text}: ${PEER_VALUES}`);
  const native = NATIVE_LIBRARIES.find(({ name }) => name === text);
  if (native === undefined) return peer;
  const library = libraryOf(native);
  if (library !== undefined) return { ...peer, library };
  throw new PeerError(`${text} is not installed here: ${howToInstall(native)}; or name a library of yours by its path`);
}

/** What can be named. */
export const PEER_VALUES = `${PEERS.map(({ name }) => name).join(", ")}, or the path of a shared library (./lib.so)`;

function libraryPeer(path: string): FoundPeer {
  const name = peerName(path);
  try {
    checkSharedLibrary(path);
  } catch (error) {
    if (error instanceof SharedLibraryError) throw new PeerError(error.message);
    throw error;
  }
  const library = Deno.realPathSync(path.slice(0, path.length - name.length) || ".") + `/${name}`;
  if (/[\s:]/.test(library)) {
    throw new PeerError(`${library} cannot be preloaded: LD_PRELOAD takes no path with spaces or colons in it`);
  }
  return { name, runtime: "native", language: "native", description: path, library };
}
