/** Libraries that lie are refused before they are measured, each with what is wrong with it. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Child, ContestantError } from "../../../src/lab/contest/child.ts";
import { peerContestant } from "../../../src/lab/contest/contestants.ts";
import { startVerified } from "../../../src/lab/contest/verified.ts";
import { findPeer } from "../../../src/peers/find.ts";
import { CAN_PRELOAD, compile, hanging, LIARS, SMALL, WHOLE } from "../../peers/libraries.ts";

async function start(folder: string, name: string, source: string): Promise<Child> {
  const path = (await compile(folder, `lib${name}.so`, source))!;
  return await startVerified((await peerContestant(findPeer(path))).command);
}

Deno.test({
  name: `startVerified() refuses what is not an allocator${
    CAN_PRELOAD ? "" : " (skipped: needs Linux and a C compiler)"
  }`,
  ignore: !CAN_PRELOAD,
  fn: async (t) => {
    const folder = await Deno.makeTempDir();
    try {
      for (const [name, { source, says }] of Object.entries(LIARS)) {
        await t.step(name, async () => {
          const { message } = await assertRejects(() => start(folder, name, source), ContestantError);
          assertMatch(message, says);
          assertMatch(message, new RegExp(`^contestant lib${name}\\.so `));
        });
      }
      for (const [name, source] of Object.entries({ whole: WHOLE, small: SMALL, atexit: hanging("at exit") })) {
        await t.step(`${name} is an allocator`, async () => {
          await using child = await start(folder, name, source);
          assertEquals(child.label, `lib${name}.so`);
        });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
