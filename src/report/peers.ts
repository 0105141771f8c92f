/**
 * `peers` as text: how many are here in one line, a row a peer, then where their
 * libraries are, and what would bring the others.
 *
 * @module
 */
import { wrap } from "./tables/format.ts";
import { csvTable, markdownTable } from "./tables/rows.ts";
import { textTable } from "./tables/text_table.ts";
import { type Palette, PLAIN } from "./tables/palette.ts";
import type { PeerRow, PeersFile } from "../model/peers.ts";

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
