/**
 * What the calls for C cost, next to what one would write without them, `deno bench -P bench/interop_bench.ts`. Each iteration
 * is COUNT of what the name says. The bars of a group are in its first line.
 */

import { Heap, struct, type StructArray } from "../mod.ts";

const COUNT = 1000;
const TEXT = "a string of 20 bytes";

const heap = await Heap.open();
const { malloc, free } = heap;

/** What the loops leave behind, so that nothing in them is for nothing. */
let sink: unknown;
/** Read at the end, as V8 and the linter want. */
addEventListener("unload", () => void sink);

// A field of a struct beside the bare typed array that it lies in.

const Item = struct({ id: "i32", score: "f64", flags: "u8", pos: struct({ x: "f32", y: "f32" }) });
const items = heap.structs(Item, COUNT), words = items.type.size / 8;
const bare = heap.view(Float64Array, items.ptr, COUNT * words);
for (let i = 0; i < COUNT; i++) Object.assign(items.at(i), { id: i, score: i / 2, flags: 1 });

function readFields(array: StructArray<(typeof Item)["fields"]>): number {
  let sum = 0;
  for (let i = 0; i < COUNT; i++) sum += array.at(i).score;
  return sum;
}

function readBare(array: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < COUNT; i++) sum += array[i * 4 + 1]!;
  return sum;
}

function writeFields(array: StructArray<(typeof Item)["fields"]>, value: number): void {
  for (let i = 0; i < COUNT; i++) array.at(i).score = value + i;
}

function writeBare(array: Float64Array, value: number): void {
  for (let i = 0; i < COUNT; i++) array[i * 4 + 1] = value + i;
}

function readNested(array: StructArray<(typeof Item)["fields"]>): number {
  let sum = 0;
  for (let i = 0; i < COUNT; i++) sum += array.at(i).pos.y;
  return sum;
}

Deno.bench("read a field: bare typed array", { group: "read", baseline: true }, () => void (sink = readBare(bare)));
Deno.bench("read a field: at(i).score", { group: "read" }, () => void (sink = readFields(items)));
Deno.bench("read a field: at(i).pos.y", { group: "read" }, () => void (sink = readNested(items)));
Deno.bench("write a field: bare typed array", { group: "write", baseline: true }, () => writeBare(bare, 3));
Deno.bench("write a field: at(i).score", { group: "write" }, () => writeFields(items, 3));

// An owned block beside malloc and free of C, called with the types that cost least: u32, and a pointer.

const libc = Deno.dlopen(Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6", {
  malloc: { parameters: ["u32"], result: "pointer" },
  free: { parameters: ["pointer"], result: "void" },
}).symbols;

Deno.bench("own and dispose: FFI malloc, free", { group: "own", baseline: true }, () => {
  for (let i = 0; i < COUNT; i++) libc.free(libc.malloc(64));
});
Deno.bench("own and dispose: own, [Symbol.dispose]()", { group: "own" }, () => {
  for (let i = 0; i < COUNT; i++) heap.own(64)[Symbol.dispose]();
});
Deno.bench("own and dispose: using", { group: "own" }, () => {
  for (let i = 0; i < COUNT; i++) {
    using block = heap.own(64);
    sink = block;
  }
});
Deno.bench("own and dispose: malloc, free", { group: "own" }, () => {
  for (let i = 0; i < COUNT; i++) free(malloc(64));
});

// A scope of small blocks.

const ptrs = new Float64Array(COUNT);

Deno.bench("1,000 blocks: malloc, then free", { group: "scope", baseline: true }, () => {
  for (let i = 0; i < COUNT; i++) ptrs[i] = malloc(16 + (i & 31));
  for (let i = 0; i < COUNT; i++) free(ptrs[i]!);
});
Deno.bench("1,000 blocks: a scope", { group: "scope" }, () => {
  const scope = heap.scope();
  for (let i = 0; i < COUNT; i++) ptrs[i] = scope.malloc(16 + (i & 31));
  scope[Symbol.dispose]();
});
const kept = heap.scope();
Deno.bench("1,000 blocks: a scope that is reset", { group: "scope" }, () => {
  for (let i = 0; i < COUNT; i++) ptrs[i] = kept.malloc(16 + (i & 31));
  kept.reset();
});

// A C string out and in.

const encoder = new TextEncoder(), decoder = new TextDecoder(), ready = new Uint8Array(TEXT.length);

Deno.bench("a string of 20 bytes: encodeInto, decode on a ready buffer", { group: "string", baseline: true }, () => {
  for (let i = 0; i < COUNT; i++) {
    encoder.encodeInto(TEXT, ready);
    sink = decoder.decode(ready);
  }
});
Deno.bench("a string of 20 bytes: cstring, readCString, free", { group: "string" }, () => {
  for (let i = 0; i < COUNT; i++) {
    const ptr = heap.cstring(TEXT);
    sink = heap.readCString(ptr);
    heap.free(ptr);
  }
});
Deno.bench("a string of 20 bytes: in a scope", { group: "string" }, () => {
  for (let i = 0; i < COUNT; i++) sink = heap.readCString(kept.cstring(TEXT));
  kept.reset();
});

// An out-parameter.

Deno.bench("out-parameter: BigUint64Array, UnsafePointer.of", { group: "out", baseline: true }, () => {
  for (let i = 0; i < COUNT; i++) {
    const out = new BigUint64Array(1);
    sink = Deno.UnsafePointer.of(out);
    sink = out[0];
  }
});
Deno.bench("out-parameter: heap.out, pointer, value", { group: "out" }, () => {
  for (let i = 0; i < COUNT; i++) {
    const out = heap.out("u64");
    sink = out.pointer;
    sink = out.value;
    out[Symbol.dispose]();
  }
});
