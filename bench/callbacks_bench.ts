/**
 * What a call from C to TypeScript costs by the types of its parameters and of its result, and what a call from TypeScript to
 * C costs by the same, `deno bench -P bench/callbacks_bench.ts`. One iteration is a thousand calls, so microseconds here are
 * nanoseconds a call.
 */

import { Heap } from "../mod.ts";
import { buildNative } from "../src/os/mod.ts";

const COUNT = 1000;

const { path } = await buildNative({
  name: "callbacks",
  sources: [new URL("../native/callbacks.c", import.meta.url)],
  kind: "library",
});
const library = Deno.dlopen(path, {
  call_often: { parameters: ["function", "u64", "u64"], result: "u64" },
});
const heap = await Heap.open();
const block = heap.malloc(64), address = heap.address(block), pointer = heap.pointer(block);

/** From C: `result` is what the callback gives for its type. */
function fromC(
  group: string,
  parameters: readonly Deno.NativeType[],
  type: Deno.NativeResultType,
  result?: unknown,
): void {
  const definition = { parameters: [...parameters], result: type } as Deno.UnsafeCallbackDefinition;
  // A function of its own for each: V8 compiles it for what it gets.
  const names = parameters.map((_, index) => `p${index}`).join();
  const call = new Function("result", `return (${names}) => result`)(result) as Deno.UnsafeCallbackFunction;
  const callback = new Deno.UnsafeCallback(definition, call);
  const given = type === "void" ? "" : ` -> ${type}${type === "u64" ? `, a ${typeof result}` : ""}`;
  Deno.bench({
    group: `callback: ${group}`,
    name: `(${parameters.join(", ")})${given}`,
    baseline: parameters.length === 0,
    fn: () => void library.symbols.call_often(callback.pointer, BigInt(COUNT), address),
  });
}

fromC("parameter", [], "void");
for (const type of ["u32", "u64", "usize", "pointer", "buffer"] as const) fromC("parameter", [type], "void");
fromC("result", [], "void");
fromC("result", [], "u32", 5);
fromC("result", [], "u64", address);
fromC("result", [], "u64", Number(address));
fromC("result", [], "pointer", pointer);
fromC("lua_Alloc", [], "void");
fromC("lua_Alloc", ["pointer", "pointer", "u64", "u64"], "pointer", pointer);
fromC("lua_Alloc", ["u32", "u64", "u64", "u64"], "u64", Number(address));

/** To C: libc's `labs`, which does nothing that counts, and takes what is given to it for a number. */
const LIBC = Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
const calls: [type: "u32" | "u64" | "usize" | "pointer" | "buffer", argument: string][] = [
  ["u32", "5"],
  ["u64", "address"],
  ["u64", "number"],
  ["usize", "address"],
  ["pointer", "pointer"],
  ["pointer", "heap.pointer(block)"],
  ["buffer", "view"],
  ["buffer", "heap.bytes(block)"],
];
for (const [type, argument] of calls) {
  const { labs } = Deno.dlopen(LIBC, { labs: { parameters: [type], result: "void" } } as const).symbols;
  const parts = { labs, heap, block, address, number: Number(address), pointer, view: heap.bytes(block) };
  const loop = new Function(
    ...Object.keys(parts),
    `return () => { for (let i = 0; i < ${COUNT}; i++) labs(${argument}); }`,
  )(...Object.values(parts)) as () => void;
  Deno.bench({ group: "call", name: `${type}, given ${argument}`, baseline: type === "u32", fn: loop });
}
