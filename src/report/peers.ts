/**
 * The file of `peers`, `hakmem.peers/1`, and its text: how many are here in one line, a row a peer, then where their
 * libraries are, and what would bring the others.
 *
 * @module
 */
import * as v from "valibot";
import { wrap } from "./tables/format.ts";
import { csvTable, markdownTable } from "./tables/rows.ts";
import { ResultSchema } from "../model/results.ts";
import { textTable } from "./tables/text_table.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";
import { readChecked } from "../model/values.ts";

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

const PeersFileSchema = v.object({
  schema: v.literal("hakmem.peers/1"),
  command: v.array(v.string()),
  /** The day to which `current` is known; absent in files of older versions. */
  currentAsOf: v.exactOptional(v.string()),
  peers: v.array(PeerSchema),
});

export type PeerRow = v.InferOutput<typeof PeerSchema>;
export type PeersFile = v.InferOutput<typeof PeersFileSchema>;

/**
 * Reads a file of `peers`.
 *
 * @throws FileValueError if it is not one; the message names the first value that is wrong.
 */
export function parsePeersFile(text: string): PeersFile {
  return readChecked(PeersFileSchema, text);
}

const HEAD = ["", "peer", "runtime", "version", "current", "what it is"] as const;
const COLUMNS = HEAD.map((head) => ({ head, isNumeric: false }));

/** The text; colours from `palette`. */
export function renderPeers(file: Pick<PeersFile, "peers" | "currentAsOf">, palette: Palette = PLAIN): string {
  const { peers } = file;
  const lines = (text: string) => wrap(text, palette.columns);
  const rows = peers.map(cells).map(([mark = "", ...rest]) => [palette.green(mark), ...rest]);
  const sections = [
    lines(peersHeadline({ peers })).map(palette.bold),
    [textTable(COLUMNS, rows, palette, 2)],
    lines(standings(file)),
    peers.flatMap(({ name, library }) => library === undefined ? [] : lines(`${name}: ${library}`)),
    peers.flatMap(({ name, problem }) => problem === undefined ? [] : lines(`${name}: ${problem}`).map(palette.red)),
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The table as Markdown. */
export function renderPeersMarkdown(file: Pick<PeersFile, "peers" | "currentAsOf">): string {
  const { peers } = file;
  const head = [...HEAD, "package", "where it is, or what would bring it"];
  const rows = peers.map((peer) => [...cells(peer), peer.package ?? "", peer.library ?? peer.problem ?? ""]);
  return `**${peersHeadline({ peers })}**\n\n${markdownTable(head, rows)}\n${standings(file)}\n`;
}

/** A row a peer: for other programs. */
export function renderPeersCsv({ peers }: Pick<PeersFile, "peers">): string {
  return csvTable(
    ["name", "runtime", "available", "version", "package", "library", "problem", "description", "current", "standing"],
    peers.map((
      { name, runtime, available, version, package: brings, library, problem, description, current, standing },
    ) =>
      [
        name,
        runtime,
        String(available),
        version,
        brings,
        library,
        problem,
        description,
        current?.[0]?.version,
        standing,
      ].map((cell) => cell ?? "")
    ),
  );
}

/** How many can be measured, and who not. */
export function peersHeadline({ peers }: Pick<PeersFile, "peers">): string {
  const missing = peers.filter(({ available }) => !available).map(({ name }) => name);
  const count = `${peers.length - missing.length} of ${peers.length} peers can be measured here`;
  return missing.length === 0 ? count : `${count}; not here: ${missing.join(", ")}`;
}

/** Which of those that are here are not of today, and since when. */
function standings({ peers, currentAsOf = "an unknown day" }: Pick<PeersFile, "peers" | "currentAsOf">): string {
  const told = peers.flatMap(({ name, version = "", current = [], standing }) => {
    const [newest] = current, line = current.find((each) => each.version.split(".")[0] === version.split(".")[0]);
    if (newest === undefined || standing === undefined || standing === "current") return [];
    if (standing === "unknown") return [`${name} does not tell its version; ${newest.version} is current`];
    const ofLine = line === undefined || line === newest || line.version === version
      ? ""
      : `, ${line.version} of its line`;
    const where = standing === "behind" ? "behind" : "the newest of its line";
    return [`${name} ${version} is ${where}: ${newest.version} (${newest.released}) is current${ofLine}`];
  });
  return `as of ${currentAsOf}: ${told.length === 0 ? "every native peer that is here is current" : told.join("; ")}`;
}

function cells({ available, name, runtime, version = "", current, description }: PeerRow): string[] {
  return [available ? "ok" : "", name, runtime, version, current?.[0]?.version ?? "", description];
}
