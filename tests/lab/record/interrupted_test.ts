/** The recorder where a signal interrupts it, and the handler allocates, forks, or never comes back. */
import { assertEquals } from "@std/assert";
import { build, linuxTest, recordedAs } from "./recorded.ts";
import { readTrace } from "../../../src/traces/mod.ts";

/** How often `programs/interrupted.c` interrupts the recorder, and what a child makes of each size. */
const TIMES = 60, OF_CHILD = 100;

/** Records it; gives how many blocks each process made of the sizes 11 to 14, the program first. */
async function blocksOf(args: readonly string[], hasStacks: boolean): Promise<number[][]> {
  const program = await build("interrupted");
  const plan = { program, args, ...(hasStacks ? { stacks: { by: "auto" as const, depth: 64 } } : {}) };
  const { exitCode, processes, made } = await recordedAs(plan, ({ processes }) =>
    processes.map(({ file }) => {
      const { sizes } = readTrace(file);
      return [11, 12, 13, 14].map((size) => sizes.filter((each) => each === size).length);
    }));
  assertEquals(exitCode, 0);
  for (const { stopped, lost, cut, wasCalling } of processes) {
    assertEquals([stopped, lost, cut, wasCalling], [0, 0, false, false]);
  }
  assertEquals([processes[0]!.unseenFrees, processes[0]!.unknownBlocks], [0, 0]);
  return made;
}

for (const [stack, ...args] of [["the thread's"], ["its own", "other"]]) {
  for (const hasStacks of [false, true]) {
    const how = `, on ${stack} stack${hasStacks ? ", and callers are recorded" : ""}`;

    linuxTest(`a thread is recorded after a handler has jumped out of the recorder${how}`, async () => {
      assertEquals(await blocksOf(["jumps", ...args], hasStacks), [[10_000, 0, 0, 0]]);
    });

    linuxTest(`a handler that has interrupted the recorder is recorded${how}`, async () => {
      assertEquals(await blocksOf(["allocates", ...args], hasStacks), [[10_000, 0, 0, TIMES]]);
    });

    linuxTest(`a child that was forked while the recorder was interrupted is recorded${how}`, async () => {
      const [parent, ...children] = await blocksOf(["forks", ...args], hasStacks);
      assertEquals(parent, [10_000, 0, 0, 0]);
      assertEquals(children.map(([_, inHandler]) => inHandler), Array(TIMES).fill(OF_CHILD));
      const cameBack = children.filter(([_, __, after]) => after === OF_CHILD).length;
      assertEquals([cameBack, children.filter(([_, __, after]) => after === 0).length], [TIMES / 2, TIMES / 2]);
    });
  }
}
