/**
 * Every public method of a heap, a scope, an owned block, a native allocator, an out-parameter and an array of structs,
 * found by reflection, and the functions beside them, with pairs of values that no program should pass: it is right, or
 * throws a `HeapError` or an `OsError`, or what the value itself throws; and no other block has changed. Left out is
 * `StructCursor`, which does not check where it is put.
 */

import { assert, assertEquals } from "@std/assert";
import { array, Heap, HeapError, openLibrary, OsError, signature, struct } from "../../../mod.ts";

/** What a value throws when it is asked for a number: it may pass through. */
class Own extends Error {}

/** What is not a method. */
class Functions {
  readonly openLibrary = openLibrary;
  readonly signature = signature;
}

function detached(): Uint8Array {
  const view = new Uint8Array(8);
  view.buffer.transfer();
  return view;
}

/** Makes one of each; some are of use to one method, and odd to all others. */
function oddValues(heap: Heap): (() => unknown)[] {
  return [
    ...[null, undefined, NaN, -0, -1, 1.5, Infinity, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, 1n, -1n, 2n ** 64n, true],
    ...["", "x", "a\0b", "\ud800", Symbol("x"), {}, Object.create(null), [], ["a", 1], Object.freeze([1, 2])],
    ...[new Proxy({}, {}), new Date(NaN), () => {}, detached(), new ArrayBuffer(8), new DataView(new ArrayBuffer(8))],
    ...[new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })), new Uint8Array(new SharedArrayBuffer(8))],
    ...[new Uint8Array(4), struct({ a: "i32" })],
    {
      valueOf() {
        throw new Own();
      },
    },
    {
      valueOf() {
        heap.free(heap.malloc(8));
        return 8;
      },
    },
  ].map((value): () => unknown => () => value).concat(() => heap.malloc(64), () => heap.pointer(heap.malloc(64)));
}

/** Names of the methods of an object, but for those that end it. */
function methodsOf(object: object): string[] {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(object));
  const all = Object.getPrototypeOf(object);
  return [...names, ...Object.getOwnPropertyNames(object)].filter((name) =>
    name !== "constructor" && name !== "close" &&
    typeof (Object.getOwnPropertyDescriptor(all, name) ?? Object.getOwnPropertyDescriptor(object, name))!.value ===
      "function"
  );
}

/** Makes a call, and ends what it gives; returns what it throws, if that is not a typed error. */
async function wrongOf(call: () => unknown): Promise<unknown> {
  try {
    const made = await call() as Partial<Disposable> | undefined;
    if (typeof made === "object") made?.[Symbol.dispose]?.();
    return undefined;
  } catch (error) {
    return error instanceof HeapError || error instanceof OsError || error instanceof Own ? undefined : error;
  }
}

for (const build of ["release", "debug"] as const) {
  Deno.test(`any two values, of any method: right, or a typed error (${build})`, async () => {
    const heap = await Heap.open({ build, stacks: false, reserveBytes: 16 * 2 ** 20, log: () => {} });
    const kept = Array.from({ length: 200 }, (_, index) => [heap.malloc(index * 11), index * 11] as const);
    for (const [ptr, size] of kept) heap.u8.fill(ptr % 251, ptr, ptr + size);
    const values = oddValues(heap), found = new Set<string>();
    let calls = 0;
    const scope = heap.scope(), allocator = heap.nativeAllocator(), Line = struct({ a: "i32", b: array("u16", 4) });
    const out = heap.out("i32"), lines = heap.structs(Line, 3), owned = heap.own(64), { ptr: released } = owned;
    const objects = [heap, scope, owned, allocator, out, lines, new Functions()]; // `release` is the last of an owned block
    for (const object of objects as unknown as Record<string, (...values: unknown[]) => unknown>[]) {
      const methods = methodsOf(object);
      assert(methods.length > 0, methods.join());
      for (const name of methods) {
        for (const first of values) {
          for (const second of values) {
            calls++;
            const wrong = await wrongOf(() => object[name]!(first(), second()));
            if (wrong !== undefined) found.add(`${object.constructor.name}.${name}: ${wrong}`);
          }
        }
      }
    }
    assertEquals([...found], []);
    assert(calls > 10_000, `${calls}`);
    heap.check();
    for (const [ptr, size] of kept) {
      assert(heap.owns(ptr) && heap.u8.subarray(ptr, ptr + size).every((byte) => byte === ptr % 251), `${ptr}`);
    }
    heap.free(released);
    for (const object of [scope, owned, out, lines]) object[Symbol.dispose]();
    allocator.close({ abandon: true });
    heap.check();
    heap.close();
  });
}
