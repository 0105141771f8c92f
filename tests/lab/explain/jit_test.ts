import { assert, assertEquals, assertRejects } from "@std/assert";
import { evidenceOf, jitEvidence } from "../../../src/lab/explain/jit/jit.ts";
import { codeBytesOf, parseJitDump } from "../../../src/lab/explain/jit/dump.ts";
import {
  countDeopts,
  countOptimisations,
  lastInlining,
  logLines,
  refusedFlags,
} from "../../../src/lab/explain/jit/log.ts";
import { type Workload, WORKLOADS } from "../../../src/workloads/mod.ts";

// Recorded from Deno 2.9.6 with V8 15.0, variant e3-1; addresses shortened, an answer of the contestant in mid-line.
const TRACE = `ready
[manually marking 0x1 <JSFunction (sfi = 0x1ab805fd9d1)> for optimization to MAGLEV, ConcurrencyMode::kSynchronous]
[disabled optimization for 0x2 <SharedFunctionInfo unit>, reason: Optimization is always disabled]
[completed compiling 0x3 <JSFunction mixedChunk (sfi = 0xa1)> (target MAGLEV) OSR - took 0.000, 0.347, 0.002 ms]
[bailout (kind: deopt-eager, reason: prepare for on stack replacement (OSR)): begin. deoptimizing 0x3 <JSFunction mixedChunk (sfi = 0xa1)>, 0x4 <Code MAGLEV>, opt id 5, bytecode offset 190, deopt exit 35]
[compiling method 0x3 <JSFunction mixedChunk (sfi = 0xa1)> (target TURBOFAN_JS) OSR, mode: ConcurrencyMode::kConcurrent]
Inlining 0x5 {0xd6 <SharedFunctionInfo refill>} into 0x6 {0xa1 <SharedFunctionInfo mixedChunk>}
[completed compiling 0x3 <JSFunction mixedChunk (sfi = 0xa1)> (target TURBOFAN_JS) OSR - took 0.004, 5.165, 0.015 ms]
[compiling method 0x3 <JSFunction mixedChunk (sfi = 0xa1)> (target TURBOFAN_JS), mode: ConcurrencyMode::kConcurrent]
Inlining small function(s) at call site #141:JSCall
Inlining 0x7 {0xb1 <SharedFunctionInfo write>} into 0x6 {0xa1 <SharedFunctionInfo mixedChunk>}
Budget used: 0/920 -- 2 candidate(s) for inlining:
- candidate: JSCall node #99 with frequency 3.80339, has_heapnum_param:0, 1 target(s):
  - target: 0x8 {0xb2 <SharedFunctionInfo malloc>}, bytecode size: 275, existing opt code's inlined bytecode size: 50
- candidate: JSCall node #80 with frequency 0.677966, has_heapnum_param:0, 1 target(s):
  - target: 0x9 {0xb3 <SharedFunctionInfo free>}, bytecode size: 397, existing opt cok nanoseconds=121120456 operations=2004112 checksum=57e046df slot-checksum=9eeebe0c tier=turbofan
ode's inlined bytecode size: 195
Inlining 0x8 {0xb2 <SharedFunctionInfo malloc>} into 0x6 {0xa1 <SharedFunctionInfo mixedChunk>}
Cannot consider 0x10 {0xb4 <SharedFunctionInfo boxCheck>} for inlining (reason: exceeds bytecode limit)
Cannot consider 0x10 {0xb9 <FeedbackCell[many closures]>} for inlining (no feedback vector)
Inlining 0x12 {0xb6 <SharedFunctionInfo headerClass>} into 0x13 {0xb3 <SharedFunctionInfo free>}
Inlining 0x14 {0xb7 <SharedFunctionInfo get closed>} into 0x6 {0xa1 <SharedFunctionInfo mixedChunk>}
Budget used: 275/920 -- 1 candidate(s) for inlining:
- candidate: JSCall node #80 with frequency 0.677966, has_heapnum_param:0, 1 target(s):
  - target: 0x9 {0xb3 <SharedFunctionInfo free>}, bytecode size: 397, existing opt code's inlined bytecode size: 195
[completed compiling 0x3 <JSFunction mixedChunk (sfi = 0xa1)> (target TURBOFAN_JS) - took 0.002, 3.880, 0.012 ms]
[disabled optimization for 0x11 <SharedFunctionInfo unit>, reason: Optimization is always disabled]
[bailout (kind: deopt-lazy, reason: (unknown)): begin. deoptimizing 0x15 <JSFunction free (sfi = 0xb3)>, 0x16 <Code TURBOFAN_JS>, opt id 9, bytecode offset 12]
[bailout (kind: deopt-lazy, reason: (unknown)): begin. deoptimizing 0x15 <JSFunction free (sfi = 0xb3)>, 0x17 <Code TURBOFAN_JS>, opt id 11, bytecode offset 12]
[bailout (kind: deopt-eager, reason: out of bounds): begin. deoptimizing 0x18 <JSFunction freeAll (sfi = 0xb8)>, 0x19 <Code TURBOFAN_JS>, opt id 7, bytecode offset 201]
`;

/** A record of machine code, as V8 writes it. */
function codeLoad(name: string, codeBytes: number): Uint8Array {
  const encoded = new TextEncoder().encode(name);
  const record = new Uint8Array(57 + encoded.length + codeBytes).fill(0xcc);
  const view = new DataView(record.buffer);
  view.setUint32(0, 0, true);
  view.setUint32(4, record.length, true);
  view.setBigUint64(40, BigInt(codeBytes), true);
  record.set(encoded, 56);
  record[56 + encoded.length] = 0;
  return record;
}

function dump(...records: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(40);
  new DataView(header.buffer).setUint32(0, 0x4a695444, true);
  return new Uint8Array([header, ...records].flatMap((part) => [...part]));
}

const LOOP = "mixedChunk file:///src/workloads/synthetic/random_mixed.ts:76:20";

Deno.test("logLines() takes answers out of V8's lines, and mends the lines that they broke", () => {
  const lines = logLines(TRACE);
  assertEquals(lines.some((line) => line.includes("nanoseconds") || line === "ready"), false);
  const free = "  - target: 0x9 {0xb3 <SharedFunctionInfo free>}, bytecode size: 397, ";
  assertEquals(lines.filter((line) => line === `${free}existing opt code's inlined bytecode size: 195`).length, 2);
});

Deno.test("lastInlining() says of TurboFan's last compilation what was inlined, and why the rest was not", () => {
  assertEquals(lastInlining(logLines(TRACE), "mixedChunk"), [
    { callee: "write", inlined: true, reason: "small" },
    { callee: "malloc", inlined: true, reason: "within the budget" },
    {
      callee: "free",
      inlined: false,
      reason: "its 592 bytes of bytecode, 195 of them inlined, do not fit: 275 of 920 were used",
    },
    { callee: "boxCheck", inlined: false, reason: "exceeds bytecode limit" },
    { callee: "get closed", inlined: true, reason: "within the budget" },
  ]);
  assertEquals(lastInlining(logLines(TRACE), "pairChunk"), undefined);
});

Deno.test("lastInlining() tells functions of one name apart by what became of them, and keeps the loop's own", () => {
  const own = "  - target: 0x9 {0xb3 <SharedFunctionInfo free>}, bytecode size: 397";
  const inner = (address: string, size: number) =>
    `  - target: 0x20 {${address} <SharedFunctionInfo free>}, bytecode size: ${size}`;
  const budget = "Budget used: 700/920 -- 1 candidate(s) for inlining:";
  const method = "0x3 <JSFunction mixedChunk (sfi = 0xa1)> (target TURBOFAN_JS)";
  const inlined = "Inlining 0x21 {0xc2 <SharedFunctionInfo free>} into 0x6 {0xa1 <SharedFunctionInfo mixedChunk>}";
  const compiled = (...lines: string[]) => [
    `[compiling method ${method}, mode: x]`,
    budget,
    ...lines,
    `[completed compiling ${method} - took 1 ms]`,
  ];
  const reason = "its 397 bytes of bytecode do not fit: 700 of 920 were used";
  const left = { callee: "free", inlined: false, reason };
  assertEquals(lastInlining(compiled(own, inner("0xc1", 270)), "mixedChunk"), [left]);
  assertEquals(lastInlining(compiled(own, inlined), "mixedChunk"), [
    left,
    { callee: "free", inlined: true, reason: "within the budget" },
  ]);
});

Deno.test("countDeopts() counts those of the functions asked for, after the last mark", () => {
  const lines = logLines(TRACE);
  assertEquals(countDeopts(lines, ["mixedChunk", "malloc", "free"]), [
    { function: "free", reason: "(unknown)", kind: "lazy", count: 2 },
  ]);
  const unmarked = lines.filter((line) => !line.includes("SharedFunctionInfo unit"));
  assertEquals(countDeopts(unmarked, ["mixedChunk"]), [
    { function: "mixedChunk", reason: "prepare for on stack replacement (OSR)", kind: "eager", count: 1 },
  ]);
});

Deno.test("countOptimisations() counts the compilations of one function", () => {
  assertEquals(countOptimisations(logLines(TRACE), "mixedChunk"), 3);
  assertEquals(countOptimisations(logLines(TRACE), "mixed"), 0);
});

Deno.test("parseJitDump() finds code by its name, behind records whose length is wrong and before a cut", () => {
  const wrong = new Uint8Array(23).fill(7);
  const loads = parseJitDump(dump(
    codeLoad(`JS:^${LOOP}`, 8),
    wrong,
    codeLoad(`JS:*'${LOOP}`, 300),
    new TextEncoder().encode("JS:*mixedChunk is only a text here\0"),
    codeLoad(`JS:o*${LOOP}`, 500),
    codeLoad(`JS:*${LOOP}`, 100).subarray(0, 120),
  ));
  assertEquals(loads.map(({ codeBytes }) => codeBytes), [8, 300, 500]);
  assertEquals(codeBytesOf(loads, "mixedChunk", "*"), 300);
  assertEquals(codeBytesOf(loads, "mixed", "*"), undefined);
  assertEquals(codeBytesOf(loads.slice(2), "mixedChunk", "*"), 500);
  assertEquals(parseJitDump(new Uint8Array()), []);
  assertEquals(parseJitDump(new TextEncoder().encode("no dump at all, but long enough for a header and more")), []);
});

Deno.test("refusedFlags() names the flags that V8 does not have", () => {
  const stderr =
    "error: V8 did not recognize flag '--no-such-flag'\n\nFor a list of V8 flags, use '--v8-flags=--help'\n";
  assertEquals(refusedFlags(stderr), ["--no-such-flag"]);
  assertEquals(refusedFlags("error: '--perf-prof' is fine"), []);
});

Deno.test("evidenceOf() is empty where V8 says nothing", () => {
  const { inlined, deopts, optimisations, codeBytes } = evidenceOf("slab-map", "loop", "unknown", "", dump());
  assertEquals([inlined, deopts, optimisations, codeBytes], [[], [], 0, undefined]);
});

Deno.test("jitEvidence() shows malloc and free inlined into the loop of random-mixed by TurboFan, for slab-map", async () => {
  const left = await leftInTemporaryFolder(async () => {
    const evidence = await jitEvidence("slab-map", workload("random-mixed"), { size: 128 });
    const { variant, loop, tier, inlined, optimisations, codeBytes } = evidence;
    assertEquals([variant, loop, tier], ["slab-map", "mixedChunk", "turbofan"]);
    assertEquals(inlined.slice(0, 2).map(({ callee, inlined }) => [callee, inlined]), [
      ["malloc", true],
      ["free", true],
    ]);
    assert(optimisations >= 1);
    assert(codeBytes !== undefined && codeBytes > 200 && codeBytes < 100_000, String(codeBytes));
  });
  assertEquals(left, []);
});

Deno.test("jitEvidence() shows that the Box is inlined, and one that looks at whole lists is too long for it", async () => {
  const boxCheckOf = async (variant: string) => {
    const { inlined } = await jitEvidence(variant, workload("hot-pair"), { size: 16 });
    assertEquals(inlined.find(({ callee }) => callee === "writeHeader")?.inlined, true);
    return inlined.find(({ callee }) => callee === "boxCheck");
  };
  assertEquals((await boxCheckOf("box"))?.inlined, true);
  const tooLong = { callee: "boxCheck", inlined: false, reason: "exceeds bytecode limit" };
  assertEquals(await boxCheckOf("box,integrity=4,track=1"), tooLong);
});

Deno.test("jitEvidence() does without the flags that V8 does not have", async () => {
  const flags = ["--trace-nothing-at-all"];
  const evidence = await jitEvidence("slab-map", workload("hot-pair"), { size: 16 }, undefined, flags);
  const { loop, tier, inlined, deopts, optimisations, codeBytes } = evidence;
  assertEquals([loop, tier, inlined, deopts, optimisations, codeBytes], ["pairChunk", "unknown", [], [], 0, undefined]);
});

Deno.test("jitEvidence() ends when it is aborted, and leaves no folder", async () => {
  const left = await leftInTemporaryFolder(async () => {
    const signal = AbortSignal.timeout(300);
    await assertRejects(() => jitEvidence("slab-map", workload("random-mixed"), {}, signal), DOMException);
  });
  assertEquals(left, []);
});

function workload(name: string): Workload {
  return WORKLOADS.get(name) as Workload;
}

/** What is in the folder for temporary files after something has run with one of its own. */
async function leftInTemporaryFolder(run: () => Promise<void>): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", folder);
  try {
    await run();
    return Array.from(Deno.readDirSync(folder), ({ name }) => name);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    await Deno.remove(folder, { recursive: true });
  }
}
