/**
 * Calls for C, used wrongly: each argument that is not what it should be, each object after its end, and heaps that are closed or
 * whose views are gone. Whatever it is, the error is typed, and nothing is allocated that nobody has.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { array, bits, chars, enumeration, Heap, HeapError, type HeapErrorCode, pointer, struct } from "../../../mod.ts";

const Person = struct({ id: "i32", name: "cstring", next: pointer(), at: struct({ x: "f32" }) });

/** Whatever the types say. */
function any(value: unknown): never {
  return value as never;
}

/** @param calls by a name that a failure says. */
function assertAll(code: HeapErrorCode, calls: Readonly<Record<string, () => unknown>>): void {
  for (const [name, call] of Object.entries(calls)) {
    const error = assertThrows(call, HeapError, undefined, name);
    assertEquals(error.code, code, `${name}: ${error.message}`);
  }
}

Deno.test("what V8 has no room for is a typed error: copies, texts, views that say of themselves what is not so", async () => {
  using heap = await Heap.open();
  const GIB = 2 ** 30, ptr = heap.malloc(40 * GIB), last = ptr + 40 * GIB - 16;
  assert(ptr > 2 ** 31);
  assertAll("OUT_OF_MEMORY", {
    copyOut: () => heap.copyOut(ptr, 40 * GIB),
    "copyOut by address": () => heap.copyOut(heap.address(ptr), 40 * GIB),
  });
  assertAll("INVALID_STRING", {
    utf8: () => heap.readCString(ptr, { length: 2 * GIB }),
    latin1: () => heap.readCString(ptr, { length: GIB / 2, encoding: "latin1" }),
    utf16: () => heap.readCString(ptr, { length: GIB, encoding: "utf16" }),
    wchar_t: () => heap.readCString(ptr, { length: 2 * GIB, encoding: "wchar_t" }),
  });
  class Lying extends Float64Array {
    static override readonly BYTES_PER_ELEMENT = any(1);
  }
  assertAll("INVALID_TYPE", { view: () => heap.view(Lying, last + 1, 1) });
  assertEquals(heap.copyOut(last, 16), new Uint8Array(16));
  assertEquals(heap.readCString(last, { length: 4 }), "\0\0\0\0");
});

Deno.test("a native allocator's close() takes options, or nothing", async () => {
  using heap = await Heap.open();
  using allocator = heap.nativeAllocator();
  for (const wrong of [null, 5, "abandon", true, 1n, Symbol("x")]) {
    assertAll("INVALID_OPTION", { close: () => allocator.close(any(wrong)) });
  }
  assert(allocator.malloc !== null); // it is open
  const arrays = heap.structs(struct({ list: array("cstring", 2) }), 1);
  for (const wrong of [null, 5, true, {}]) {
    assertAll("INVALID_TYPE", { "an array": () => arrays.at(0).list = any(wrong) });
  }
  arrays[Symbol.dispose]();
});

for (const build of ["release", "debug"] as const) {
  Deno.test(`a length that cannot be one is INVALID_SIZE wherever it goes (${build})`, async () => {
    using heap = await Heap.open({ build, log: () => {} });
    using scope = heap.scope();
    using block = heap.own(64);
    const { ptr } = block, text = scope.cstring("text");
    for (const wrong of [-1, 1.5, NaN, Infinity, "5", null, 10n, {}, Symbol("5")]) {
      assertAll("INVALID_SIZE", {
        alloc: () => heap.alloc(any(wrong)),
        own: () => heap.own(any(wrong)),
        structs: () => heap.structs(Person, any(wrong)),
        structsAt: () => heap.structsAt(Person, ptr, any(wrong)),
        view: () => heap.view(Uint8Array, ptr, any(wrong)),
        dataView: () => heap.dataView(ptr, any(wrong)),
        fill: () => heap.fill(ptr, 0, any(wrong)),
        copyOut: () => heap.copyOut(ptr, any(wrong)),
        writeCString: () => heap.writeCString(ptr, "a", any(wrong)),
        "readCString max": () => heap.readCString(text, { max: any(wrong) }),
        "readCString length": () => heap.readCString(text, { length: any(wrong) }),
        "readCStrings count": () => heap.readCStrings(ptr, { count: any(wrong) }),
        "scope.malloc": () => scope.malloc(any(wrong)),
        "scope.alloc": () => scope.alloc(any(wrong)),
        "scope.calloc": () => scope.calloc(1, any(wrong)),
        "scope.structs": () => scope.structs(Person, any(wrong)),
      });
    }
  });

  Deno.test(`NULL, and anything that is not a pointer, is INVALID_POINTER wherever it goes (${build})`, async () => {
    using heap = await Heap.open({ build });
    for (const wrong of [0, -1, 1.5, NaN, "5", null, undefined, {}, 2 ** 40]) {
      const at = any(wrong);
      assertAll("INVALID_POINTER", {
        adopt: () => heap.adopt(at),
        view: () => heap.view(Uint8Array, at, 1),
        dataView: () => heap.dataView(at, 1),
        fill: () => heap.fill(at, 0, 1),
        copyOut: () => heap.copyOut(at, 1),
        structsAt: () => heap.structsAt(Person, at),
        cursor: () => heap.cursor(Person).of(at),
        readCString: () => heap.readCString(at),
        readCStrings: () => heap.readCStrings(at),
        writeCString: () => heap.writeCString(at, "a", 2),
      });
    }
    assertEquals(heap.stats().liveBlocks, 0);
  });

  Deno.test(`scope's objects end with it, or with reset(), and say so (${build})`, async () => {
    using heap = await Heap.open({ build });
    for (const end of ["reset", "dispose", "close"] as const) {
      const other = await Heap.open({ build, log: () => {} }), scope = (end === "close" ? other : heap).scope();
      const out = scope.out("i32"), people = scope.structs(Person, 2), person = people.at(1);
      out.value = person.id = 7;
      if (end === "reset") scope.reset();
      if (end === "dispose") scope[Symbol.dispose]();
      other.close();
      assertAll("USE_AFTER_FREE", {
        value: () => out.value,
        "out.ptr": () => out.ptr,
        "out.pointer": () => out.pointer,
        ptr: () => people.ptr,
        pointer: () => people.pointer,
        ptrAt: () => people.ptrAt(0),
      });
      const code = end === "close" ? "HEAP_CLOSED" : "BUFFER_OVERFLOW";
      assertAll(code, { id: () => person.id, name: () => person.name });
      out[Symbol.dispose]();
      people[Symbol.dispose]();
      if (end === "reset") {
        assertEquals(scope.out("i32").value, 0);
        scope[Symbol.dispose]();
      }
      if (end === "close") continue;
      assertAll("USE_AFTER_FREE", { keep: () => scope.keep(16), usableSize: () => scope.usableSize(16) });
    }
    assertEquals(heap.stats().liveBlocks, 0);
  });

  Deno.test(`a view of a struct that the array's end took stays ended, wherever at() leads then (${build})`, async () => {
    using heap = await Heap.open({ build });
    const people = heap.structs(Person, 3), person = people.at(1), { at } = person;
    person.id = 5;
    people[Symbol.dispose]();
    assertAll("BUFFER_OVERFLOW", { id: () => person.id, name: () => person.name, next: () => person.next });
    assertAll("BUFFER_OVERFLOW", { made: () => people.at(1).id, inner: () => person.at.x });
    assert(at !== undefined);
  });

  Deno.test(`an array's cursors end with it, and theirs, however many were forgotten before (${build})`, async () => {
    using heap = await Heap.open({ build });
    const people = heap.structs(Person, 3);
    for (let forgotten = 0; forgotten < 100; forgotten++) people.cursor();
    const cursor = people.cursor(), other = cursor.cursor(), person = other.at(1);
    cursor.at(2).id = 5;
    person.id = 6;
    people[Symbol.dispose]();
    assertAll("BUFFER_OVERFLOW", {
      cursor: () => cursor.at(2).id,
      other: () => other.at(1).id,
      person: () => person.id,
    });
    assertAll("BUFFER_OVERFLOW", { set: () => cursor.set(0, { id: 1 }) });
    assertEquals([cursor.length, [...other].length], [0, 0]);
  });

  Deno.test(`without its views a heap refuses what needs them, and loses no block (${build})`, async () => {
    using heap = await Heap.open({ build });
    const block = heap.own(64), people = heap.structs(Person, 2), out = heap.out("i32"), scope = heap.scope();
    const person = people.at(0), inScope = scope.malloc(8), cursor = heap.cursor(Person), text = heap.cstring("abc");
    const { liveBlocks } = heap.stats();
    structuredClone(null, { transfer: [heap.u8.buffer] });
    assertAll("HEAP_DETACHED", {
      "block.bytes": () => block.bytes,
      "block.view": () => block.view(Uint8Array),
      view: () => heap.view(Uint8Array, text, 1),
      dataView: () => heap.dataView(text, 1),
      fill: () => heap.fill(text, 1, 1),
      copyIn: () => heap.copyIn(new Uint8Array(1)),
      copyOut: () => heap.copyOut(text, 1),
      cstring: () => heap.cstring("a"),
      cstrings: () => heap.cstrings(["a"]),
      readCString: () => heap.readCString(text),
      writeCString: () => heap.writeCString(text, "a", 2),
      out: () => heap.out("i32"),
      "out.value": () => out.value,
      structs: () => heap.structs(Person, 1),
      structsAt: () => heap.structsAt(Person, people.ptr),
      "person.id": () => person.id,
      "person.name": () => person.name,
      "cursor.of": () => cursor.of(people.ptr).id,
      "scope.keep": () => scope.keep(inScope),
      "scope.calloc": () => scope.calloc(1, 4),
      "scope.copyIn": () => scope.copyIn(new Uint8Array(1)),
      "scope.cstring": () => scope.cstring("a"),
    });
    assertEquals(heap.stats().liveBlocks, liveBlocks);
    for (const made of [block, people, out, scope]) made[Symbol.dispose]();
    heap.free(text);
    assertEquals(heap.stats().liveBlocks, 0);
  });

  Deno.test(`a heap that is closed says so, whatever it is asked for (${build})`, async () => {
    const heap = await Heap.open({ build, log: () => {} }), cursor = heap.cursor(Person);
    heap.close();
    assertAll("HEAP_CLOSED", {
      alloc: () => heap.alloc(1),
      own: () => heap.own(1),
      adopt: () => heap.adopt(16),
      scope: () => heap.scope(),
      cstring: () => heap.cstring("a"),
      cstrings: () => heap.cstrings(["a"]),
      readCString: () => heap.readCString(16),
      readCStrings: () => heap.readCStrings(16),
      writeCString: () => heap.writeCString(16, "a", 2),
      out: () => heap.out("i32"),
      structs: () => heap.structs(Person, 1),
      structsAt: () => heap.structsAt(Person, 16),
      cursor: () => heap.cursor(Person),
      "cursor.of": () => cursor.of(16),
      view: () => heap.view(Uint8Array, 16, 1),
      dataView: () => heap.dataView(16, 1),
      copyIn: () => heap.copyIn(new Uint8Array(1)),
      copyOut: () => heap.copyOut(16, 1),
      fill: () => heap.fill(16, 1, 1),
      nativeAllocator: () => heap.nativeAllocator(),
    });
  });
}

Deno.test("a value that is not a type, a text or a constructor gets the error that says what is", async () => {
  using heap = await Heap.open();
  using block = heap.own(64);
  for (const wrong of [5, null, {}, 1n, Symbol("x"), () => {}]) {
    assertAll("INVALID_TYPE", {
      struct: () => struct(any(wrong)),
      field: () => struct({ a: any(wrong) }),
      array: () => array(any(wrong), 3),
      bits: () => bits(any(wrong), 3),
      "enumeration's storage": () => enumeration({ A: 1 }, any(wrong)),
      "enumeration's value": () => enumeration({ A: any(wrong === 5 ? 1.5 : wrong) }),
      chars: () => chars(any(wrong === 5 ? 1.5 : wrong)),
      structs: () => heap.structs(any(wrong), 1),
      structsAt: () => heap.structsAt(any(wrong), block.ptr),
      cursor: () => heap.cursor(any(wrong)),
      out: () => heap.out(any(wrong)),
    });
    assertAll("INVALID_STRING", {
      cstring: () => heap.cstring(any(wrong)),
      cstrings: () => heap.cstrings(any(wrong)),
      "one of cstrings": () => heap.cstrings([any(wrong)]),
    });
    assertAll("INVALID_ALIGNMENT", { view: () => heap.view(any(wrong), block.ptr, 1) });
  }
  for (const wrong of [5, null, undefined, 1n]) assertAll("INVALID_TYPE", { values: () => enumeration(any(wrong)) });
  const away = new Uint8Array(8);
  away.buffer.transfer();
  for (const wrong of [undefined, away]) assertAll("INVALID_STRING", { cstrings: () => heap.cstrings(any(wrong)) });
  assertAll("INVALID_ALIGNMENT", { undefined: () => heap.view(any(undefined), block.ptr, 1) });
});

Deno.test("whatever is assigned to a field, nothing beside the field changes", async () => {
  const Line = struct({ before: "u32", text: chars(8), numbers: array("u16", 4), after: "u32" });
  for (const build of ["release", "debug"] as const) {
    using heap = await Heap.open({ build });
    using guard = heap.own(64), lines = heap.structs(Line, 3);
    const cursor = heap.cursor(Line);
    guard.bytes.fill(7);
    for (const line of lines) Object.assign(line, { before: 7, after: 7, text: "abcdefgh", numbers: [7, 7, 7, 7] });
    const before = heap.copyOut(lines.ptr, 3 * Line.size);
    let length = 0;
    const lying = {
      get length() {
        return length++ % 2 === 0 ? 4 : 40;
      },
    };
    for (const line of [lines.at(1), cursor.of(lines.ptrAt(1))]) {
      for (const wrong of [5, null, undefined, 1n, {}, { length: 3 }, ["a"], Symbol("x")]) {
        assertAll("INVALID_STRING", { text: () => line.text = any(wrong) });
      }
      line.numbers = any(lying); // says 4, and is asked once
      assertAll("INVALID_TYPE", { numbers: () => line.numbers = any(lying) }); // says 40
      line.numbers = any([7, 7, 7, 7]);
      assertEquals(heap.copyOut(lines.ptr, 3 * Line.size), before);
    }
    if (build === "debug") continue; // at() throws
    for (const index of [-1, NaN, 3, "x", undefined]) {
      const line = lines.at(any(index));
      assertAll("BUFFER_OVERFLOW", {
        "to read text": () => line.text,
        "to read numbers": () => line.numbers,
        text: () => line.text = "x",
        numbers: () => line.numbers = any([1, 2]),
      });
    }
    assertEquals([heap.copyOut(lines.ptr, 3 * Line.size), guard.bytes.every((byte) => byte === 7)], [before, true]);
  }
});

Deno.test("a field of numbers takes what a typed array makes a number of, and of all else there is the typed error", async () => {
  class Own extends Error {}
  const own = { valueOf: () => assertThrows(() => JSON.parse("{")) },
    throwing = {
      valueOf() {
        throw new Own("Cannot be");
      },
    };
  const Fields = struct({
    i32: "i32",
    f64: "f64",
    bits: bits("u8", 3),
    color: enumeration({ RED: 1, BLUE: 2 }),
    numbers: array("f32", 2),
    u64: "u64",
    i64: "i64",
    bigints: array("u64", 2),
    boxed: array(struct({ x: "i16" }), 2),
  });
  using heap = await Heap.open();
  using fields = heap.structs(Fields, 2), out = heap.out("u64"), scalar = heap.out("i32");
  const one = fields.at(1), nothing = heap.copyOut(fields.ptr, Fields.size * 2);
  for (const wrong of [1n, Symbol("x"), Object.create(null)].map(any)) {
    assertAll("INVALID_TYPE", {
      i32: () => one.i32 = wrong,
      f64: () => one.f64 = wrong,
      bits: () => one.bits = wrong,
      enumeration: () => one.color = wrong,
      array: () => one.numbers = any([1, wrong]),
      "struct in an array": () => one.boxed.at(1).x = wrong,
      out: () => scalar.value = wrong,
    });
  }
  for (const wrong of [1, 1.5, "x", null, undefined, Symbol("x"), {}, own].map(any)) {
    assertAll("INVALID_TYPE", {
      u64: () => one.u64 = wrong,
      i64: () => one.i64 = wrong,
      array: () => one.bigints = any([1n, wrong]),
      out: () => out.value = wrong,
    });
  }
  for (const name of ["i32", "f64", "bits", "color", "u64", "i64"] as const) {
    assertThrows(() => one[name] = any(throwing), Own);
  }
  assertEquals(heap.copyOut(fields.ptr, Fields.size * 2), nothing);
  one.i32 = any("5");
  one.f64 = any(true);
  one.bits = any("9");
  one.numbers = any(["1", { valueOf: () => 2 }]);
  one.u64 = any("18446744073709551615");
  one.i64 = any(true);
  one.bigints = any(["3", -1n]);
  const read = [one.i32, one.f64, one.bits, [...one.numbers], one.u64, one.i64, [...one.bigints]];
  assertEquals(read, [5, 1, 1, [1, 2], 2n ** 64n - 1n, 1n, [3n, 2n ** 64n - 1n]]);
});

Deno.test("an index, a constructor, a name and bytes that are none get the typed error", async () => {
  using heap = await Heap.open();
  using people = heap.structs(Person, 2), block = heap.own(64), allocator = heap.nativeAllocator();
  class Lying extends Uint8Array {
    override get byteLength() {
      return 2 ** 40;
    }
  }
  const given = new Uint8Array(8), { liveBlocks } = heap.stats();
  given.buffer.transfer();
  for (const wrong of [1n, Symbol("1"), "1", Object.create(null), null, undefined, 1.5, -1]) {
    assertAll("BUFFER_OVERFLOW", {
      ptrAt: () => people.ptrAt(any(wrong)),
      set: () => people.set(any(wrong), { id: 1 }),
    });
    assertAll("INVALID_TYPE", { table: () => allocator.table(any(wrong)) });
    assertAll("INVALID_ALIGNMENT", { view: () => block.view(any(wrong)) });
  }
  const withSize = Object.assign(() => {}, { BYTES_PER_ELEMENT: 4 });
  for (const wrong of [new Uint8Array(4), new Float64Array(1), { BYTES_PER_ELEMENT: 4 }, withSize]) {
    assertAll("INVALID_TYPE", {
      "view of a block": () => block.view(any(wrong)),
      "view of a range": () => heap.view(any(wrong), block.ptr, 1),
    });
  }
  for (const wrong of [4n, Symbol("4"), "4", 0, 1.5, NaN, Infinity]) {
    class Odd extends Uint8Array {
      static override readonly BYTES_PER_ELEMENT = any(wrong);
    }
    assertAll("INVALID_ALIGNMENT", {
      "size of an element, of a block": () => block.view(Odd),
      "size of an element, of a range": () => heap.view(Odd, block.ptr, 1),
    });
  }
  class Throwing extends Uint8Array {
    constructor() {
      super(0);
      throw new TypeError("its own");
    }
  }
  assertThrows(() => block.view(any(Throwing)), TypeError, "its own");
  assertAll("INVALID_TYPE", { method: () => allocator.table(any("close")) });
  assertAll("INVALID_SIZE", {
    detached: () => heap.copyIn(given),
    "its buffer": () => heap.copyIn(given.buffer),
    lying: () => heap.copyIn(new Lying(8)),
  });
  assertEquals(heap.stats().liveBlocks, liveBlocks);
});
