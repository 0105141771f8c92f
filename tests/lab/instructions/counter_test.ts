import { assertEquals, assertMatch } from "@std/assert";
import { findCounter, parseCallgrind, parsePerf } from "../../../src/lab/instructions/counter.ts";

Deno.test("parsePerf() reads what perf stat -x, writes, with what a processor does not count left out", () => {
  // As perf-stat(1) describes it: value, unit, event, time that it was counted, share of all, and what is made of it.
  const text = `# started on Fri Nov 27 20:18:28 2026

14999808,,instructions:u,2043511,100.00,1.52,insn per cycle
1591,,L1-dcache-load-misses:u,2043511,100.00,,
<not counted>,,cache-misses:u,0,0.00,,
`;
  assertEquals(parsePerf(text), { instructions: 14999808, l1Misses: 1591 });
  // perf 6.1 in a virtual machine.
  const none = `<not supported>,,instructions:u,0,100.00,,
<not supported>,,L1-dcache-load-misses,0,100.00,,
<not supported>,,cache-misses:u,0,100.00,,
`;
  assertEquals(parsePerf(none), undefined);
  assertEquals(parsePerf(""), undefined);
});

/** The head of a file of callgrind 3.19, and the end of one of cachegrind. */
const CALLGRIND = `# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 8842
cmd:  ./t 100000
part: 1


desc: I1 cache: 32768 B, 64 B, 8-way associative

desc: Timerange: Basic block 0 - 3029029
desc: Trigger: Program termination

positions: line
events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw
summary: 14999808 4027773 2312147 1163 978 613 1148 762 583


ob=(3) /usr/lib/x86_64-linux-gnu/libc.so.6
106 4 2 0 1 0 0 1
`;
const CACHEGRIND = `desc: LL cache:         268435456 B, 64 B, direct-mapped
cmd: ./t 100000
events: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw 
fl=./csu/../csu/libc-start.c
128 2 1 1 2 0 0 0 0 0
summary: 15000940 1171 1155 4029241 1209 993 2310677 382 352
`;

Deno.test("parseCallgrind() reads the sums of callgrind and of cachegrind, whatever the order of their columns", () => {
  assertEquals(parseCallgrind(CALLGRIND), { instructions: 14999808, l1Misses: 978 + 613, lastLevelMisses: 762 + 583 });
  assertEquals(parseCallgrind(CACHEGRIND), {
    instructions: 15000940,
    l1Misses: 1209 + 382,
    lastLevelMisses: 993 + 352,
  });
  assertEquals(parseCallgrind("events: Ir\nsummary: 5\n"), { instructions: 5 }, "without --cache-sim");
  assertEquals(parseCallgrind(CALLGRIND.replace("summary: 14999808", "summary: x")), undefined);
  for (const text of ["", "events: Ir\n", "summary: 5\n", "events: Dr\nsummary: 5\n"]) {
    assertEquals(parseCallgrind(text), undefined, text);
  }
});

Deno.test("findCounter() gives a tool that counts, or what to install", async () => {
  const counter = await findCounter();
  if (typeof counter === "string") assertMatch(counter, /^perf .*, and valgrind .*: apt-get install valgrind$/);
  else assertMatch(counter.name, /^(perf|valgrind)$/);
});
