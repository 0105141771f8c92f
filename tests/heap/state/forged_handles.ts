/**
 * The program that `forged_handles_test.ts` runs in a process of its own: it forges handles whose addresses lead to memory
 * that a plain read or write would die of, and prints the codes of the errors that `Heap.attach` gives, by the case.
 */
import { Heap, type SharedHeap } from "../../../src/heap/mod.ts";
import { stateBytes, WORD_IDENTITY } from "../../../src/heap/state/layout.ts";

const MIB = 2 ** 20, UNIT = 2n * BigInt(MIB), LENGTH = 64n * BigInt(MIB);
const PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32, O_RDWR = 2;

const c = Deno.dlopen("libc.so.6", {
  mmap: { parameters: ["u64", "u64", "i32", "i32", "i32", "i64"], result: "u64" },
  mprotect: { parameters: ["u64", "u64", "i32"], result: "i32" },
  munmap: { parameters: ["u64", "u64"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
}).symbols;

const genuine = await Heap.open({ reserveBytes: 64 * MIB });
const shared = genuine.share();
const codes: Record<string, string[]> = {};

async function attach(name: string, change: Partial<Record<keyof SharedHeap | "library", unknown>>): Promise<void> {
  const forged = { ...shared, ...change } as SharedHeap;
  const code = await Heap.attach(forged).then(() => "attached", (error) => error.code ?? String(error));
  const said = codes[name] ??= [];
  if (!said.includes(code)) said.push(code);
}

/** A range with room for a heap whose identity is in place; its protection is changed afterwards. */
function plant(protection: number, file = -1): bigint {
  const flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  const start = c.mmap(0n, LENGTH + UNIT, PROT_READ | PROT_WRITE, flags, file, 0n);
  const base = (start + UNIT - 1n) & -UNIT;
  if (file < 0) {
    const view = new Deno.UnsafePointerView(Deno.UnsafePointer.create(base + BigInt(WORD_IDENTITY * 4))!);
    new Int32Array(view.getArrayBuffer(4))[0] = shared.identity;
  }
  c.mprotect(start, LENGTH + UNIT, protection);
  return base + BigInt(stateBytes(shared.bytes));
}

/** The address of a range that is gone again. */
function unplanted(): bigint {
  const base = plant(PROT_READ | PROT_WRITE);
  c.munmap(base - BigInt(stateBytes(shared.bytes)), LENGTH);
  return base;
}

const path = Deno.makeTempFileSync();
const file = c.open(new TextEncoder().encode(`${path}\0`), O_RDWR);
Deno.removeSync(path);

await attach("nowhere", { base: 2n ** 30n });
await attach("beyond the user's addresses", { base: 2n ** 55n });
await attach("unmapped since", { base: unplanted() });
await attach("another process's", { process: Deno.pid + 1 });
// Where the state of such a heap would begin is below address 0, far from this heap, or beyond all addresses.
for (const base of [shared.base, UNIT, 2n ** 28n, 2n ** 47n - UNIT, 2n ** 56n - UNIT]) {
  for (const bytes of [4 * MIB, 2 ** 32, 2 ** 39, 2 ** 40]) {
    for (const maxBytes of [0, shared.maxBytes, 2 ** 40]) await attach("huge lengths", { base, bytes, maxBytes });
  }
}
await attach("not readable", { base: plant(0) });
await attach("not writable", { base: plant(PROT_READ) });
await attach("readable and writable, no heap", { base: plant(PROT_READ | PROT_WRITE) });
await attach("a file that is too short", { base: plant(PROT_READ | PROT_WRITE, file) });
await attach("a library that does not exist is not asked for", { base: 2n ** 30n, library: "/nowhere/evil.so" });
let reads = 0;
await attach("the genuine one", {});
const fickle = Object.defineProperty({ ...shared }, "base", { get: () => reads++ === 0 ? shared.base : -1n });
codes["a getter is read once"] = [await Heap.attach(fickle).then(() => `${reads}`, (error) => error.code)];

const values: unknown[] = [
  undefined,
  null,
  true,
  "",
  "x",
  -1,
  0,
  1,
  0.5,
  NaN,
  Infinity,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  2 ** 21,
  2 ** 40,
  -1n,
  0n,
  1n,
  2n ** 21n,
  2n ** 30n,
  2n ** 47n - UNIT,
  2n ** 47n,
  2n ** 55n,
  2n ** 56n,
  2n ** 63n,
  2n ** 64n,
  [],
  {},
  shared.base + UNIT,
  shared.base - UNIT,
  shared.base + 8n,
  "debug",
  "phase7",
];
for (const field of Object.keys(shared) as (keyof SharedHeap)[]) {
  for (const value of values) {
    await attach("one field", { [field]: value });
    const other = values[Math.floor(Math.random() * values.length)];
    await attach("two fields", { [field]: value, base: other });
  }
}
genuine.check();
console.log(JSON.stringify(codes));
