/** The witness does what the twins do, calls malloc as often as it says, and sees a twin that is slower than it must be. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { peerContestant, WORKLOADS_PROGRAM } from "../../../src/lab/contest/contestants.ts";
import { compareWithWitness, WITNESS_PROGRAM, WITNESSED } from "../../../src/lab/doctor/witness.ts";
import { buildNative } from "../../../src/os/mod.ts";
import { findPeer, PeerError } from "../../../src/peers/find.ts";
import { witnessHeadline } from "../../../src/report/witness.ts";
import { completeParameters, WORKLOADS } from "../../../src/workloads/mod.ts";
import { CAN_PRELOAD, compile } from "../../peers/libraries.ts";

/** Counts what is asked of malloc, by powers of two, and says it at the end; nobody looks at alignments. */
const COUNTING = `
  #include <errno.h>
  #include <stddef.h>
  #include <stdio.h>
  #include <sys/mman.h>
  #include <unistd.h>
  enum { BLOCK = 1 << 19, BLOCKS = 1 << 13 };
  static char *pool;
  static int unused[BLOCKS], free_blocks, taken_blocks;
  static unsigned long mallocs, frees, bytes, by_power[32];
  static void *take(size_t size) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (pool == NULL) pool = mmap(NULL, (size_t)BLOCK * BLOCKS, PROT_READ | PROT_WRITE, flags, -1, 0);
    int block = free_blocks > 0 ? unused[--free_blocks] : taken_blocks++;
    if (size > BLOCK || taken_blocks > BLOCKS) return NULL;
    mallocs++;
    bytes += size;
    by_power[31 - __builtin_clz((unsigned)size | 1)]++;
    return pool + (size_t)block * BLOCK;
  }
  void *malloc(size_t size) { return take(size); }
  void free(void *pointer) {
    if (pointer == NULL) return;
    frees++;
    unused[free_blocks++] = (int)(((char *)pointer - pool) / BLOCK);
  }
  int posix_memalign(void **pointer, size_t alignment, size_t size) {
    (void)alignment;
    return (*pointer = take(size)) == NULL ? ENOMEM : 0;
  }
  void *aligned_alloc(size_t alignment, size_t size) { (void)alignment; return take(size); }
  __attribute__((destructor)) static void tell(void) {
    dprintf(2, "%lu %lu %lu", mallocs, frees, bytes);
    for (int i = 0; i < 32; i++) dprintf(2, " %lu", by_power[i]);
  }
`;

interface Counts {
  readonly mallocs: number;
  readonly frees: number;
  readonly bytes: number;
  /** How many sizes had their highest bit at each place. */
  readonly byPower: readonly number[];
}

async function count(path: string, args: string[], library: string, request: string): Promise<Counts> {
  const child = new Deno.Command(path, {
    args,
    env: { LD_PRELOAD: library },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(request));
  await writer.close();
  const { success, stderr } = await child.output();
  assert(success);
  const [mallocs = 0, frees = 0, bytes = 0, ...byPower] = new TextDecoder().decode(stderr).split(" ").map(Number);
  return { mallocs, frees, bytes, byPower };
}

function witnessTest(name: string, fn: (folder: string) => Promise<void>): void {
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

const OPERATIONS = 200_000;

witnessTest("twin and witness ask for as many blocks, of the same sizes within sampling error", async (folder) => {
  const library = (await compile(folder, "libcounting.so", COUNTING))!;
  const witness = (await buildNative(WITNESS_PROGRAM)).path;
  const { command } = await peerContestant(findPeer("system"));
  for (const name of WITNESSED) {
    const workload = WORKLOADS.get(name)!;
    const parameters = completeParameters(workload, {});
    const units = OPERATIONS / workload.operationsPerUnit(parameters);
    const given = Object.entries({ ...parameters, units: Math.ceil(units) }).map((pair) => pair.join("="));
    const operations = Math.ceil(units) * workload.operationsPerUnit(parameters);
    const one = await count(command.path, [...command.args], library, `run ${name} ${given.join(" ")}\n`);
    const other = await count(witness, [name], library, `${operations}\n`);
    for (const { mallocs, frees } of [one, other]) assert(mallocs + frees >= operations, `${name}: ${mallocs}`);
    const sampled = 1 / Math.sqrt(one.mallocs); // of a mean whose deviation is as large as itself
    assertAlmostEquals(other.mallocs / one.mallocs, 1, 6 * sampled + 10 / one.mallocs, name);
    assertAlmostEquals(other.bytes / one.mallocs, one.bytes / one.mallocs, 8 * sampled * one.bytes / one.mallocs, name);
    for (const [power, blocks] of one.byPower.entries()) {
      assertAlmostEquals(other.byPower[power]!, blocks, 8 * Math.sqrt(blocks) + 10, `${name}, 2^${power}`);
    }
  }
});

Deno.test("the witness has the workloads' default parameters, and no others", async () => {
  const source = await Deno.readTextFile(WITNESS_PROGRAM.sources[0]!);
  const defined = [...source.matchAll(/^#define (\w+) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]);
  const expected = WITNESSED.flatMap((name) =>
    Object.entries(WORKLOADS.get(name)!.parameters)
      .filter(([parameter]) => !["cycles", "larson-rounds", "seed"].includes(parameter)) // how long, not of what
      .map(([parameter, { default: value }]) => [`${name}_${parameter}`.replaceAll("-", "_").toUpperCase(), value])
  );
  assertEquals(Object.fromEntries(defined), Object.fromEntries(expected));
});

const PLANTED = `
  volatile uint32_t divisor = 3;
  for (int i = 0; i < 40; i++) x += (x / divisor) & 1;
  return x;
`;

witnessTest("a twin that divides more than it must is found out", async (folder) => {
  const root = new URL("../../../native/", import.meta.url).href;
  const planted: string[] = [];
  const sources = await Promise.all(WORKLOADS_PROGRAM.sources.map(async (source) => {
    const path = `${folder}/${source.href.slice(root.length)}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    const text = await Deno.readTextFile(source);
    const slow = text.replace(/(?<=uint32_t xorshift32\(uint32_t x\) \{[^}]*)return x;/, PLANTED);
    if (slow !== text) planted.push(path);
    await Deno.writeTextFile(path, slow);
    return new URL(`file://${path}`);
  }));
  assertEquals(planted.length, 1);
  const plan = { workloads: ["larson"], peers: ["system"], orderSeed: 1, twins: { ...WORKLOADS_PROGRAM, sources } };
  const { rows, verdict, within } = await compareWithWitness(plan, () => {}, new AbortController().signal);
  assertEquals([rows.length, rows[0]?.verdict, verdict], [1, "differs", "differs"]);
  assert(rows[0]!.low > 3, `${rows[0]!.low}`); // 80 divisions in a pair, and a pair takes as long as ten
  assertStringIncludes(witnessHeadline({ rows, within }), "a defect of this lab");
});

Deno.test("compareWithWitness() refuses peers that no C program measures", async () => {
  const plan = { workloads: ["hot-pair"], peers: ["system", "uint8array"], orderSeed: 1 };
  const run = () => compareWithWitness(plan, () => {}, new AbortController().signal);
  await assertRejects(run, PeerError, "uint8array has no witness");
});
