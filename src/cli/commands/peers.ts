/**
 * `peers`: what can be measured against on this machine, and what would bring the rest.
 *
 * @module
 */
import { Command } from "@commander-js/extra-typings";
import { listPeers } from "../../lab/doctor/peers.ts";
import { CURRENT_AS_OF } from "../../peers/current.ts";
import type { PeersFile } from "../../model/mod.ts";
import { renderPeers, renderPeersCsv, renderPeersMarkdown } from "../../report/peers.ts";
import { type AnyCommand, COMMAND_LINE, type Finish, ResultFormats } from "../shared/command.ts";
import { FINE } from "../shared/exit_codes.ts";

const HELP = `
Native peers are shared libraries, each preloaded into a process of its own, which reports whose
malloc it has. bench and compare also take the path of any other .so that has malloc and free.

Exit codes: 0 fine, 3 an error.

Examples:
  deno run -P cli.ts peers
  deno run -P cli.ts peers --json peers.json
`;

const FORMATS = new ResultFormats<PeersFile>("write it as JSON (- is stdout)", {
  csv: ["write a row for each peer (- is stdout)", renderPeersCsv],
  markdown: ["write the table as Markdown (- is stdout)", renderPeersMarkdown],
});

/** The command. */
export function peersCommand(finish: Finish): AnyCommand {
  const command = new Command("peers")
    .description("lists the allocators to measure against: which are installed, and how to get the others");
  return FORMATS.on(command).addHelpText("after", HELP).action(async (options) => {
    const peers = await listPeers();
    const file: PeersFile = { schema: "hakmem.peers/1", command: COMMAND_LINE, currentAsOf: CURRENT_AS_OF, peers };
    const outputs = await FORMATS.outputs(options);
    outputs.publish(file, (palette) => renderPeers(file, palette));
    finish(FINE);
  });
}
