/**
 * `peers`: what can be measured against on this machine, and what would bring the rest.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { listPeers } from "../../lab/doctor/peers.ts";
import { CURRENT_AS_OF } from "../../peers/current.ts";
import type { PeersFile } from "../../model/mod.ts";
import { renderJson } from "../../report/mod.ts";
import { renderPeers, renderPeersCsv, renderPeersMarkdown } from "../../report/peers.ts";
import { FINE } from "../shared/exit_codes.ts";
import { Outputs } from "../shared/outputs.ts";

const HELP = `
Native peers are shared libraries, each preloaded into a process of its own, which says whose malloc
it has. Besides these, bench and compare take the path of any .so that has malloc and free.

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts peers
  deno run -P cli.ts peers --json peers.json
`;

/** The command. */
export function peersCommand(finish: (exitCode: number) => void): Command {
  const command = new Command("peers")
    .description("the allocators to measure against: which are here, and what brings the others")
    .option("--json <file>", "write it as JSON (- is stdout)")
    .option("--csv <file>", "write a row for each peer (- is stdout)")
    .option("--markdown <file>", "write the table as Markdown (- is stdout)")
    .addHelpText("after", HELP);
  // The typed command is wider than what the tree needs to know.
  return command.action(async ({ json, csv, markdown }) => {
    const file: PeersFile = {
      schema: "hakmem.peers/1",
      command: ["deno", "run", "-P", "cli.ts", ...Deno.args],
      currentAsOf: CURRENT_AS_OF,
      peers: await listPeers(),
    };
    const outputs = new Outputs<PeersFile>([
      { option: "--json", path: json, render: renderJson },
      { option: "--csv", path: csv, render: renderPeersCsv },
      { option: "--markdown", path: markdown, render: renderPeersMarkdown },
    ]);
    outputs.publish(file, (palette) => renderPeers(file, palette));
    finish(FINE);
  }) as unknown as Command;
}
