/** Stacks of a debug build: they are text, hold no object, and leave the program's own ways with stacks alone. */
import { assert, assertEquals, assertGreater, assertStringIncludes, assertThrows } from "@std/assert";
import { DoubleFreeError, Heap, type NativeAllocator, struct } from "../../../mod.ts";
import { StackTable } from "../../../src/heap/stacks/table.ts";
import { Journal } from "../../../src/heap/state/journal.ts";

const at = (path: string): string => new URL(path, import.meta.url).pathname;

/** Runs a program that has opened the debug heap `heap`, in a process of its own; what it printed. */
function run(program: string, log = "() => {}"): Promise<string> {
  return evaluate(`import { Heap } from "${new URL("../../../mod.ts", import.meta.url)}";
    const heap = await Heap.open({ build: "debug", log: ${log} });
    ${program}`);
}

async function evaluate(code: string): Promise<string> {
  const { code: exitCode, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--v8-flags=--expose-gc", "--config", at("../../../deno.json"), code],
  }).output();
  assertEquals(exitCode, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("debug: objects whose methods allocate and free are collected", async () => {
  const printed = await run(`
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    class Owner {
      allocate() { this.ptr = heap.malloc(32); heap.free(heap.malloc(8)); this.ptr = heap.realloc(this.ptr, 64); }
    }
    (() => {
      for (let index = 0; index < 1000; index++) {
        const owner = new Owner();
        registry.register(owner);
        owner.allocate();
      }
    })();
    for (let round = 0; round < 100 && collected < 1000; round++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    console.log(collected, heap.leaks().map(({ blocks }) => blocks).join());
    heap.close();`);
  const [collected, blocks] = printed.trim().split(" ");
  assertGreater(Number(collected), 990); // some may be in a register yet
  assertEquals(blocks, "1000");
});

Deno.test("debug: each way to a place has a stack of its own, and the same way the same one", async () => {
  using heap = await Heap.open({ build: "debug", log: () => {} });
  const allocate = (depth: number): number => depth === 0 ? heap.malloc(10) : allocate(depth - 1);
  for (let round = 0; round < 3; round++) {
    for (const depth of [0, 1, 4]) allocate(depth);
  }
  const stacks = heap.leaks().map(({ blocks, stack }) => [blocks, stack!.match(/at allocate/g)!.length]);
  assertEquals(stacks.toSorted(), [[3, 1], [3, 2], [3, 5]]);
});

Deno.test("debug: whatever makes a block for the program, its stack has the program's frames, however many of ours lie between", async () => {
  using heap = await Heap.open({ build: "debug", log: () => {} });
  const Person = struct({ name: "cstring", age: "i32" });
  const scope = heap.scope(), people = [heap.structs(Person, 1), scope.structs(Person, 1)];
  const ways = [
    (text: string) => void (people[0]!.at(0).name = text),
    (text: string) => people[0]!.set(0, { name: text }),
    (text: string) => people[1]!.set(0, { name: text }),
    (text: string) => heap.cstring(text),
    (text: string) => heap.cstrings([text]),
    (text: string) => scope.cstring(text),
    (text: string) => scope.cstrings([text]),
    (text: string) => heap.copyIn(new Uint8Array(text.length)),
    (text: string) => scope.copyIn(new Uint8Array(text.length)),
    (text: string) => heap.structs(struct({ x: "f64" }), text.length),
    (text: string) => scope.malloc(text.length),
    (text: string) => heap.calloc(text.length, 1),
  ];
  const { stackTraceLimit } = Error;
  const call = (depth: number, way: () => void): void => depth === 0 ? way() : call(depth - 1, way);
  for (const [index, way] of ways.entries()) {
    const before = new Set(heap.leaks().map(({ ptr }) => ptr));
    call(stackTraceLimit, () => way("a".repeat(100 + index)));
    const stacks = heap.leaks().filter(({ ptr }) => !before.has(ptr)).map(({ stack }) => stack!.split("\n"));
    assertEquals(stacks.length, 1, `${way}`);
    const frames = stacks[0]!.filter((frame) => frame.includes(import.meta.url));
    // Where few functions of ours lie between, nothing is added for theirs.
    assert(frames.length >= stackTraceLimit / 2, `${way}: ${stacks[0]!.join("\n")}`);
    assert(!stacks[0]!.some((frame) => frame.includes("/src/heap/")), `${way}: ${stacks[0]!.join("\n")}`);
  }
  scope[Symbol.dispose]();
});

Deno.test("debug: the program's own text of stacks is neither used nor changed, and may be frozen", async () => {
  using heap = await Heap.open({ build: "debug", log: () => {} });
  const { prepareStackTrace, stackTraceLimit } = Error;
  let called = 0;
  const own = () => `mine ${++called}`;
  Error.prepareStackTrace = own;
  try {
    heap.malloc(10);
    heap.free(heap.malloc(20));
    assertStringIncludes(heap.leaks()[0]!.stack!, "stacks_test.ts");
    assertEquals([called, Error.prepareStackTrace, Error.stackTraceLimit], [0, own, stackTraceLimit]);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
  const frozen = await run(`Object.freeze(Error); const ptr = heap.malloc(10); heap.free(ptr);
    try { heap.free(ptr); } catch (error) { console.log(error.code); }
    console.log(heap.leaks().length); heap.close();`);
  assertEquals(frozen, "DOUBLE_FREE\n0\n");
});

/** Ways in which programs, and what hardens them, keep others from saying how stacks are captured. */
const HARDENED: { readonly [what: string]: string } = {
  sealed: "Object.seal(Error)",
  "without new members": "Object.preventExtensions(Error)",
  "with a text of stacks that stays": 'Object.defineProperty(Error, "prepareStackTrace", { value: undefined })',
  "with a number of frames that stays":
    'Object.defineProperty(Error, "stackTraceLimit", { value: 10, writable: false })',
  "with accessors": `for (const name of ["prepareStackTrace", "stackTraceLimit"]) {
    Object.defineProperty(Error, name, { get: () => undefined, set() {} });
  }`,
  "without captureStackTrace": "delete Error.captureStackTrace",
  "with a captureStackTrace of its own": "Error.captureStackTrace = () => {}",
  "with no number of frames": "delete Error.stackTraceLimit",
  "with a bigint of frames": "Error.stackTraceLimit = 10n",
  replaced: "globalThis.Error = class extends Error {}",
};

for (const when of ["before", "after"]) {
  Deno.test(`debug, profiled, guarded: it is the same where Error is the program's own, since ${when} the import`, async () => {
    const load = `const { Heap } = await import("${new URL("../../../mod.ts", import.meta.url)}");`;
    const use = `for (const options of [{ build: "debug" }, { profile: { everyBytes: 1 } }, { guard: { oneIn: 1 } }]) {
      const heap = await Heap.open({ ...options, log() {} }), ptr = heap.malloc(10);
      heap.free(ptr);
      let code = "";
      try {
        heap.free(ptr);
      } catch (error) {
        code = error.code;
      }
      heap.malloc(20);
      const other = await Heap.attach(heap.share());
      other.free(other.malloc(30));
      if (options.profile) heap.profile();
      console.log(code, heap.leaks().length);
    }`;
    for (const [what, harden] of Object.entries(HARDENED)) {
      const program = when === "before" ? [harden, load, use] : [load, harden, use];
      assertEquals(await evaluate(program.join("; ")), "DOUBLE_FREE 1\nINVALID_POINTER 1\nDOUBLE_FREE 1\n", what);
    }
  });
}

Deno.test("debug: a stack that overflows while its text is made ends the call, and no more", async () => {
  using heap = await Heap.open({ build: "debug", log: () => {} });
  const fall = (left: number): number => left === 0 ? heap.malloc(10) : fall(left - 1);
  let overflows = 0;
  for (let depth = 4000; depth < 20_000; depth += 7) {
    try {
      heap.free(fall(depth));
    } catch (error) {
      assert(error instanceof RangeError, String(error));
      if (++overflows === 300) break;
    }
  }
  assertGreater(overflows, 0);
  heap.check();
  assertEquals(heap.stats().liveBlocks, 0);
});

/** The line of a stack's first frame in this file. */
function lineOf(stack: string | undefined): string | undefined {
  return stack?.match(/stacks_test\.ts:(\d+):\d+/)?.[1];
}

Deno.test("debug: places are those of the source, of one stack and of hundreds in a turn", async () => {
  for (const count of [1, 64, 300]) {
    using heap = await Heap.open({ build: "debug", log: () => {} });
    let here: string | undefined;
    for (let index = 0; index < count; index++) {
      [, here] = [heap.malloc(10), new Error().stack];
    }
    const leaks = heap.leaks();
    assertEquals(leaks.map(({ blocks, stack }) => [blocks, lineOf(stack)]), [[count, lineOf(here)]]);
  }
});

Deno.test("debug: what was allocated before a heap was shared has its stack in all threads", async () => {
  using heap = await Heap.open({ build: "debug", log: () => {} });
  const [, here] = [heap.malloc(10), new Error().stack];
  using other = await Heap.attach(heap.share());
  assertEquals(other.leaks().map(({ stack }) => lineOf(stack)), [lineOf(here)]);
  const [, there] = [other.malloc(20), new Error().stack];
  assertEquals(heap.leaks().map(({ stack }) => lineOf(stack)), [lineOf(there), lineOf(here)]);
});

Deno.test("debug: a turn that ends with the heap closed, or closes it in the middle, ends well", async () => {
  const printed = await run(`
    heap.malloc(10);
    heap.close();
    const other = await Heap.open({ build: "debug", log: (line) => line.includes("one at") && console.log(line) });
    queueMicrotask(() => other.close());
    other.malloc(30);
    await new Promise((resolve) => setTimeout(resolve));
    try { other.malloc(1); } catch (error) { console.log(error.code); }`);
  assertStringIncludes(printed, "30 bytes, one at");
  assertStringIncludes(printed, "HEAP_CLOSED");
});

/** A heap's malloc and free, as C calls them. */
function functionsOf({ malloc, free }: NativeAllocator) {
  return {
    malloc: new Deno.UnsafeFnPointer(malloc, { parameters: ["u64"], result: "pointer" }),
    free: new Deno.UnsafeFnPointer(free, { parameters: ["pointer"], result: "void" }),
  };
}

/** The function of this file that a stack's first frame is in. */
function functionOf(stack: string | undefined): string | undefined {
  return stack?.match(/at (\w+) \(.*\/stacks_test\.ts/)?.[1];
}

Deno.test("debug: what C allocates and frees in a call has the stack of that call, and nothing else has it", async () => {
  using heap = await Heap.open({ build: "debug", log: () => {} });
  const allocator = heap.nativeAllocator(); // the heap's close ends it
  const { malloc, free } = functionsOf(allocator);
  const blocks: Deno.PointerValue[] = [];
  const has = (block: Deno.PointerValue) => blocks.push(block);
  function outer() {
    allocator.call(() => {
      has(malloc.call(1n));
      program();
      inner();
      has(malloc.call(1n));
    });
  }
  function program() {
    has(heap.pointer(heap.malloc(10)));
  }
  function inner() {
    allocator.call(() => has(malloc.call(100n)));
  }
  function outside() {
    has(malloc.call(1000n));
  }
  function frees(call: () => void) {
    allocator.call(call);
  }
  outer();
  outside();
  const leaks = heap.leaks().map(({ bytes, blocks, stack }) => [bytes, blocks, functionOf(stack)]);
  assertEquals(leaks, [[1000, 1, "outside"], [100, 1, "inner"], [10, 1, "program"], [2, 2, "outer"]]);
  for (const block of blocks) {
    frees(() => free.call(block));
    const { message } = assertThrows(() => heap.free(heap.ptrAt(block)), DoubleFreeError);
    assertEquals(functionOf(message.replace(/[^]*first freed:/, "")), "frees");
  }
  allocator.close({ abandon: true }); // it had no part in one of them
});

Deno.test("debug: what a program allocates when it is asked for memory, in a call of C, has its own stack", async () => {
  const lines: (string | undefined)[] = [];
  for (const stacks of [true, 2]) {
    using heap = await Heap.open({
      build: "debug",
      maxBytes: 1024 * 1024,
      stacks,
      log: () => {},
      onPressure(level) {
        if (level === 1) lines.push(lineOf(new Error().stack)), heap.malloc(7), heap.malloc(7);
      },
    });
    using allocator = heap.nativeAllocator();
    const { malloc, free } = functionsOf(allocator);
    const block = allocator.call(() => malloc.call(600_000n));
    assertEquals(allocator.call(() => malloc.call(600_000n)), null);
    const stacksOf7 = heap.leaks().filter(({ bytes, blocks }) => bytes === 7 * blocks).map(({ stack }) =>
      lineOf(stack)
    );
    assertEquals(stacksOf7.includes(lines.at(-1)), true);
    assertEquals(stacksOf7.every((line) => line === lines.at(-1) || line === undefined), true);
    allocator.call(() => free.call(block));
  }
});

Deno.test("the walk over the table of stacks ends where stacks do, though its end was overwritten", () => {
  const words = new Int32Array(1 << 19), bytes = 100_000, journal = new Journal(words);
  const table = new StackTable({ words, journal, first: 40_000, bytes, buckets: 16, end: 39_000, own: 0 });
  table.begin();
  const keep = (text: string): number => journal.run(() => table.keep({ text, entry: 0, hash: 0 }));
  const kept = ["one", "two", "three"].map(keep);
  const numbers = [...table.numbers()];
  assertEquals(numbers.slice(1), kept);
  words[39_000] = 2 ** 31 - 1;
  assertEquals([...table.numbers()], numbers);
});
