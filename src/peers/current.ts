/**
 * Which version of each native peer is current, so that a reader of a comparison sees whether the peer is up to date.
 * What a distribution brings is often years behind. The table is kept by hand: whoever looks again writes the date
 * above it, and in each row the release and its date, from the tags of its repository.
 *
 * Nothing is known here of later releases: "current" always means as of {@linkcode CURRENT_AS_OF}.
 *
 * @module
 */

/** When the table was last compared with the peers' repositories. */
export const CURRENT_AS_OF = "2026-11-26";

/** A release. */
export interface Release {
  readonly version: string;
  /** The day of its tag, or of an announcement the month. */
  readonly released: string;
}

/** By peer: its lines of development that still have releases, the newest line first. */
export const CURRENT: Readonly<Record<string, readonly Release[]>> = {
  mimalloc: [
    { version: "3.4.3", released: "2026-07-20" },
    { version: "2.4.1", released: "2026-07-14" },
    { version: "1.9.11", released: "2026-07-14" },
  ],
  jemalloc: [{ version: "5.3.1", released: "2026-04-16" }],
  tcmalloc: [{ version: "2.18.1", released: "2026-03-06" }], // gperftools
  scudo: [{ version: "23.1.3", released: "2026-10" }], // LLVM
  hardened: [{ version: "2026062800", released: "2026-06-28" }],
  snmalloc: [{ version: "0.7.5", released: "2026-06-17" }],
  rpmalloc: [{ version: "2.0.1", released: "2026-07-15" }],
};

/** Where an installed version stands: of a line, where the peer has several. */
export type Standing = "current" | "newest of its line" | "behind" | "unknown";

/**
 * Where a version stands.
 *
 * @param version As the library tells it; undefined if it does not.
 */
export function standingOf(peer: string, version: string | undefined): Standing {
  const lines = CURRENT[peer];
  if (lines === undefined || version === undefined || !/^\d/.test(version)) return "unknown";
  if (compareVersions(version, lines[0]!.version) >= 0) return "current";
  const own = lines.find((line) => major(line.version) === major(version));
  return own !== undefined && compareVersions(version, own.version) >= 0 ? "newest of its line" : "behind";
}

function major(version: string): number {
  return Number.parseInt(version);
}

/** Below 0 if the left one is older. A part that is missing is 0, and what follows a number (`-rc1`) does not count. */
function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split(".").map((part) => Number.parseInt(part) || 0));
  for (let part = 0; part < Math.max(a!.length, b!.length); part++) {
    const difference = (a![part] ?? 0) - (b![part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
