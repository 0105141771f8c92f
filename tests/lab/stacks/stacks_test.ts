/** Programs whose trees of calls are known, recorded with stacks in each way in which they can be found. */
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { profileOf } from "../../../src/lab/stacks/profile.ts";
import { parseFunctions, parseLines } from "../../../src/lab/stacks/symbols.ts";
import type { RecordedProcess } from "../../../src/model/mod.ts";
import { nameOfFrame } from "../../../src/profile/mod.ts";
import { readTrace, STACK_VALUES, type StackFacts, type StackTotal, TraceError } from "../../../src/traces/mod.ts";
import { build, linuxTest, recordedAs } from "../record/recorded.ts";

const AUTO: StackFacts = { by: "auto", depth: 64 };
const WITH_POINTERS = ["-fno-omit-frame-pointer", "-fno-optimize-sibling-calls"];
const WITHOUT_POINTERS = ["-fomit-frame-pointer", "-fno-optimize-sibling-calls"];

/** What the tree allocates: see `programs/tree.c`. The most is live when the last block of 100 bytes is. */
const TREE: Readonly<Record<string, StackTotal>> = {
  "main;outer;middle;leaf_a": { allocated: 100_000, blocks: 1000, peak: 50_000, temporary: 0, left: 50_000 },
  "main;outer;middle;leaf_b": { allocated: 50_000, blocks: 1000, peak: 0, temporary: 1000, left: 0 },
  "main;other;leaf_a": { allocated: 5000, blocks: 5, peak: 1000, temporary: 5, left: 0 },
};

/** The totals by the calls from `outermost` on, of each process; where there is no such call, by all of them. */
async function treesOf(
  stacks: StackFacts,
  program: string,
  args: readonly string[] = [],
  outermost = "main",
): Promise<Record<string, StackTotal>[]> {
  const { made } = await recordedAs({ program, args, stacks }, async ({ processes }) => {
    const trees: Record<string, StackTotal>[] = [];
    for (const { file, lost, lostStacks, cut } of processes) {
      assertEquals([lost, lostStacks, cut], [0, 0, false]);
      const { profile } = await profileOf(file, "allocated");
      const tree: Record<string, StackTotal> = {};
      for (const { frames, values } of profile.samples) {
        const names = frames.map(nameOfFrame), last = names.lastIndexOf(outermost);
        const key = (last < 0 ? names : names.slice(0, last + 1)).toReversed().join(";");
        tree[key] ??= { allocated: 0, blocks: 0, peak: 0, temporary: 0, left: 0 };
        for (const [at, value] of STACK_VALUES.entries()) tree[key][value] += values[at]!;
      }
      trees.push(tree);
    }
    return trees;
  });
  return made;
}

/** The stacks that go through some function. */
function through(tree: Readonly<Record<string, StackTotal>>, name: string): Record<string, StackTotal> {
  return Object.fromEntries(Object.entries(tree).filter(([key]) => key.split(";").includes(name)));
}

for (
  const [kind, flags, ways] of [
    ["with frame pointers", WITH_POINTERS, ["auto", "unwind", "fp"]],
    ["without frame pointers", WITHOUT_POINTERS, ["auto", "unwind"]],
    ["without frame pointers, and at fixed addresses", [...WITHOUT_POINTERS, "-no-pie"], ["auto"]],
  ] as const
) {
  linuxTest(`a program ${kind} gives its tree of calls, each with what it allocated`, async () => {
    const program = await build("tree", "executable", ...flags);
    for (const by of ways) {
      const [tree] = await treesOf({ by, depth: 64 }, program);
      assertEquals(tree, TREE, by);
    }
  });
}

linuxTest("frame pointers alone lead astray where functions keep none: what is tested above is not luck", async () => {
  const program = await build("tree", "executable", ...WITHOUT_POINTERS);
  const [misled] = await treesOf({ by: "fp", depth: 64 }, program);
  assert(!("main;outer;middle;leaf_a" in misled!), Object.keys(misled!).join());
});

linuxTest("a stack has so many callers as are asked for, and says that there are more", async () => {
  const program = await build("tree", "executable", ...WITH_POINTERS);
  const [tree] = await treesOf({ by: "auto", depth: 2 }, program, [], "");
  assertEquals(Object.keys(tree!).toSorted(), [
    "(callers left out);middle;leaf_a",
    "(callers left out);middle;leaf_b",
    "(callers left out);other;leaf_a",
  ]);
});

linuxTest("threads, forks and what a process becomes have their trees", async () => {
  for (const flags of [WITH_POINTERS, WITHOUT_POINTERS]) {
    const program = await build("tree", "executable", ...flags);
    const inThread = Object.fromEntries(
      Object.entries(TREE).map(([key, total]) => [key.replace("main", "in_thread"), total]),
    );
    const [threaded] = await treesOf(AUTO, program, ["thread"], "in_thread");
    assertEquals(through(threaded!, "in_thread"), inThread);
    const [parent, child] = await treesOf(AUTO, program, ["fork"], "in_thread");
    assertEquals(through(child!, "in_thread"), inThread);
    assertEquals(Object.values(through(parent!, "main")).map(({ allocated }) => allocated), [7]);
    const [become] = await treesOf(AUTO, program, ["exec"]);
    assertEquals(become, TREE);
  }
});

linuxTest(
  "callers are found, or not, without harm: small stacks, coroutines, code of a JIT, libc's locks",
  async () => {
    const program = await build("corners", "executable", ...WITHOUT_POINTERS);
    const runs = async (...args: string[]) => (await new Deno.Command(program, { args }).output()).success;
    let bytes = 2048; // the least that a handler's stack must have on this processor without us
    while (!await runs("handler", String(bytes))) bytes += 256;
    for (
      const [args, outermost, size] of [
        [["asks"], "asks", 111],
        [["tiny"], "tiny", 222],
        [["handler", String(bytes)], undefined, 333],
        [["handler", "65536"], "main", 333],
        [["array"], "main", 333],
        [["coroutine"], "body", 444],
        [["jit"], "body", 444],
      ] as const
    ) {
      for (const by of ["auto", "unwind"] as const) {
        const { made, exitCode } = await recordedAs({ program, args, stacks: { by, depth: 64 } }, async (found) => {
          const [{ file, lost }] = found.processes as [RecordedProcess];
          return { lost, sizes: readTrace(file).sizes, profile: (await profileOf(file, "allocated")).profile };
        });
        const what = `${args.join(" ")}, ${by}`;
        assertEquals([exitCode, made.lost, made.sizes.filter((each) => each === size).length], [0, 0, 1], what);
        if (outermost === undefined) continue; // there may be too little of the stack left for it
        const found = made.profile.samples.find(({ frames, values }) =>
          values[0] === size && frames.some((frame) => frame.function === outermost)
        );
        assertEquals(found?.frames.at(0)?.function, "make", what);
      }
    }
  },
);

linuxTest("a library that goes and one that comes in its place are told apart", async () => {
  const program = await build("tree", "executable", ...WITH_POINTERS);
  const libraries = [];
  for (const [name, size] of [["first_name", 111], ["other_name", 222]] as const) {
    libraries.push(await build("plugin", "library", `-DNAME=${name}`, `-DSIZE=${size}`, ...WITH_POINTERS));
  }
  const [tree] = await treesOf(AUTO, program, ["libraries", ...libraries]);
  const found = Object.entries(through(tree!, "allocate")).map(([key, { allocated }]) => [key, allocated]);
  assertEquals(found, [
    ["main;in_library;allocate;first_name", 111],
    ["main;in_library;allocate;other_name", 222],
  ]);
});

linuxTest(
  "a library that is loaded and closed thousands of times costs no stack, nor does one that stays",
  async () => {
    const program = await build("tree", "executable", ...WITH_POINTERS);
    const library = await build("plugin", "library", "-DNAME=name", "-DSIZE=111", ...WITH_POINTERS);
    for (const how of ["held", "closed"]) {
      const plan = { program, args: ["reloads", library, how], stacks: AUTO };
      const { processes: [process], made: sizes } = await recordedAs(plan, ({ processes }) => {
        const { sizes, callers = new Uint32Array() } = readTrace(processes[0]!.file);
        return Uint32Array.from(callers, (stack, event) => stack === 0 ? 0 : sizes[event]!);
      });
      const { lostStacks, lost } = process!;
      assertEquals([how, lostStacks, lost], [how, 0, 0]);
      assertEquals([16, 111].map((size) => sizes.filter((each) => each === size).length), [6500 * 64, 6500]);
    }
  },
);

linuxTest("a program without symbols gives modules and offsets", async () => {
  const program = await build("tree", "executable", ...WITHOUT_POINTERS, "-s");
  const [tree] = await treesOf(AUTO, program);
  const own = Object.entries(tree!).filter(([, { allocated }]) => allocated >= 5000);
  assertEquals(own.map(([, total]) => total), Object.values(TREE));
  for (const [key] of own) assertMatch(key.split(";").at(-1)!, /^recorded-tree-\S+@0x[0-9a-f]+$/);
});

linuxTest("a sample gives the shares of three places: 10, 30 and 60 % of 100 MiB", async () => {
  const program = await build("sites", "executable", ...WITH_POINTERS);
  const [tree] = await treesOf({ ...AUTO, sampleBytes: 8192 }, program); // 12,800 samples: 3 points are 7 times sigma
  const shares = ["small_site", "middle_site", "large_site"].map((name) =>
    tree![`main;${name}`]!.allocated / (10_240 * 10_240)
  );
  for (const [at, share] of [0.1, 0.3, 0.6].entries()) assertAlmostEquals(shares[at]!, share, 0.03);
});

linuxTest("a file that is another one now gives no names, and a trace without stacks an error", async () => {
  const built = await build("tree", "executable", ...WITH_POINTERS);
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    const program = `${folder}/tree`;
    await Deno.copyFile(built, program);
    await recordedAs({ program, args: [], stacks: AUTO }, async ({ processes }) => {
      await Deno.remove(program);
      await Deno.copyFile(await build("sites", "executable", ...WITH_POINTERS), program);
      const { notes, profile } = await profileOf(processes[0]!.file, "peak");
      assertMatch(notes.join(), /no names for .*\/tree: it is another file now/);
      assert(profile.samples.every(({ frames }) => !frames.some((frame) => frame.function === "small_site")));
      assertEquals(profile.defaultSampleType, "peak");
    });
    await recordedAs({ program: built, args: [] }, async ({ processes }) => {
      await assertRejects(() => profileOf(processes[0]!.file, "peak"), TraceError, "has no stacks");
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

linuxTest("the program is the first of a profile's modules, for which pprof takes it", async () => {
  const program = await build("tree", "executable", ...WITHOUT_POINTERS);
  const plan = { program, args: ["thread"], stacks: AUTO }; // what libc makes for the thread comes first
  const { made } = await recordedAs(plan, ({ processes }) => profileOf(processes[0]!.file, "allocated"));
  const files = made.profile.mappings!.map(({ file }) => file);
  assertEquals([files[0], new Set(files).size], [program, files.length]);
  assert(files.length > 1, files.join());
});

linuxTest("recording that is paused and let go on has the stretches, and what became of their blocks", async () => {
  const program = await build("stretches");
  for (const stacks of [undefined, AUTO]) {
    const plan = { program, args: [], isPaused: true, ...(stacks === undefined ? {} : { stacks }) };
    const { processes: [process] } = await recordedAs(plan, () => {});
    const { kinds, stretches, lostSignal, unknownBlocks, unseenFrees, endLiveBytes } = process!;
    assertEquals([kinds.malloc, kinds.free, kinds.realloc, stretches, lostSignal], [8, 2, 1, 2, false]);
    assertEquals([unknownBlocks, unseenFrees, endLiveBytes], [1, 0, 2 * 100 + 300 + 3 * 50]);
  }
  const error = await assertRejects(() => recordedAs({ program, args: ["own"], isPaused: true }, () => {}), Error);
  assertMatch(String(error), /it was paused all the time, and handles SIGUSR2/);
});

Deno.test("what addr2line and nm print is understood", () => {
  const lines = parseLines(
    "0x000000000000117b\nleaf(int)\n/src/a.c:5 (discriminator 2)\nmain\n/src/a.c:10\n0x20\n??\n??:0\n0x30\nf\n??:?\n",
  );
  assertEquals([...lines], [
    [0x117b, [{ function: "leaf(int)", file: "/src/a.c", line: 5 }, { function: "main", file: "/src/a.c", line: 10 }]],
    [0x20, [{ function: "", file: "", line: 0 }]],
    [0x30, [{ function: "f", file: "", line: 0 }]],
  ]);
  const functions = parseFunctions(
    "0000000000001179 0000000000000020 T leaf(int)\n0000000000004010 0000000000000008 B data\n" +
      "0000000000001000 0000000000000010 W memcpy@@GLIBC_2.14\n                 U malloc\n",
  );
  assertEquals(functions, [
    { start: 0x1000, end: 0x1010, name: "memcpy" },
    { start: 0x1179, end: 0x1199, name: "leaf(int)" },
  ]);
});
