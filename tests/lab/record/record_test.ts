/** The recorder against programs whose calls are known by construction, and against valgrind. */
import { assert, assertEquals, assertGreater, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { RecordError, Recording } from "../../../src/lab/record/record.ts";
import { RECORDER, STACK_RECORDER } from "../../../src/lab/record/files.ts";
import { buildNative } from "../../../src/os/mod.ts";
import { compilesWithoutWarning } from "../../os/run_child.ts";
import { EVENT, readTrace, type Trace, TraceError } from "../../../src/traces/mod.ts";
import { type RawHeader, RawRecording, readRawHeader } from "../../../src/traces/recording/raw/recording.ts";
import {
  build,
  hasValgrind,
  linuxTest,
  type Recorded,
  recorded,
  recordedAs,
  type Sums,
  sumsOf,
  valgrind,
  valgrindTotals,
} from "./recorded.ts";

/** Nothing was missed, and nothing had to be made up for. */
function assertSound({ processes }: Recorded): void {
  for (const { stopped, lost, unseenFrees, cut } of processes) {
    assertEquals([stopped, lost, unseenFrees, cut], [0, 0, 0, false]);
  }
}

/** How often each kind of event is in a trace. */
function countOf(trace: Trace, kind: number): number {
  return trace.kinds.reduce((sum, each) => sum + (each === kind ? 1 : 0), 0);
}

// 1000 blocks of 0 to 999 bytes, one after the other, are 499,500 bytes.
const SINGLE: Sums = {
  mallocs: 4 + 1000, // realloc(NULL) is one, strdup too
  callocs: 1,
  aligned: 4,
  reallocs: 3,
  frees: 7 + 1000, // realloc(block, 0) is one
  bytes: 100 + 0 + 300 + 5000 + 200 + 70_000 + 1000 + 1000 + 8192 + 77 + 5 + 13 + 499_500,
  peakLiveBytes: 300 + 200 + 70_000,
  endLiveBytes: 200 + 1000,
  endLiveBlocks: 2,
};

linuxTest("native/recorder.c compiles without a warning under gcc and clang", async (_folder, t) => {
  const source = decodeURIComponent(new URL("../../../native/recorder.c", import.meta.url).pathname);
  for (const { flags = [] } of [RECORDER, STACK_RECORDER]) {
    const ofCompiler = flags.filter((flag) => !/^-(?:l|Wl)/.test(flag));
    await compilesWithoutWarning(t, ["-O2", "-fPIC", ...ofCompiler], [source]);
  }
});

linuxTest("a recording has each call of the family, and none that failed or did nothing", async () => {
  const found = await recorded(await build("single"));
  assertSound(found);
  const [process] = found.processes;
  assertEquals(sumsOf(process!), SINGLE);
  assertEquals([found.processes.length, process!.threads, process!.unknownBlocks, found.exitCode], [1, 1, 0, 0]);
  const [trace] = found.traces;
  const alignments = [...trace!.alignments].filter((_, event) => trace!.kinds[event] === EVENT.ALIGNED);
  assertEquals(alignments, [6, 12, 5, Math.log2(4096)]);
});

linuxTest("pvalloc is recorded with the whole pages that it gives", async () => {
  const { processes } = await recorded(await build("single"), "pvalloc");
  const { aligned, bytes } = sumsOf(processes[0]!);
  assertEquals([aligned, bytes], [SINGLE.aligned + 1, SINGLE.bytes + 4096]);
});

linuxTest("a recording of threads has one order: no block is freed before it is made, or made twice", async () => {
  const found = await recorded(await build("threads"));
  assertSound(found);
  const [process] = found.processes, [trace] = found.traces;
  const { mallocs, reallocs, frees } = sumsOf(process!), { threads, kinds, crossThreadFrees, unknownBlocks } = process!;
  const threadEnds = kinds["thread end"];
  assertEquals(
    { mallocs, reallocs, frees, threads, threadEnds, unknownBlocks },
    { mallocs: 84_004, reallocs: 10_000, frees: 84_004, threads: 5, threadEnds: 4, unknownBlocks: 0 },
  );
  assertGreater(crossThreadFrees * frees, 4000 - 1);
  assertGreater(process!.peakLiveBytes, 4004 * 48 - 1);
  // The destructors of thread-specific data have freed before their thread's end, which is its last event.
  const last = new Map<number, number>();
  for (let event = 0; event < trace!.length; event++) last.set(trace!.threads[event]!, trace!.kinds[event]!);
  assertEquals([...last.values()].filter((kind) => kind === EVENT.THREAD_END).length, 4);
});

linuxTest("the order is right where a freed address is given to another thread before free returns", async () => {
  const before = Deno.env.get("LD_PRELOAD");
  Deno.env.set("LD_PRELOAD", await build("handover", "library")); // which the recorder keeps, behind itself
  try {
    const found = await recorded(await build("threads"));
    assertSound(found);
    assertEquals(found.processes[0]!.unknownBlocks, 0);
  } finally {
    if (before === undefined) Deno.env.delete("LD_PRELOAD");
    else Deno.env.set("LD_PRELOAD", before);
  }
});

linuxTest("each process is recorded for itself, whichever way it was forked or started", async () => {
  const found = await recorded(await build("forks"));
  assertSound(found);
  assertEquals(found.exitCode, 0);
  const [parent, ...children] = found.processes;
  assertEquals(children.length, 3, "a child of vfork has no recording of its own");
  // The numbers of processes begin anew at some time: their order is not that in which they were started.
  const [cloned, forked, spawned] = children.toSorted((one, other) => Number(other.forked) - Number(one.forked));
  for (const child of [cloned!, forked!]) {
    const { mallocs, frees, bytes, peakLiveBytes, endLiveBytes } = sumsOf(child);
    assertEquals([mallocs, frees, bytes, peakLiveBytes, endLiveBytes], [7, 5, 700, 300, 200]);
    assertEquals([child.forked, child.unknownBlocks], [true, 5]);
  }
  assertEquals([spawned!.forked, sumsOf(spawned!).mallocs, sumsOf(spawned!).bytes], [false, 1, 12_345]);
  assertEquals(found.processes.map(({ file, pid }, index) => file.endsWith(index === 0 ? ".trace" : `.${pid}`)), [
    true,
    true,
    true,
    true,
  ]);
  // Besides what the disturbing thread does: 10 blocks before, 3 after, and nothing of the children.
  const sizes = [...found.traces[0]!.sizes].filter((size) => size === 1000 || size === 300 || size === 100);
  assertEquals(sizes, [...Array(10).fill(1000), ...Array(3).fill(300)]);
  assertEquals([parent!.forked, parent!.unknownBlocks], [false, 0]);
});

linuxTest("a recording of a program that is killed has everything up to its last call", async () => {
  const found = await recorded(await build("killed"), "20000");
  assertSound(found);
  assertEquals(found.signal, "SIGKILL");
  const sizes = found.traces[0]!.sizes.filter((size) => size === 24);
  assertEquals([sumsOf(found.processes[0]!).mallocs, sizes.length], [40_000, 40_000]);
});

/** What `programs/endless.c` does, as far as it came: by thread every event in its place, up to some event. */
function assertPrefixes({ kinds, threads, blocks, sizes }: Trace): void {
  const states = new Map<number, { size: number; live: number | undefined }>();
  const assertOf = (event: number, isRight: boolean) => {
    if (!isRight) throw new Error(`event ${event}: not what thread ${threads[event]} did next`);
  };
  for (let event = 0; event < kinds.length; event++) {
    const thread = threads[event]!, block = blocks[event]!, size = sizes[event]!;
    const state = states.get(thread) ?? { size: 0, live: undefined };
    states.set(thread, state);
    if (kinds[event] === EVENT.FREE) {
      assertOf(event, state.live === block);
      state.live = undefined;
    } else if (kinds[event] === EVENT.MALLOC && (state.size > 0 || size === 1)) {
      assertOf(event, size === state.size % 60_000 + 1 && state.live === undefined);
      state.size = size;
      state.live = block;
    }
  }
  assert([...states.values()].some(({ size }) => size > 0));
}

linuxTest("a recording of a program that is killed at any moment has no event twice, and none is missing", async () => {
  const program = await build("endless");
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    let most = 0;
    for (let round = 0; round < 8; round++) {
      const args = [String(1 + 2000 * round)];
      using recording = await Recording.start({ program, args, file: `${folder}/program.trace` });
      assertEquals((await recording.outcome()).signal, "SIGKILL");
      const { processes } = await recording.finish(() => {}, new AbortController().signal);
      assertPrefixes(readTrace(processes[0]!.file));
      most = Math.max(most, processes[0]!.events);
    }
    assertGreater(most, 20_000, "windows were emptied");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

linuxTest("what is read of a process while it runs has no event twice, and none is missing", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    const program = await build("endless");
    const script = `mkfifo told; '${program}' 10001 told & echo $! > pid; read line < told`;
    const found = await recorded("sh", "-c", `cd '${folder}'; ${script}`);
    const pid = Number(await Deno.readTextFile(`${folder}/pid`));
    Deno.kill(pid, "SIGKILL");
    const index = found.processes.findIndex((each) => each.pid === pid);
    assert(found.processes[index]!.running);
    assertPrefixes(found.traces[index]!);
    assertGreater(found.processes[index]!.events, 20_000);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function headerOf(bytes: Uint8Array<ArrayBuffer>): RawHeader {
  const { header } = new RawRecording((at, length) => {
    const part = new Uint8Array(length);
    part.set(bytes.subarray(at, at + length));
    return part;
  });
  return header;
}

/** What the recorder leaves of `programs/awkward.c`: the trace, and its bytes. */
async function awkward(
  what: string,
  check: (trace: Trace, header: RawHeader, bytes: number) => void,
  variables: Record<string, string> = {},
): Promise<void> {
  const program = await build("awkward");
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    const recorder = variables["HAKMEM_RECORDING_STACKS"] === undefined ? RECORDER : STACK_RECORDER;
    const env = { LD_PRELOAD: (await buildNative(recorder)).path, HAKMEM_RECORDING: folder, ...variables };
    const args = [what, `${folder}.swapped`];
    const process = new Deno.Command(program, { args, env, stdout: "null", stderr: "null" }).spawn();
    const { code, signal } = await process.status;
    assertEquals([code, signal], [0, null], what);
    const file = `${folder}/${process.pid}.0`, bytes = Deno.readFileSync(file);
    check(readTrace(file), headerOf(bytes), bytes.length);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(`${folder}.swapped`).catch(() => {});
  }
}

const countOfSize = ({ sizes }: Trace, size: number): number => sizes.filter((each) => each === size).length;

for (const what of ["succession", "late"]) {
  linuxTest(
    `threads that come and go share the room for what they do: ${what}`,
    () =>
      awkward(what, (trace, { stopped }, bytes) => {
        assertEquals([stopped, new Set(trace.threads).size], [0, 1001]);
        assertEquals([countOfSize(trace, 24), countOf(trace, EVENT.THREAD_END)], [1001, 1000]);
        assert(bytes <= 2 ** 20, `${bytes} bytes`);
      }),
  );
}

linuxTest(
  "a program that may write no more files runs on, and recording stops",
  () =>
    awkward("limit", (trace, { stopped }) => {
      assertEquals(stopped, 27); // EFBIG
      assertGreater(countOfSize(trace, 11), 1000);
    }),
);

for (const what of ["files", "closed", "swapped", "nameless", "vfork", "cancelled", "handler"]) {
  linuxTest(
    `recording goes on, and the program's own files are left alone: ${what}`,
    () =>
      awkward(what, (trace, { stopped }) => {
        assertEquals([stopped, countOfSize(trace, 11)], [0, 10_000]);
      }),
  );
}

linuxTest(
  "what lies where the recording was is not written to: recording stops",
  () =>
    awkward("replaced", (trace, { stopped }) => {
      assertEquals(stopped, 2); // ENOENT
      assertGreater(countOfSize(trace, 24), 1000);
    }),
);

for (const bytes of [0, 65_536, 65_536 + 4096, 131_072]) {
  linuxTest(`a program runs on while another makes its recording shorter: ${bytes} bytes`, async (folder) => {
    const env = { LD_PRELOAD: (await buildNative(RECORDER)).path, HAKMEM_RECORDING: folder };
    const args = ["shrunk", "", String(bytes)];
    const { code, signal } = await new Deno.Command(await build("awkward"), { args, env }).output();
    assertEquals([code, signal], [0, null]);
    const [{ name }] = [...Deno.readDirSync(folder)] as [Deno.DirEntry], left = Deno.readFileSync(`${folder}/${name}`);
    assertEquals(left.length, bytes, "it is not made longer again");
    if (bytes === 0) return;
    const read = (at: number, length: number) => new Uint8Array(left.slice(at, at + length));
    assertEquals(readRawHeader(read).stopped, 116); // ESTALE
    if (bytes > 65_536) assertThrows(() => headerOf(left), TraceError, "made this file shorter");
  });
}

linuxTest("of a program with more threads than a trace may have, those are recorded that there may be", async () => {
  const { processes: [process], made } = await recordedAs(
    { program: await build("awkward"), args: ["many"] },
    ({ processes }) => readTrace(processes[0]!.file),
  );
  assertEquals([process!.cut, made.threadNames.length], [true, 65_536]);
});

linuxTest("who allocates before main is recorded, also before any constructor has run", async () => {
  const library = await build("plugin", "library", "-DNAME=in_library", "-DSIZE=32", "-DEARLY=5");
  const found = await recorded(await build("early", "executable", "-Wl,--no-as-needed", library));
  assertSound(found);
  assertEquals([31, 32, 33, 11].map((size) => countOfSize(found.traces[0]!, size)), [4, 5 + 1, 6, 10]);
});

linuxTest("numbers in the recorder's variables may be anything", async () => {
  for (const number of ["9223372036854775807", "18446744073709551615", "9".repeat(100)]) {
    const stacks = { HAKMEM_RECORDING_STACKS: "auto", HAKMEM_RECORDING_DEPTH: number };
    await awkward("", (trace, { stacks, stopped }) => {
      assertEquals([stopped, countOfSize(trace, 11), stacks?.depth], [0, 10_000, 128]);
      // The distance to the next sample is beyond what a program can ask for.
      assertEquals([Number.isSafeInteger(stacks?.sampleBytes), trace.callers?.some((each) => each !== 0)], [
        true,
        false,
      ]);
    }, { ...stacks, HAKMEM_RECORDING_SAMPLE: number });
    // No file can be as long as that: the program runs on, and nothing is recorded.
    await assertRejects(() => awkward("", () => {}, { HAKMEM_RECORDING_ROOM: number }), TraceError, "no event");
  }
  await awkward("", (trace, { stopped, stacks }) => {
    assertEquals([stopped, countOfSize(trace, 11), stacks?.by, stacks?.depth], [0, 10_000, "auto", 128]);
  }, {
    HAKMEM_RECORDING_STACKS: "?",
    HAKMEM_RECORDING_DEPTH: "-",
    HAKMEM_RECORDING_SAMPLE: "x",
    HAKMEM_RECORDING_ROOM: "",
  });
});

linuxTest("a process that runs on is recorded up to the program's end, and is not disturbed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    // It says that it has begun, and then reads what nobody writes.
    const child = "sh -c 'echo > told; read line < told'";
    const found = await recorded("sh", "-c", `cd '${folder}'; mkfifo told; ${child} & echo $! > pid; read line < told`);
    const pid = Number(await Deno.readTextFile(`${folder}/pid`));
    Deno.kill(pid, "SIGKILL"); // throws if there is no such process: it was disturbed
    const process = found.processes.find((each) => each.pid === pid);
    assertEquals([process?.running, found.processes[0]!.running, process?.stopped], [true, false, 0]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

linuxTest("a process that becomes another program leaves the recording of the last one", async () => {
  const program = await build("single");
  const found = await recorded("sh", "-c", `exec '${program}'`);
  assertEquals(sumsOf(found.processes[0]!), SINGLE);
  assertEquals([found.processes.length, found.replaced], [1, 1]);
});

linuxTest(
  "where a recording cannot grow it stops, the program goes on, and what was recorded can be read",
  async () => {
    const program = await build("killed");
    const found = await recorded("sh", "-c", `ulimit -f 600; exec '${program}' 50000`);
    assertEquals(found.signal, "SIGKILL", "the program came to its own end, not to the one of SIGXFSZ");
    const [process] = found.processes,
      { mallocs } = sumsOf(process!),
      { stopped, unseenFrees, unknownBlocks } = process!;
    assertEquals([stopped, unseenFrees, unknownBlocks], [27, 0, 0]); // EFBIG
    assertGreater(mallocs, 1000);
    assert(mallocs < 100_000, `${mallocs}`);
    assertEquals(countOf(found.traces[0]!, EVENT.MALLOC), mallocs);
  },
);

linuxTest("on a full disk recording stops, the program goes on, and what was recorded can be read", async (folder) => {
  const disk = `${folder}/disk`, kept = `${folder}/kept`;
  for (const each of [disk, kept]) await Deno.mkdir(each);
  const script = 'mount -t tmpfs -o size=400k tmpfs "$1" || exit 77; ' +
    'HAKMEM_RECORDING="$1" LD_PRELOAD="$2" "$3" 50000; code=$?; cp "$1"/* "$4"; exit $code';
  const words = [disk, (await buildNative(RECORDER)).path, await build("killed"), kept];
  const args = ["--mount", "--map-root-user", "sh", "-c", script, "sh", ...words];
  const { code } = await new Deno.Command("unshare", { args, stderr: "null" }).output().catch(() => ({ code: 77 }));
  if (code === 77 || code === 1) return console.error("no disk can be made here: there is none to fill");
  assertEquals(code, 128 + 9, "the program came to its own end, which is SIGKILL");
  const [{ name }] = [...Deno.readDirSync(kept)] as [Deno.DirEntry];
  const trace = readTrace(`${kept}/${name}`), bytes = Deno.readFileSync(`${kept}/${name}`);
  assertEquals(headerOf(bytes).stopped, 28); // ENOSPC
  assertGreater(countOf(trace, EVENT.MALLOC), 1000);
});

linuxTest(
  "a program that has room for the beginning of a recording alone is missing, and the reason is said",
  async () => {
    const program = await build("killed");
    const { made } = await recordedAs(
      { program: "sh", args: ["-c", `ulimit -f 128; exec '${program}' 10`] },
      ({ missing = [] }) => missing.map(({ program, reason }) => [program.replace(/-.*/, ""), reason]),
    );
    assertEquals(made.map(([program]) => program), ["recorded"]);
    assertMatch(made[0]![1]!, /may write no file that long/);
  },
);

linuxTest("what cannot be recorded is refused before it is run, with the reason", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    const refuse = async (program: string, says: string, file = `${folder}/x.trace`) => {
      await assertRejects(() => Recording.start({ program, args: [], file }), RecordError, says);
    };
    await refuse("/no/such/program", "/no/such/program cannot be started");
    await refuse("no-such-program", "no-such-program cannot be started: no folder of PATH has it");
    await refuse(folder, "cannot be started");
    await refuse("true", "cannot be written: Is a directory", folder);
    await refuse("true", "its folder must exist", "/no/such/folder/x.trace");
    const pipe = `${folder}/pipe`; // nobody reads it: who opens it waits
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    await refuse("true", "it is there, and is not a file", pipe);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["pipe"], "nothing of ours is left");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const WITNESSES = hasValgrind() ? "" : " (skipped: needs Linux and valgrind)";

/** Programs that do the same at each run, whatever their environment. */
const PROGRAMS: readonly [program: string, ...args: string[]][] = [
  ["single"],
  [
    "sqlite3",
    ":memory:",
    "create table t(a); insert into t values (1), (2), (3); create table u as select sum(a) from t group by a % 2;",
  ],
];

Deno.test({
  name: `a recording has the sums that valgrind finds${WITNESSES}`,
  ignore: WITNESSES !== "",
  fn: async (t) => {
    for (const [name, ...args] of PROGRAMS) {
      await t.step(name, async () => {
        const program = name === "sqlite3" ? name : await build(name);
        if (!await isThere(program)) return console.error(`there is no ${program}: it is not recorded`);
        const found = await recorded(program, ...args);
        assertEquals(sumsOf(found.processes[0]!), await valgrind(program, ...args));
      });
    }
  },
});

Deno.test({
  name: `a recording of threads has the totals that valgrind finds${WITNESSES}`,
  ignore: WITNESSES !== "",
  fn: async () => {
    const program = await build("threads");
    const { mallocs, callocs, reallocs, frees, bytes, endLiveBlocks } = sumsOf((await recorded(program)).processes[0]!);
    const totals = await valgrindTotals(program);
    // libc's table for the thread-local data of each of the four threads has an entry for the recorder's own, of 16 bytes.
    assertEquals({ ...totals, bytes: totals.bytes + 4 * 16 }, {
      allocations: mallocs + callocs + reallocs,
      frees: frees + reallocs, // which it counts as one of each
      bytes,
      endLiveBlocks,
    });
  },
});

async function isThere(program: string): Promise<boolean> {
  const args = ["-c", 'command -v -- "$1" > /dev/null', "sh", program];
  return (await new Deno.Command("sh", { args }).output()).success;
}

linuxTest("a link where a recording goes is replaced, and what it leads to is left alone", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const victim = `${folder}/victim`, file = `${folder}/x.trace`, go = `${folder}/go`;
    await Deno.writeTextFile(victim, "dear");
    await Deno.symlink(victim, file);
    // The child's number is known before its recording is made, as to somebody who looks at /proc.
    const script = "sh -c ': $(ls /)' & echo $! > \"$1\"; wait $!; :";
    using recording = await Recording.start({ program: "sh", args: ["-c", script, "sh", go], file });
    await recording.outcome();
    const pid = Number(await Deno.readTextFile(go));
    await Deno.symlink(victim, `${file}.${pid}`);
    const { processes } = await recording.finish(() => {}, new AbortController().signal);
    for (const path of [file, `${file}.${pid}`]) {
      assert(processes.some((each) => each.file === path), path);
      assert((await Deno.lstat(path)).isFile, path);
    }
    assertEquals(await Deno.readTextFile(victim), "dear");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
