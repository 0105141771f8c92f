/**
 * `peers` as text: how many are here in one line, a row a peer, then where their
 * libraries are, and what would bring the others.
 *
 * @module
 */
import { type Column, csvOf, markdownOf, terminalTable, words } from "./tables/columns.ts";
import { wrap } from "./tables/format.ts";
import { answer, type Palette, PLAIN } from "./tables/palette.ts";
import type { PeerRow, PeersFile } from "../model/peers.ts";

const COLUMNS: readonly Column<PeerRow>[] = [
  words("", ({ available }) => available ? "ok" : "", (_peer, { green }) => green),
  words("peer", ({ name }) => name),
  words("runtime", ({ runtime }) => runtime),
  words("version", ({ version = "" }) => version),
  words("current", ({ current }) => current?.[0]?.version ?? ""),
  words("what it is", ({ description }) => description),
];

/** The text; colours from `palette`. */
export function renderPeers(file: Pick<PeersFile, "peers" | "currentAsOf">, palette: Palette = PLAIN): string {
  const { peers } = file;
  const lines = (text: string) => wrap(text, palette.columns);
  const sections = [
    answer(peersHeadline({ peers }), palette),
    [terminalTable(COLUMNS, peers, palette, 2)],
    lines(standings(file)),
    peers.flatMap(({ name, library }) => library === undefined ? [] : lines(`${name}: ${library}`)),
    peers.flatMap(({ name, problem }) => problem === undefined ? [] : lines(`${name}: ${problem}`).map(palette.red)),
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The table as Markdown. */
export function renderPeersMarkdown(file: Pick<PeersFile, "peers" | "currentAsOf">): string {
  const columns = [
    ...COLUMNS,
    words<PeerRow>("package", (peer) => peer.package ?? ""),
    words<PeerRow>("where it is, or what would bring it", ({ library, problem }) => library ?? problem ?? ""),
  ];
  return `**${peersHeadline(file)}**\n\n${markdownOf(columns, file.peers)}\n${standings(file)}\n`;
}

/** A row a peer: for other programs. */
export function renderPeersCsv({ peers }: Pick<PeersFile, "peers">): string {
  return csvOf(
    ["name", "runtime", "available", "version", "package", "library", "problem", "description", "current", "standing"],
    peers.map(({ current, ...peer }) => ({ ...peer, current: current?.[0]?.version })),
  );
}

/** How many can be measured, and which cannot. */
export function peersHeadline({ peers }: Pick<PeersFile, "peers">): string {
  const missing = peers.filter(({ available }) => !available).map(({ name }) => name);
  const count = `${peers.length - missing.length} of ${peers.length} peers can be measured here`;
  return missing.length === 0 ? count : `${count}; not here: ${missing.join(", ")}`;
}

/** Which of those that are here are out of date, and since when. */
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
