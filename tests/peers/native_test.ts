/** Peers that are preloaded: which allocator serves a process is asserted, and all do the same work. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Child, ContestantError } from "../../src/lab/contest/child.ts";
import { type Contestant, enter, peerContestant } from "../../src/lab/contest/contestants.ts";
import { findPeer, findPeers, libraryOf, PeerError } from "../../src/peers/find.ts";
import { NATIVE_LIBRARIES } from "../../src/peers/native.ts";
import { completeParameters, type Parameters, WORKLOADS } from "../../src/workloads/mod.ts";
import { CAN_PRELOAD, compile, DISOWNING, ONLY_FREE, SMALL, WHOLE } from "./libraries.ts";

const LITTLE: Readonly<Record<string, number>> = { "cycles": 3000, "working-set": 256, "chunks": 100 };

/** A test with a folder for libraries; skipped where they cannot be built or preloaded. */
function preloadTest(name: string, fn: (folder: string) => Promise<void>): void {
  Deno.test({
    name: CAN_PRELOAD ? name : `${name} (skipped: needs Linux and a C compiler)`,
    ignore: !CAN_PRELOAD,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        await fn(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

async function built(folder: string, name: string, source: string): Promise<Contestant> {
  return await peerContestant(findPeer((await compile(folder, name, source))!));
}

/** What each workload gives. */
async function workOf({ command }: Contestant, threads = 1): Promise<Record<string, unknown>> {
  await using child = await Child.start(command);
  const work: Record<string, unknown> = {};
  for (const [name, workload] of WORKLOADS) {
    const given: Parameters = Object.fromEntries(
      Object.entries(LITTLE).filter(([parameter]) => workload.parameters[parameter] !== undefined),
    );
    const parameters = completeParameters(workload, given);
    const { operations, checksum, turnChecksum } = await child.run({ workload: name, units: 2, threads, parameters });
    work[name] = [operations, checksum, turnChecksum];
  }
  return work;
}

preloadTest("a library with all of malloc's family is measured, under its file's name", async (folder) => {
  const contestant = await built(folder, "libwhole.so", WHOLE);
  assertEquals([contestant.allocator, contestant.runtime, contestant.language], ["libwhole.so", "native", "native"]);
  await using child = await Child.start(contestant.command);
  const library = await Deno.realPath(`${folder}/libwhole.so`);
  assertEquals(child.identity, { library, name: "tcmalloc", version: "9.8 of a test" });
  assertEquals(await workOf(contestant), await workOf(await peerContestant(findPeer("system"))));
});

preloadTest("a library with malloc and free alone is measured, but not where blocks would be mixed", async (folder) => {
  await using child = await Child.start((await built(folder, "libsmall.so", SMALL)).command);
  assertEquals(child.identity, { library: await Deno.realPath(`${folder}/libsmall.so`) });
  const parameters = (name: string) => completeParameters(WORKLOADS.get(name)!, { cycles: 1000 });
  const slot = await child.run({ workload: "random-mixed", units: 1, parameters: parameters("random-mixed") });
  assert(slot.operations > 1000);
  await assertRejects(
    () => child.run({ workload: "slow-mix", units: 1, parameters: parameters("slow-mix") }),
    ContestantError,
    "no posix_memalign",
  );
});

preloadTest("a library without malloc is refused, and the message says who would have served", async (folder) => {
  const { command } = await built(folder, "libfree.so", ONLY_FREE);
  const { message } = await assertRejects(() => Child.start(command), ContestantError);
  assertMatch(
    message,
    /^contestant libfree\.so would be measured with another allocator: its malloc is that of \S*libc/,
  );
  assertMatch(message, /, not of \/\S*\/libfree\.so/);
});

preloadTest("a library that does not know its own blocks is refused", async (folder) => {
  const { command } = await built(folder, "libdisowning.so", DISOWNING);
  await assertRejects(() => Child.start(command), ContestantError, "does not know the block");
});

preloadTest("a preload that the loader skips is refused, with what the loader said", async (folder) => {
  const { command } = await built(folder, "libwhole.so", WHOLE);
  await Deno.remove(`${folder}/libwhole.so`);
  const { message } = await assertRejects(() => Child.start(command), ContestantError);
  assertMatch(message, /its malloc is that of \S*libc\S*, not of \S*libwhole\.so/);
  assertMatch(message, /cannot be preloaded|cannot open|No such file/);
});

preloadTest("another library than the one that was asked for is refused", async (folder) => {
  const { command } = await built(folder, "libwhole.so", WHOLE);
  const other = await built(folder, "libother.so", WHOLE);
  const mixed = { ...command, env: other.command.env! };
  await assertRejects(() => Child.start(mixed), ContestantError, "libother.so, not of");
});

preloadTest("system is the C library, whatever the user preloads, and a note says so", async (folder) => {
  const library = (await compile(folder, "libwhole.so", WHOLE))!;
  Deno.env.set("LD_PRELOAD", library);
  try {
    const { contestants, notes } = await enter([], ["system"]);
    await using child = await Child.start(contestants.find(({ allocator }) => allocator === "system")!.command);
    assertMatch(child.identity?.library ?? "", /libc|musl/);
    assertEquals(notes, [`contestants run without your LD_PRELOAD (${library})`]);
  } finally {
    Deno.env.delete("LD_PRELOAD");
  }
});

preloadTest(
  "findPeers() refuses what is not a library, and calls two files of one name by their paths",
  async (folder) => {
    await Deno.mkdir(`${folder}/a b`);
    const path = (await compile(folder, "libwhole.so", WHOLE))!;
    await Deno.copyFile(path, `${folder}/a b/libwhole.so`);
    await Deno.mkdir(`${folder}/c`);
    await Deno.copyFile(path, `${folder}/c/libwhole.so`);
    const cases: [texts: string[], says: string][] = [
      [[`${folder}/none.so`], "none.so does not exist"],
      [[`${folder}/libwhole.so.c`], "there is no peer"],
      [[`${folder}/a b/libwhole.so`], "no path with spaces or colons"],
      [["nobody"], "there is no peer nobody: system, mimalloc"],
    ];
    for (const [texts, says] of cases) assertThrows(() => findPeers(texts), PeerError, says);
    assertEquals(findPeers([path, "system", path]).map(({ name }) => name), ["libwhole.so", "system"]);
    const two = findPeers([path, `${folder}/c/libwhole.so`]);
    assertEquals(two.map(({ name }) => name), [path, `${folder}/c/libwhole.so`]);
    assertEquals(two.map(({ library }) => library), await Promise.all(two.map(({ name }) => Deno.realPath(name))));
  },
);

preloadTest("enter() has libraries named by their paths after the peers of the table", async (folder) => {
  const path = (await compile(folder, "libwhole.so", WHOLE))!;
  const { contestants } = await enter(["slab-map"], [path, "uint8array", "system"]);
  const labels = contestants.map(({ label }) => label);
  assertEquals(labels, ["hakmem", "system", "uint8array", "libwhole.so", "none (deno)", "none (native)"]);
});

for (const native of NATIVE_LIBRARIES) {
  const { name } = native;
  const isThere = CAN_PRELOAD && libraryOf(native) !== undefined;
  Deno.test({
    name: isThere
      ? `${name} serves its process, and does the work that system does`
      : `${name} (skipped: not installed)`,
    ignore: !isThere,
    fn: async () => {
      const contestant = await peerContestant(findPeer(name));
      await using child = await Child.start(contestant.command);
      assertEquals(child.identity?.library, libraryOf(native));
      const tellsVersion = ["mimalloc", "jemalloc", "tcmalloc"].includes(name);
      if (tellsVersion) assertMatch(child.identity?.version ?? "", /^\d+\.\d+/);
      const system = await peerContestant(findPeer("system"));
      for (const threads of [1, 2]) assertEquals(await workOf(contestant, threads), await workOf(system, threads));
    },
  });
  if (!isThere) {
    Deno.test(`findPeer() says how to have ${name}, which is not here`, () => {
      assertThrows(() => findPeer(name), PeerError, `${name} is not installed here: `);
    });
  }
}
