/**
 * The file of `peers`, `hakmem.peers/1`, and its text: how many are here in one line, a row a peer, then where their
 * libraries are, and what would bring the others. At most 100 columns wide, paths excepted.
 *
 * @module
 */
import Table from "cli-table3";
import * as v from "valibot";
import { wrap } from "./format.ts";
import { csvTable, markdownTable } from "./rows.ts";
import { ResultSchema } from "./schema.ts";
import { LINES, type Palette, PLAIN } from "./table.ts";

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
  /** What brings it: a package of Debian and Ubuntu, or `npm:` and one of npm; absent where there is none. */
  package: v.exactOptional(v.string()),
  /** Why it cannot be measured, or what would bring it. */
  problem: v.exactOptional(v.string()),
});

const PeersFileSchema = v.object({
  schema: v.literal("hakmem.peers/1"),
  command: v.array(v.string()),
  peers: v.array(PeerSchema),
});

export type PeerRow = v.InferOutput<typeof PeerSchema>;
export type PeersFile = v.InferOutput<typeof PeersFileSchema>;

/**
 * Reads a file of `peers`.
 *
 * @throws v.ValiError if it is not one; the message names the first field that is wrong.
 */
export function parsePeersFile(text: string): PeersFile {
  return v.parse(PeersFileSchema, JSON.parse(text));
}

const COLUMNS = 100;
const HEAD = ["", "peer", "runtime", "version", "what it is"] as const;

/** The text; colours from `palette`. */
export function renderPeers({ peers }: Pick<PeersFile, "peers">, palette: Palette = PLAIN): string {
  const table = new Table({
    head: HEAD.map((name) => palette.bold(name)),
    style: { head: [], border: [], compact: true },
    chars: LINES,
  });
  for (const [mark = "", ...rest] of peers.map(cells)) table.push([palette.green(mark), ...rest]);
  const sections = [
    wrap(peersHeadline({ peers }), COLUMNS).map(palette.bold),
    table.toString().split("\n").map((line) => line.trimEnd()),
    peers.flatMap(({ name, library }) => library === undefined ? [] : [`${name}: ${library}`]),
    peers.flatMap(({ name, problem }) => problem === undefined ? [] : [palette.red(`${name}: ${problem}`)]),
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The table as Markdown. */
export function renderPeersMarkdown({ peers }: Pick<PeersFile, "peers">): string {
  const head = [...HEAD, "package", "where it is, or what would bring it"];
  const rows = peers.map((peer) => [...cells(peer), peer.package ?? "", peer.library ?? peer.problem ?? ""]);
  return `**${peersHeadline({ peers })}**\n\n${markdownTable(head, rows)}`;
}

/** A row a peer: for other programs. */
export function renderPeersCsv({ peers }: Pick<PeersFile, "peers">): string {
  return csvTable(
    ["name", "runtime", "available", "version", "package", "library", "problem", "description"],
    peers.map(({ name, runtime, available, version, package: brings, library, problem, description }) =>
      [name, runtime, String(available), version, brings, library, problem, description].map((cell) => cell ?? "")
    ),
  );
}

/** How many can be measured, and who not. */
export function peersHeadline({ peers }: Pick<PeersFile, "peers">): string {
  const missing = peers.filter(({ available }) => !available).map(({ name }) => name);
  const count = `${peers.length - missing.length} of ${peers.length} peers can be measured here`;
  return missing.length === 0 ? count : `${count}; not here: ${missing.join(", ")}`;
}

function cells({ available, name, runtime, version = "", description }: PeerRow): string[] {
  return [available ? "ok" : "", name, runtime, version, description];
}
