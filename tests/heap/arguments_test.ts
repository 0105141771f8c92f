/**
 * Every call with every kind of value that its types do not allow, as a program without types may pass it: one typed
 * error, which names what was given, and nothing changes. And NULL, which is 0 here and null or 0n for C.
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Heap, HeapError, NativeAccessError, OsError } from "../../mod.ts";
import { terminalTest } from "../cli/terminal.ts";

const NO_NUMBERS: [value: unknown, name: string][] = [
  [10n, "10n, a bigint"],
  [2n ** 70n, "1180591620717411303424n, a bigint"],
  ["16", '"16", a string'],
  ["x".repeat(100), `"${"x".repeat(40)}...", a string`],
  [true, "true, a boolean"],
  [null, "null"],
  [Symbol("s"), "a symbol"],
  [() => 16, "a function"],
  [[16], "an object"],
  [{}, "an object"],
  [Object.create(null), "an object"],
  [{ valueOf: () => 16 }, "an object"],
  [{
    valueOf() {
      throw new Error("not to be seen");
    },
  }, "an object"],
  [new Proxy({}, {}), "an object"],
];

function errorOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

function assertTyped(call: () => unknown, code: string, name: string, what: string): void {
  const error = errorOf(call);
  assert(error instanceof HeapError, `${what} of ${name}: ${String(error)}`);
  assertEquals(error.code, code, `${what} of ${name}`);
  assertStringIncludes(error.message, name, what);
}

for (const build of ["release", "debug"] as const) {
  for (const variant of ["slab-map", "phase7"]) {
    Deno.test(`${variant}, ${build}: a value of a wrong type gets the typed error that names it`, async () => {
      using heap = await Heap.open({ build, variant, stacks: false });
      using other = await Heap.attach(heap.share());
      const ptr = heap.malloc(64), before = heap.stats().liveBlocks;
      for (const [value, name] of [...NO_NUMBERS, [undefined, "undefined"] as const]) {
        const bad = value as number;
        for (const one of [heap, other]) {
          assertTyped(() => one.malloc(bad), "INVALID_SIZE", name, "malloc");
          assertTyped(() => one.free(bad), "INVALID_POINTER", name, "free");
        }
        assertTyped(() => heap.calloc(bad, 1), "INVALID_SIZE", name, "calloc");
        assertTyped(() => heap.calloc(1, bad), "INVALID_SIZE", name, "calloc");
        assertTyped(() => heap.realloc(ptr, bad), "INVALID_SIZE", name, "realloc");
        assertTyped(() => heap.realloc(bad, 10), "INVALID_POINTER", name, "realloc");
        assertTyped(() => heap.alignedAlloc(bad, 10), "INVALID_ALIGNMENT", name, "alignedAlloc");
        assertTyped(() => heap.alignedAlloc(64, bad), "INVALID_SIZE", name, "alignedAlloc");
        assertTyped(() => heap.goodSize(bad), "INVALID_SIZE", name, "goodSize");
        for (const call of ["usableSize", "owns", "blockOf", "bytes", "address", "pointer"] as const) {
          assertTyped(() => heap[call](bad), "INVALID_POINTER", name, call);
        }
        if (value !== undefined) assertTyped(() => heap.bytes(ptr, bad), "INVALID_SIZE", name, "bytes");
      }
      assertEquals(heap.stats().liveBlocks, before);
      heap.check();
    });
  }
}

Deno.test("a native address where a pointer belongs: the error names ptrAt", async () => {
  using heap = await Heap.open();
  const ptr = heap.malloc(10);
  for (const address of [heap.address(ptr), heap.pointer(ptr)]) {
    const error = errorOf(() => heap.free(address as unknown as number));
    assert(error instanceof HeapError);
    assertStringIncludes(error.message, "heap.ptrAt()");
  }
  heap.free(ptr);
});

Deno.test("ptrAt() of what is not an address is INVALID_POINTER, and names what it was", async () => {
  using heap = await Heap.open();
  for (const [value, name] of [...NO_NUMBERS, [5, "5"], [NaN, "NaN"], [undefined, "undefined"]] as const) {
    if (value === null || typeof value === "bigint") continue;
    for (let times = 0; times < 3; times++) {
      assertTyped(() => heap.ptrAt(value as unknown as bigint), "INVALID_POINTER", name, "ptrAt");
    }
  }
});

Deno.test("0 is NULL: pointer(0) is null, address(0) is 0n, and ptrAt() of both is 0", async () => {
  for (const build of ["release", "debug"] as const) {
    using heap = await Heap.open({ build });
    using other = await Heap.attach(heap.share());
    for (const one of [heap, other]) {
      assertEquals([one.pointer(0), one.address(0), one.pointer(-0), one.address(-0)], [null, 0n, null, 0n]);
      assertEquals([one.ptrAt(null), one.ptrAt(0n), one.ptrAt(one.pointer(0)), one.ptrAt(one.address(0))], [
        0,
        0,
        0,
        0,
      ]);
      assertEquals(one.base, heap.base);
      const ptr = one.malloc(10);
      assertEquals(one.address(ptr), one.base + BigInt(ptr));
      assertEquals(one.ptrAt(one.pointer(ptr)), ptr);
      one.free(ptr);
    }
  }
});

Deno.test("Heap.open() refuses each option that has a value of a wrong type, and says what it got", async () => {
  for (const [value, name] of NO_NUMBERS) {
    for (const option of ["variant", "build", "reserveBytes", "maxBytes", "quarantineBytes", "stacks", "log"]) {
      if (option === "log" && typeof value === "function") continue;
      if (option === "stacks" && typeof value === "boolean") continue;
      const options = { build: "debug", [option]: value } as never;
      const error = await assertRejects(() => Heap.open(options), HeapError, undefined, `${option}: ${name}`);
      assertEquals(error.code, "INVALID_OPTION");
      const named = typeof value !== "string" || option !== "variant"; // the name of no variant is in another sentence
      if (named) assertStringIncludes(error.message, name);
    }
  }
  for (const options of [null, 5, "slab-map", true, 1n, Symbol("s"), () => {}]) {
    const error = await assertRejects(() => Heap.open(options as never), HeapError);
    assertEquals(error.code, "INVALID_OPTION");
  }
});

Deno.test("new Heap() is an error that says how a heap is made, for a class of the program's, too", () => {
  const Made = Heap as unknown as new (...values: unknown[]) => Heap;
  class Derived extends Made {}
  for (const make of [() => new Made(), () => new Made({ variant: "slab-map" }), () => new Derived()]) {
    assertTyped(make, "INVALID_OPTION", "await Heap.open()", "new Heap()");
  }
});

Deno.test("Heap.open() reads each option once, and what a getter throws comes before anything is opened", async () => {
  let reads = 0;
  const options = {
    get reserveBytes() {
      return ++reads === 1 ? 8 * 2 ** 20 : -1;
    },
  };
  using heap = await Heap.open(options);
  assertEquals([heap.stats().reservedBytes, reads], [8 * 2 ** 20, 1]);
  const mine = new Error("mine");
  const throwing = {
    get log(): never {
      throw mine;
    },
  };
  assertEquals(await assertRejects(() => Heap.open(throwing)), mine);
});

Deno.test("Heap.attach() of what is not a handle is INVALID_HANDLE", async () => {
  for (const [value] of [...NO_NUMBERS, [5, ""], [undefined, ""]]) {
    const error = await assertRejects(() => Heap.attach(value as never), HeapError);
    assertEquals(error.code, "INVALID_HANDLE");
  }
  using heap = await Heap.open();
  const shared = heap.share();
  for (const field of Object.keys(shared)) {
    for (const [value] of NO_NUMBERS) {
      const error = await assertRejects(() => Heap.attach({ ...shared, [field]: value } as never), HeapError);
      assertEquals(error.code, "INVALID_HANDLE", field);
    }
  }
});

Deno.test("a missing permission is an exported error, which is an OsError with a code", async () => {
  const program = `
    import { Heap, NativeAccessError, OsError } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)};
    try {
      using heap = await Heap.open(JSON.parse(Deno.args[0]));
    } catch (error) {
      console.log(error instanceof NativeAccessError && error instanceof OsError, error.code, error.name, error.message);
    }`;
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/program.ts`;
    await Deno.writeTextFile(file, program);
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const run = async (permissions: string[], options: unknown): Promise<string> => {
      const args = [
        "run",
        "--no-prompt",
        "--no-check",
        "--config",
        config,
        ...permissions,
        file,
        JSON.stringify(options),
      ];
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
      return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    };
    assertEquals(await run(["--allow-ffi"], { variant: "phase7,refill=33" }), ""); // it is generated, not read
    const noFfi = await run([], {});
    assert(noFfi.startsWith("true NO_FFI_PERMISSION NativeAccessError"), noFfi);
    assertStringIncludes(noFfi, "--allow-ffi");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const error = new NativeAccessError("BAD_LIBRARY", "no");
  assertEquals([error instanceof OsError, error.errno, error.call, error.code], [true, 0, "", "BAD_LIBRARY"]);
});

terminalTest("at a terminal, no permission is asked for: neither for the default variant nor for another", async () => {
  const module = JSON.stringify(new URL("../../mod.ts", import.meta.url).href), folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/program.ts`,
      `import { Heap } from ${module};
      for (const variant of ["slab-map", "phase7"]) {
        await Heap.open({ variant }).then((heap) => heap.close(), ({ code }) => console.log(variant, code));
      }`,
    );
    const shown = async (...permissions: string[]): Promise<string> => {
      const words = ["timeout", "100", Deno.execPath(), "run", "--quiet", "--no-check", "--no-config", ...permissions];
      const args = ["-qec", [...words, `${folder}/program.ts`].map((word) => `'${word}'`).join(" "), "/dev/null"];
      const { stdout } = await new Deno.Command("script", { args, stdin: "null", stderr: "null" }).output();
      return new TextDecoder().decode(stdout).replaceAll("\r", "");
    };
    assertEquals(await shown(), "slab-map NO_FFI_PERMISSION\nphase7 NO_FFI_PERMISSION\n");
    assertEquals(await shown("--allow-ffi"), "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
