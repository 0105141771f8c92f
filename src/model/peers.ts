/**
 * The file of `peers`, `hakmem.peers/1`: which peers this machine has, and what would bring the others.
 *
 * @module
 */
import * as v from "valibot";
import { ResultSchema } from "./results.ts";

/** One peer. */
const PeerSchema = v.object({
  name: v.string(),
  runtime: ResultSchema.entries.runtime,
  description: v.string(),
  /** Whether it can be measured: it was started. */
  available: v.boolean(),
  /** Of native peers: the library that serves malloc. */
  library: v.exactOptional(v.string()),
  /** What it says of itself, or of an npm package what is imported. */
  version: v.exactOptional(v.string()),
  /** Of native peers: the newest release of each line of development, the newest line first. */
  current: v.exactOptional(v.array(v.object({ version: v.string(), released: v.string() }))),
  /** Where the version stands among them; `unknown` if the library does not tell it. Absent where none is current. */
  standing: v.exactOptional(v.picklist(["current", "newest of its line", "behind", "unknown"])),
  /** What brings it: a package of Debian and Ubuntu, or `npm:` and one of npm; absent where there is none. */
  package: v.exactOptional(v.string()),
  /** Why it cannot be measured, or what would bring it. */
  problem: v.exactOptional(v.string()),
});

export const PeersFileSchema = v.object({
  schema: v.literal("hakmem.peers/1"),
  command: v.array(v.string()),
  /** The day to which `current` is known; absent in files of older versions. */
  currentAsOf: v.exactOptional(v.string()),
  peers: v.array(PeerSchema),
});

export type PeerRow = v.InferOutput<typeof PeerSchema>;
export type PeersFile = v.InferOutput<typeof PeersFileSchema>;
