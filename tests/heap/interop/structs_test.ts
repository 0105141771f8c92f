/** Structs: what is written through accessors is where C has it, and reads as it was; arrays, cursors, strings in fields. */

import { assert, assertEquals, assertNotEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  array,
  bits,
  BufferOverflowError,
  chars,
  enumeration,
  type FieldArray,
  type FieldType,
  HeaderCorruptedError,
  Heap,
  HeapClosedError,
  InvalidPointerError,
  InvalidTypeError,
  pointer,
  struct,
  type StructType,
  union,
  UseAfterFreeError,
} from "../../../src/heap/mod.ts";
import { LIBC } from "./c_compiler.ts";
import { randomOf, randomStruct } from "./random_structs.ts";

/** Writes random values to the leaves of a struct, and gives back how to read each again. */
function writeLeaves(
  view: Record<string, unknown>,
  type: StructType,
  random: () => number,
  heap: Heap,
  get: () => Record<string, unknown>,
): (() => void)[] {
  return Object.entries(type.fields).flatMap(([name, field]) =>
    writeLeaf(field, random, heap, () => get()[name], (value) => void (view[name] = value))
  );
}

function writeLeaf(
  type: FieldType,
  random: () => number,
  heap: Heap,
  get: () => unknown,
  set: (value: unknown) => void,
): (() => void)[] {
  const value = (written: unknown): (() => void)[] => {
    set(written);
    return [() => assertEquals(get(), written)];
  };
  const whole = (bits: number): number => Math.floor(random() * 2 ** bits);
  if (typeof type === "string") {
    switch (type) {
      case "bool":
        return value(random() < 0.5);
      case "f32":
        return value(Math.fround(random()));
      case "f64":
        return value(random());
      case "cstring":
        return value(random() < 0.3 ? null : `text ${whole(30)} ä`);
      case "pointer":
        set(heap.pointer(4096 + whole(16)));
        return value(random() < 0.3 ? null : get());
      case "i64":
      case "isize":
        return value(BigInt.asIntN(64, BigInt(whole(32)) << BigInt(whole(6))));
      case "u64":
      case "usize":
        return value(BigInt.asUintN(64, BigInt(whole(32)) << BigInt(whole(6))));
      default: {
        const width = Number(type.slice(1));
        return value(type.startsWith("i") ? whole(width) - 2 ** (width - 1) : whole(width));
      }
    }
  }
  switch (type.kind) {
    case "pointer":
      return value(random() < 0.3 ? 0 : 1 + whole(20));
    case "enum":
      return value(1 + whole(1));
    case "bits":
      return value(whole(type.width));
    case "chars":
      return value("abcdefghijklmnopqrstuvwxyz".slice(0, Math.floor(random() * (type.length + 1))));
    case "array": {
      const elements = get() as FieldArray<unknown> | Int32Array;
      assertEquals(elements.length, type.length);
      if (ArrayBuffer.isView(elements)) {
        const values = elements.slice() as Int32Array;
        for (let at = 0; at < values.length; at++) {
          const some = 1 + whole(6);
          values[at] = (typeof elements[at] === "bigint" ? BigInt(some) : some) as number;
        }
        return value(values);
      }
      return Array.from({ length: type.length }, (_, at) =>
        writeLeaf(
          type.element,
          random,
          heap,
          () => (get() as FieldArray<unknown>).at(at),
          (value) => elements.set(at, value),
        )).flat();
    }
    default: {
      // Of a union the last that is written counts.
      const readers = writeLeaves(
        get() as Record<string, unknown>,
        type,
        random,
        heap,
        get as () => Record<string, unknown>,
      );
      return type.kind === "union" ? [] : readers;
    }
  }
}

for (const build of ["release", "debug"] as const) {
  Deno.test(`each field of random structs keeps its own value, whatever is written to the others (${build})`, async () => {
    using heap = await Heap.open({ build, stacks: false });
    const random = randomOf(7);
    let leaves = 0;
    for (let round = 0; round < 150; round++) {
      const { type, c } = randomStruct(random);
      if (type.kind === "union") continue;
      using structs = heap.structs(type, 3);
      const readers = [0, 2, 1].flatMap((index) => {
        const get = (): Record<string, unknown> => structs.at(index) as Record<string, unknown>;
        return writeLeaves(get(), type, random, heap, get);
      });
      for (const read of readers) {
        try {
          read();
        } catch (error) {
          throw new Error(c, { cause: error });
        }
      }
      leaves += readers.length;
    }
    heap.check();
    assert(leaves > 2000, `${leaves} leaves`);
    assertEquals(heap.stats().liveBlocks, 0);
  });

  Deno.test(`at() makes no object; cursors are apart; of() takes what C gives (${build})`, async () => {
    using heap = await Heap.open({ build });
    const Item = struct({ id: "i32", next: pointer(), pos: struct({ x: "f32", y: "f32" }) });
    using items = heap.structs(Item, 10);
    assertEquals(heap.copyOut(items.ptr, Item.size * 10), new Uint8Array(Item.size * 10));
    const view = items.at(3);
    view.id = 3;
    view.pos = { x: 1, y: 2 };
    view.next = items.ptrAt(9); // which does not move the view
    assertStrictEquals(items.at(9), view);
    assertEquals(view.id, 0);
    items.set(9, { id: 9 });
    const a = items.cursor(), b = items.cursor();
    assertEquals([a.at(3).id, b.at(9).id, a.at(3).pos.y], [3, 9, 2]);
    assertEquals(a.of(heap.address(items.ptrAt(9))).id + b.of(heap.pointer(items.ptrAt(3))!).id, 12);
    assertEquals(heap.cursor(Item).of(b.of(items.ptrAt(3)).next).id, 9);
    assertEquals(heap.structsAt(Item, items.ptrAt(9)).at(0).id, 9);
    assertEquals([...items].length, 10);
    assertEquals(
      Deno.inspect(items.at(3)).replaceAll(/\s+/g, " "),
      `{ id: 3, next: ${items.ptrAt(9)}, pos: { x: 1, y: 2 } }`,
    );
    for (const wrong of [items.ptr + 1, items.ptr - 16, items.ptr + Item.size * 10, 0, -8, 2 ** 46, 1.5]) {
      assertThrows(() => items.of(wrong), InvalidPointerError);
    }
    for (const wrong of [-1, 10, NaN, ...build === "debug" ? [1.5] : []]) {
      assertThrows(() => items.at(wrong).id, BufferOverflowError);
      assertThrows(() => items.at(wrong).pos.x, BufferOverflowError);
      assertThrows(() => items.at(wrong).next, BufferOverflowError);
      assertThrows(() => items.set(wrong, { id: 1 }), BufferOverflowError);
      assertThrows(() => items.ptrAt(wrong), BufferOverflowError);
    }
    assertThrows(
      () => heap.structsAt(Item, items.ptrAt(9), 2 * heap.usableSize(items.ptr) / Item.size | 0),
      BufferOverflowError,
    );
    assertThrows(() => heap.structsAt(Item, items.ptr + 4), InvalidPointerError);
  });

  Deno.test(`an array of structs that has ended says so, and strings in its fields go with it (${build})`, async () => {
    using heap = await Heap.open({ build });
    const Person = struct({
      id: "i32",
      name: "cstring",
      nick: chars(8),
      tags: array("u8", 4),
      ok: "bool",
      part: bits("u8", 3),
    });
    {
      using people = heap.structs(Person, 100);
      for (let i = 0; i < 100; i++) {
        people.set(i, { id: i, name: `name ${i}`, nick: `n${i}`, ok: i % 2 === 0, part: i & 7 });
      }
      people.at(5).name = "another";
      assertEquals([people.at(5).name, people.at(99).name, people.at(7).nick], ["another", "name 99", "n7"]);
      assert(heap.stats().liveBlocks > 1);
      assertThrows(() => people.at(0).nick = "nine bytes", BufferOverflowError);
      people.at(0).nick = "eight by";
      assertEquals(people.at(0).nick, "eight by");
    }
    assertEquals(heap.stats().liveBlocks, 0);
    {
      using scope = heap.scope();
      const people = scope.structs(Person, 2);
      people.at(1).name = "in the scope";
      assertEquals(people.at(1).name, "in the scope");
    }
    assertEquals(heap.stats().liveBlocks, 0);
    const people = heap.structs(Person, 2);
    assertThrows(() => heap.structsAt(Person, people.ptr).at(0).name = "whose?", InvalidTypeError);
    const view = people.at(1);
    people[Symbol.dispose]();
    people[Symbol.dispose]();
    const fields = [() => view.id, () => view.name, () => view.nick, () => view.tags, () => view.ok, () => view.part];
    for (const field of fields) assertThrows(field, BufferOverflowError);
    assertThrows(() => people.at(0).id, BufferOverflowError);
    assertThrows(() => people.ptr, UseAfterFreeError);
    const last = heap.structs(Person, 1).at(0);
    heap.close();
    assertThrows(() => last.id, HeapClosedError);
    assertThrows(() => heap.structs(Person, 1), HeapClosedError);
  });
}

Deno.test("an array of structs is freed once, whatever is wrong with a string of its own", async () => {
  using heap = await Heap.open();
  const people = heap.structs(struct({ id: "i32", name: "cstring" }), 4), { ptr } = people;
  people.at(0).name = "x".repeat(100_000);
  const text = heap.ptrAt(heap.u64[ptr / 8 + 1]!), header = heap.u8.slice(text - 16, text);
  heap.u8.fill(255, text - 16, text);
  assertThrows(() => people[Symbol.dispose](), HeaderCorruptedError);
  const again = heap.malloc(64);
  assertEquals(again, ptr); // the array was freed
  people[Symbol.dispose]();
  assert(heap.owns(again));
  heap.u8.set(header, text - 16);
  heap.free(again);
  heap.check();
});

Deno.test("a struct's fields take what their types hold, and nothing else that could be mistaken for it", async () => {
  using heap = await Heap.open();
  const All = struct({
    next: pointer(),
    handle: "pointer",
    list: array("i32", 2),
    inner: struct({ a: "i8" }),
    s: "cstring",
  });
  using all = heap.structs(All, 1);
  const one = all.at(0);
  for (const wrong of [heap.address(all.ptr), 2 ** 46, -1, "a"]) {
    assertThrows(() => one.next = wrong as number, InvalidPointerError);
  }
  assertThrows(() => one.handle = all.ptr as unknown as Deno.PointerValue, InvalidTypeError);
  assertThrows(() => one.list = new Int32Array(3), InvalidTypeError);
  assertThrows(() => one.inner = 5 as unknown as { a: number }, InvalidTypeError);
  const libc = Deno.dlopen(LIBC, { getenv: { parameters: ["buffer"], result: "pointer" } });
  one.handle = Deno.UnsafePointer.of(new Uint8Array(8));
  heap.u64[all.ptr / 8] = heap.u64[all.ptr / 8 + 1]!; // an address that is not the heap's
  assertThrows(() => one.next, InvalidPointerError);
  libc.close();
  for (const wrong of [{}, null, { size: 4 }, "i32"]) {
    assertThrows(() => heap.structs(wrong as StructType, 1), InvalidTypeError);
    assertThrows(() => heap.cursor(wrong as StructType), InvalidTypeError);
  }
  assertThrows(() => heap.out("int" as "i32"), InvalidTypeError);
});

Deno.test("enums and unions read as their types say, and types follow from descriptions", async () => {
  using heap = await Heap.open();
  const Color = { RED: 0, GREEN: 1, BLUE: 200 } as const;
  const Value = struct({
    color: enumeration(Color, "u8"),
    as: union({ number: "f64", bits: "u64", bytes: array("u8", 8) }),
  });
  using values = heap.structs(Value, 2);
  const value = values.at(1);
  value.color = Color.BLUE;
  value.as.number = 1;
  const color: 0 | 1 | 200 = value.color, bytes: Uint8Array = value.as.bytes, whole: bigint = value.as.bits;
  assertEquals([color, bytes[7], whole], [200, 0x3f, 0x3ff0000000000000n]);
  // @ts-expect-error 5 is not a color
  value.color = 5;
  // @ts-expect-error a bigint is not a number
  assertNotEquals(typeof value.as.number, (value.as.number = 1, typeof 1n as unknown as number));
});

Deno.test("C's qsort sorts an array of structs by a callback that reads them", async () => {
  const libc = Deno.dlopen(LIBC, { qsort: { parameters: ["pointer", "usize", "usize", "function"], result: "void" } });
  using heap = await Heap.open();
  const Record = struct({
    id: "i32",
    score: "f64",
    name: "cstring",
    pos: struct({ x: "f32", y: "f32", z: "i64" }),
    tag: "u8",
  });
  const COUNT = 500;
  using records = heap.structs(Record, COUNT);
  for (let i = 0; i < COUNT; i++) {
    records.set(i, {
      id: i,
      score: Math.sin(i),
      name: `n${i}`,
      pos: { x: i / 2, y: -i, z: BigInt(i) << 32n },
      tag: i & 255,
    });
  }
  const [a, b] = [records.cursor(), records.cursor()];
  const compare = new Deno.UnsafeCallback(
    { parameters: ["pointer", "pointer"], result: "i32" } as const,
    (x, y) => Math.sign(a.of(x!).score - b.of(y!).score),
  );
  libc.symbols.qsort(records.pointer, BigInt(COUNT), BigInt(Record.size), compare.pointer);
  compare.close();
  libc.close();
  let last = -2;
  for (const { id, score, name, pos, tag } of records) {
    assert(score >= last);
    last = score;
    assertEquals([name, score, pos.x, pos.z, tag], [`n${id}`, Math.sin(id), id / 2, BigInt(id) << 32n, id & 255]);
  }
});

Deno.test("a struct is its fields to console.log and to JSON, and not the heap that it lies in", async () => {
  using heap = await Heap.open();
  const Part = struct({ x: "f32", flags: array("bool", 2) });
  using items = heap.structs(struct({ id: "i32", name: "cstring", parts: array(Part, 2), toJSON: "u8" }), 1);
  const item = items.at(0);
  items.set(0, { id: 5, name: "five", toJSON: 1 });
  item.parts.at(1).x = 1.5;
  item.parts.at(1).flags.set(0, true);
  const parts = [{ x: 0, flags: [false, false] }, { x: 1.5, flags: [true, false] }];
  assertEquals(JSON.parse(JSON.stringify(item.parts)), parts);
  assertEquals(JSON.parse(JSON.stringify(item.parts.at(1))), parts[1]);
  assertEquals(Deno.inspect(item), Deno.inspect({ id: 5, name: "five", parts, toJSON: 1 }));
});
