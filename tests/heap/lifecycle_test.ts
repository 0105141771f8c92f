/** Opening and closing: options, several heaps at once, what is left of a closed one, permissions, and bundlers' view. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  DEFAULT_VARIANT,
  Heap,
  HeapClosedError,
  type HeapOptions,
  InvalidOptionError,
  VARIANTS,
} from "../../src/heap/mod.ts";
import { openVirtualMemory, OsError } from "../../src/os/mod.ts";
import { Oracle } from "../../src/verify/oracle.ts";

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);
const MIB = 1024 * 1024, GIB = 1024 * MIB;

Deno.test("Heap.open() throws INVALID_OPTION for what it does not take", async () => {
  const bad: unknown[] = [
    { variant: "nonsense" },
    { variant: "slab-map,refill=0" },
    { build: "fast" },
    { reserveBytes: MIB },
    { reserveBytes: 2 ** 41 },
    { reserveBytes: NaN },
    { reserveBytes: 8 * MIB + 0.5 },
    { maxBytes: -1 },
    { maxBytes: Infinity },
    { size: 100 },
  ];
  for (const options of bad) {
    const error = await assertRejects(() => Heap.open(options as Record<string, never>), InvalidOptionError);
    assertEquals(error.code, "INVALID_OPTION");
  }
});

Deno.test("Heap.open() takes options that an object inherits, and refuses those that do not exist", async () => {
  class Settings {
    get build() {
      return "debug" as const;
    }
    log = (): void => {};
  }
  const options = Object.create(new Settings(), { maxBytes: { value: 8 * MIB, enumerable: true } });
  using heap = await Heap.open(options);
  assertEquals([heap.build, heap.stats().maxBytes], ["debug", 8 * MIB]);
  await assertRejects(() => Heap.open(Object.create({ size: 100 })), InvalidOptionError, '"size"');
  using other = await Heap.open({ build: undefined } as unknown as HeapOptions);
  assertEquals(other.build, "release");
});

Deno.test("Heap.open() has the flags of its variant, and the default's if none is named", async () => {
  for (const [name, flags] of Object.entries(VARIANTS)) {
    using heap = await Heap.open({ variant: name });
    assertEquals([heap.variant, heap.flags], [name, flags]);
    assertEquals(heap.stats().variant, name);
  }
  using heap = await Heap.open();
  assertEquals(heap.variant, DEFAULT_VARIANT);
});

Deno.test("Heap.open() throws an OsError if there is no such address space", async () => {
  const system = await openVirtualMemory(), taken: bigint[] = [];
  try {
    // 128 TiB is all that a process has on x86-64; on other machines there may be more.
    assertThrows(() => {
      for (let count = 0; count < 300; count++) taken.push(system.reserve(1024 * GIB, 2 * MIB));
    }, OsError);
    assert(taken.length > 10, `${taken.length} TiB`);
    await assertRejects(() => Heap.open({ reserveBytes: 1024 * GIB }), OsError);
  } finally {
    for (const address of taken) system.release(address, 1024 * GIB);
    system.close();
  }
  using heap = await Heap.open({ reserveBytes: 1024 * GIB });
  assert(heap.malloc(100) !== 0);
});

Deno.test("several heaps at once never see each other's blocks", async () => {
  const heaps = await Promise.all([
    Heap.open(),
    Heap.open(),
    Heap.open({ variant: "phase7" }),
    Heap.open({ variant: "slab-map,refill=1" }),
    Heap.open({ reserveBytes: 64 * MIB }),
  ]);
  const oracles = heaps.map((heap) => new Oracle(heap));
  for (let round = 0; round < 3000; round++) {
    const oracle = oracles[round % 5]!;
    const victim = round % 3 === 2 ? oracle.pick(round) : undefined;
    if (victim === undefined) oracle.malloc((round * 7919) % 5000);
    else oracle.free(victim);
  }
  for (const oracle of oracles) oracle.audit();
  heaps[0]!.close();
  for (const oracle of oracles.slice(1)) oracle.audit();
  const again = await Heap.open();
  assertEquals(again.stats().liveBlocks, 0);
  for (const heap of [...heaps, again]) heap.close();
});

Deno.test("a closed heap throws HEAP_CLOSED from every call, and its views are empty", async () => {
  for (const variant of Object.keys(VARIANTS)) {
    const heap = await Heap.open({ variant });
    const { malloc, free } = heap;
    const small = malloc(100), large = malloc(100_000);
    const view = heap.bytes(small);
    heap.close();
    heap.close();
    const calls: (() => unknown)[] = [
      () => malloc(100),
      () => malloc(0),
      () => heap.malloc(100_000),
      () => free(small),
      () => heap.free(large),
      () => heap.calloc(1, 100),
      () => heap.realloc(small, 10),
      () => heap.realloc(0, 10),
      () => heap.alignedAlloc(64, 10),
      () => heap.usableSize(small),
      () => heap.goodSize(100),
      () => heap.owns(small),
      () => heap.bytes(small),
      () => heap.address(small),
      () => heap.pointer(small),
      () => heap.ptrAt(16n),
      () => heap.stats(),
      () => heap.blocks(),
      () => heap.check(),
      () => heap.collect(),
    ];
    for (const call of calls) assertThrows(call, HeapClosedError, "", `${variant}: ${call}`);
    assertEquals([view.length, heap.u8.length, heap.f64.length], [0, 0, 0]);
    assertEquals(heap.u8[small], undefined);
  }
});

Deno.test("a loop that was compiled with a heap that is closed by now is safe", async () => {
  const churn = (heap: Heap, count: number): void => {
    const { malloc, free, u8 } = heap;
    for (let index = 0; index < count; index++) {
      const ptr = malloc(index & 1023);
      u8[ptr] = index;
      free(ptr);
    }
  };
  for (let round = 0; round < 3; round++) {
    const heap = await Heap.open();
    for (let index = 0; index < 20; index++) churn(heap, 20_000);
    heap.check();
    heap.close();
    assertThrows(() => churn(heap, 1), HeapClosedError);
  }
});

Deno.test("a heap is closed at the end of a using block", async () => {
  let kept: Heap;
  {
    using heap = await Heap.open();
    kept = heap;
    assert(heap.malloc(10) !== 0);
  }
  assertThrows(() => kept.malloc(10), HeapClosedError);
});

Deno.test("closing heaps gives their address space back", async () => {
  for (let count = 0; count < 200; count++) {
    using heap = await Heap.open({ reserveBytes: 1024 * GIB, variant: "slab-map,prewarm=0" });
    assert(heap.malloc(100) !== 0);
  }
});

async function runProgram(permissions: string[], env: Record<string, string> = {}): Promise<Deno.CommandOutput> {
  const at = (path: string): string => new URL(path, import.meta.url).pathname;
  return await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--config", at("../../deno.json"), ...permissions, at("program.ts")],
    env,
  }).output();
}

Deno.test("where the system does not unmap, close() gives the memory back all the same", async () => {
  const system = await openVirtualMemory(), { release } = system;
  const [alone, shared] = [await Heap.open(), await Heap.open()];
  shared.share();
  const places = [alone, shared].map((heap) => {
    heap.u8.fill(1, heap.malloc(2 ** 20), 2 ** 22);
    return heap.base - BigInt(2 ** 20);
  });
  const resident = (): number[] => places.map((place) => system.residentPages(place, 2 ** 23));
  assert(resident().every((pages) => pages > 0));
  system.release = () => {
    throw new OsError("release()", 12);
  };
  try {
    alone.close();
    shared.close();
  } finally {
    system.release = release;
  }
  assertEquals(resident(), [0, 0]);
  system.close();
});

Deno.test("where the system unmaps a part of a heap, close() leaves that part to whoever has it by now", async () => {
  const system = await openVirtualMemory(), { release, leave } = system;
  const heap = await Heap.open(), left: [bigint, number][] = [];
  heap.share();
  let calls = 0, released: bigint | undefined;
  system.release = (address, bytes) => {
    if (++calls === 2) throw new OsError("release()", 12);
    released = address;
    release(address, bytes);
  };
  system.leave = (address, bytes) => {
    left.push([address, bytes]);
    leave(address, bytes);
  };
  try {
    heap.close();
  } finally {
    Object.assign(system, { release, leave });
  }
  assertEquals(left.length, 1);
  const [address, bytes] = left[0]!;
  assertEquals(address + BigInt(bytes), released);
  system.close();
});

Deno.test("a program needs --allow-ffi and no more", async () => {
  const { code, stdout } = await runProgram(["--allow-ffi"]);
  assertEquals(code, 0);
  const { ok, notes } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals([ok, notes.length], [true, 1]);
});

Deno.test("without --allow-ffi the error names it", async () => {
  const { code, stderr } = await runProgram([]);
  assertEquals(code, 1);
  assertStringIncludes(new TextDecoder().decode(stderr), "--allow-ffi");
});

Deno.test("without a compiler the heap works in full", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stdout } = await runProgram(["--allow-all"], { PATH: folder, HAKMEM_CACHE: folder });
    assertEquals(code, 0);
    const { ok, notes } = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals([ok, notes.length], [true, 1]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Runs with a bundle of `program.ts`, in a folder that has another `native/vm.c` where the sources have theirs. */
async function withBundle(use: (path: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const path = `${root}/dist/js/os/program.mjs`;
    await Deno.mkdir(`${root}/native`);
    await Deno.writeTextFile(`${root}/native/vm.c`, "#error this is not ours");
    const program = new URL("program.ts", import.meta.url).pathname;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--output", path, program],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    await use(path);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("a bundle of a program holds the default variant and the others' template, and runs on libc's functions", () =>
  withBundle(async (path) => {
    // Bundlers number names that several files have.
    assertMatch(await Deno.readTextFile(path), /^var compile\d* = \(words/m);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", path] }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    const { ok, notes } = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals([ok, notes], [true, ["a bundle has no native/vm.c"]]);
  }));

Deno.test("on Node the first that is said is that hakmem is for Deno", () =>
  withBundle(async (path) => {
    let outcome: Deno.CommandOutput;
    try {
      outcome = await new Deno.Command("node", { args: [path] }).output();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return console.log("skipped: there is no node");
    }
    assertEquals(outcome.code, 1);
    assertMatch(new TextDecoder().decode(outcome.stderr), /^Error: hakmem is for Deno, /m);
  }));

for (const module of ["mod.ts", "cli.ts"]) {
  Deno.test(`where there is no Deno, the first that ${module} says is that it is for Deno`, async () => {
    const program = `delete globalThis.Deno; await import(${JSON.stringify(`${ROOT}${module}`)});`;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["eval", "--no-check", program] })
      .output();
    assertEquals(code, 1);
    assertMatch(new TextDecoder().decode(stderr), /Error: hakmem is for Deno, /);
  });
}

Deno.test("runtimes that only strip types can read the library, and so get as far as that message", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/deno.json`, `{ "compilerOptions": { "erasableSyntaxOnly": true } }`);
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--config", `${folder}/deno.json`, `${ROOT}mod.ts`],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("console.log(heap) prints one line, and JSON has no more, also of a debug heap, and of one that is closed", async () => {
  for (const build of ["release", "debug"] as const) {
    const heap = await Heap.open({ build, log: () => {} });
    const line = (closed: boolean) => `Heap { variant: "slab-map", build: "${build}", closed: ${closed} }`;
    assertEquals(Deno.inspect(heap), line(false));
    assertEquals(JSON.parse(JSON.stringify([heap])), [{ variant: "slab-map", build, closed: false }]);
    heap.close();
    assertEquals(Deno.inspect(heap), line(true));
  }
});

Deno.test("what is published is the library, without tests and the lab", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check", "--config", `${ROOT}deno.json`],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 0, text);
  const files = [...text.matchAll(/^ +file:\/\/(\S+)/gm)].map(([, path]) =>
    decodeURIComponent(path!).slice(ROOT.length)
  );
  assert(
    ["mod.ts", "native/vm.c", "native/guard/guard.c", "src/heap/heap.ts", "src/os/mod.ts"].every((file) =>
      files.includes(file)
    ),
    text,
  );
  assertEquals(
    files.filter((file) => !/^(src\/(heap|os|profile)\/|native\/(vm|guard\/guard)\.c$|[^/]+$)/.test(file)),
    [],
  );
});
