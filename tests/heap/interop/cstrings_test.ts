/** C strings, both ways, in all encodings and both builds; bounded, also in memory that is not the heap's. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  BufferOverflowError,
  type CStringEncoding,
  Heap,
  HeapClosedError,
  InvalidOptionError,
  InvalidPointerError,
  InvalidSizeError,
  InvalidStringError,
} from "../../../src/heap/mod.ts";
import { openVirtualMemory, pointerOf, viewMemory } from "../../../src/os/mod.ts";
import { LIBC } from "./c_compiler.ts";

const ENCODINGS: readonly CStringEncoding[] = ["utf8", "latin1", "utf16", "wchar_t"];
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ maxLength: 300, size: "max" }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: fc.integer({ min: 1, max: 0xffff }).map((code) => String.fromCharCode(code)), maxLength: 60 }),
).map((text) => text.replaceAll("\0", "0"));

/** What comes back of a text: lone surrogates are lost. */
function expected(text: string, encoding: CStringEncoding): string | undefined {
  if (encoding !== "latin1") return text.toWellFormed();
  return [...text].every((character) => character.codePointAt(0)! <= 0xff) ? text : undefined;
}

for (const build of ["release", "debug"] as const) {
  for (const encoding of ENCODINGS) {
    Deno.test(`what cstring() writes readCString() reads (${encoding}, ${build})`, async () => {
      using heap = await Heap.open({ build, stacks: false });
      const check = (text: string): void => {
        const wanted = expected(text, encoding);
        if (wanted === undefined) return void assertThrows(() => heap.cstring(text, { encoding }), InvalidStringError);
        using block = heap.adopt(heap.cstring(text, { encoding }));
        assertEquals(heap.readCString(block.ptr, { encoding }), wanted);
        assertEquals(heap.readCString(heap.address(block.ptr), { encoding }), wanted);
        assertEquals(heap.readCString(block.pointer, { encoding }), wanted);
        if (build === "release") return;
        const unit = { utf8: 1, latin1: 1, utf16: 2, wchar_t: 4 }[encoding];
        const units = encoding === "utf8" ? new TextEncoder().encode(text).length : [...text].length;
        assertEquals(block.size, encoding === "utf16" ? text.length * 2 + 2 : (units + 1) * unit); // and not a byte more
      };
      fc.assert(fc.property(text, check), { numRuns: 400, seed: 20261127 });
      for (const length of [31, 32, 33, 4095, 4096, 4097, 100_000]) check("a".repeat(length));
      for (const length of [10, 11, 16, 5000, 20_000]) check("ä€😀".repeat(length));
      heap.check();
    });
  }

  Deno.test(`a NUL within a text is an error, and so is anything that is not text (${build})`, async () => {
    using heap = await Heap.open({ build });
    for (const encoding of ENCODINGS) {
      for (
        const wrong of ["\0", "a\0b", `${"a".repeat(100)}\0`, 5 as unknown as string, undefined as unknown as string]
      ) {
        const { code } = assertThrows(() => heap.cstring(wrong, { encoding }), InvalidStringError);
        assertEquals(code, "INVALID_STRING");
      }
    }
    assertThrows(() => heap.cstring("a", { encoding: "utf-8" as "utf8" }), InvalidOptionError);
    assertEquals(heap.stats().liveBlocks, 0);
  });

  Deno.test(`readCString() is bounded by max, and by the block or the heap (${build})`, async () => {
    using heap = await Heap.open({ build, reserveBytes: 4 * 1024 * 1024 });
    const ptr = heap.malloc(100);
    heap.fill(ptr, 97, 100);
    assertEquals(heap.readCString(ptr, { max: 10 }), "a".repeat(10));
    assertEquals(heap.readCString(ptr, { max: 0 }), "");
    assertEquals(heap.readCString(ptr + 3, { max: 7 }), "a".repeat(7));
    assertEquals(heap.readCString(ptr, { max: 7, encoding: "utf16" }), "慡".repeat(3));
    if (build === "debug") {
      assertThrows(() => heap.readCString(ptr), BufferOverflowError);
      assertThrows(() => heap.readCString(ptr, { max: 1000 }), BufferOverflowError);
    }
    for (const wrong of [0, 0n, -1, 1.5, 2 ** 45, NaN, null as unknown as number, "a" as unknown as number]) {
      assertThrows(() => heap.readCString(wrong), InvalidPointerError);
    }
    assertThrows(() => heap.readCString(ptr + 1, { encoding: "wchar_t" }), InvalidPointerError);
    const end = heap.u8.length;
    if (build === "release") {
      heap.u8.fill(97, end - 200);
      assertThrows(() => heap.readCString(end - 200), BufferOverflowError);
    }
    heap.close();
    assertThrows(() => heap.readCString(ptr), HeapClosedError);
  });

  Deno.test(`cstrings() is an argv, readCStrings() reads one, writeCString() needs no allocation (${build})`, async () => {
    using heap = await Heap.open({ build });
    for (const texts of [[], [""], ["ls", "-l", "/tmp/ä"], Array.from({ length: 100 }, (_, i) => `argument ${i}`)]) {
      using block = heap.adopt(heap.cstrings(texts));
      assertEquals(heap.readCStrings(block.ptr), texts);
      assertEquals(heap.readCStrings(block.ptr, { count: 2 }), texts.slice(0, 2));
      assertEquals(heap.stats().liveBlocks, 1);
      assertEquals(heap.u64[block.ptr / 8 + texts.length], 0n);
    }
    using argv = heap.adopt(heap.cstrings(["ls", "-l"]));
    assertEquals([heap.readCStrings(argv.pointer), heap.readCStrings(heap.address(argv.ptr), { count: 1 })], [
      ["ls", "-l"],
      ["ls"],
    ]);
    using line = heap.own(16);
    assertEquals(heap.writeCString(line.ptr, "häkmem", 16), 7);
    assertEquals(heap.readCString(line.ptr), "häkmem");
    assertThrows(() => heap.writeCString(line.ptr, "sixteen bytes ..", 16), BufferOverflowError);
    assertThrows(() => heap.writeCString(line.ptr, "x".repeat(200), 1000), BufferOverflowError);
    assertEquals(heap.readCString(line.ptr), "häkmem");
    heap.u64.fill(1n, line.ptr / 8, line.ptr / 8 + 2);
    assertThrows(() => heap.readCStrings(line.ptr), InvalidPointerError); // 1 is not the address of a string
  });
}

Deno.test("readCStrings() reads an array that is C's, and no page that is not mapped", async () => {
  const system = await openVirtualMemory(), page = system.pageSize, address = system.reserve(page * 2, page);
  try {
    system.release(address + BigInt(page), page);
    using heap = await Heap.open();
    const view = new DataView(viewMemory(address, page)), texts = address + 100n;
    new Uint8Array(view.buffer, 100, 6).set(new TextEncoder().encode("ls\0-l\0"));
    const table = page - 24, at = address + BigInt(table);
    [texts, texts + 3n, 0n].forEach((word, index) => view.setBigUint64(table + index * 8, word, true));
    for (const place of [at, pointerOf(at)]) {
      assertEquals(heap.readCStrings(place), ["ls", "-l"]);
      assertEquals(heap.readCStrings(place, { count: 1, encoding: "latin1" }), ["ls"]);
    }
    // At any alignment, as a packed struct may have it.
    view.setBigUint64(203, texts, true);
    assertEquals(heap.readCStrings(address + 203n, { count: 1 }), ["ls"]);
    view.setBigUint64(page - 8, texts, true); // no NULL before the end of the page
    assertThrows(() => heap.readCStrings(at), InvalidPointerError);
    assertEquals(heap.readCStrings(at, { count: 3 }), ["ls", "-l", "ls"]);
    assertThrows(() => heap.readCStrings(address + BigInt(page)), InvalidPointerError);
    assertThrows(() => heap.readCStrings(0n), InvalidPointerError, "NULL");
  } finally {
    system.close();
  }
});

Deno.test("readCString() reads what is C's, and no page that is not mapped", async () => {
  const system = await openVirtualMemory(), page = system.pageSize, address = system.reserve(page * 2, page);
  try {
    system.release(address + BigInt(page), page);
    using heap = await Heap.open();
    const view = new Uint8Array(viewMemory(address, page));
    view.fill(98);
    for (const length of [0, 1, 30, 255, 256, 257, 1000]) {
      const at = address + BigInt(page - length - 1);
      view[page - 1] = 0;
      assertEquals(heap.readCString(at), "b".repeat(length));
      assertEquals(heap.readCString(pointerOf(at), { max: 5000 }), "b".repeat(length));
      assertEquals(heap.readCString(pointerOf(at)), "b".repeat(length));
      view[page - 1] = 98;
      assertThrows(() => heap.readCString(at), InvalidPointerError);
      assertThrows(() => heap.readCString(at, { max: 2000 }), InvalidPointerError);
      assertEquals(heap.readCString(at, { max: length + 1 }), "b".repeat(length + 1)); // to the last byte of the page
    }
    new Uint16Array(view.buffer, page - 6, 3).set([0x20ac, 0x41, 0]);
    assertEquals(heap.readCString(address + BigInt(page - 6), { encoding: "utf16" }), "€A");
    assertThrows(() => heap.readCString(address + BigInt(page) + 5n), InvalidPointerError);
    // Bytes, and texts of a length that is known, with a NUL in them.
    new Uint8Array(view.buffer, page - 3, 3).set([97, 0, 98]);
    const last = address + BigInt(page - 3);
    assertEquals([...heap.copyOut(last, 3)], [97, 0, 98]);
    assertEquals(heap.readCString(pointerOf(last), { length: 3 }), "a\0b");
    assertEquals(heap.copyOut(address, page).length, page);
    assertEquals(heap.readCString(null!, { length: 0 }), "");
    for (const call of [() => heap.copyOut(last, 4), () => heap.readCString(last, { length: 4 })]) {
      assertThrows(call, InvalidPointerError);
    }
    for (const nothing of [null, 0n]) assertThrows(() => heap.copyOut(nothing!, 1), InvalidPointerError);
    using block = heap.adopt(heap.copyIn(new Uint8Array([99, 0, 100])));
    assertEquals(heap.readCString(block.ptr, { length: 3 }), "c\0d");
    assertEquals([...heap.copyOut(heap.address(block.ptr), 3)], [99, 0, 100]);
    assertThrows(() => heap.readCString(block.ptr, { length: 3, encoding: "utf16" }), InvalidSizeError);
    assertThrows(() => heap.readCString(block.ptr, { length: 200 }), BufferOverflowError);
    view.buffer.transfer(0);
  } finally {
    system.release(address, page);
    system.close();
  }
});

Deno.test("C reads what cstring() writes, and the other way round", async () => {
  const libc = Deno.dlopen(LIBC, {
    strlen: { parameters: ["pointer"], result: "usize" },
    wcslen: { parameters: ["pointer"], result: "usize" },
    strerror: { parameters: ["i32"], result: "pointer" },
  });
  using heap = await Heap.open();
  using scope = heap.scope();
  const { strlen, wcslen, strerror } = libc.symbols;
  assertEquals(strlen(heap.pointer(scope.cstring("häkmem"))), 7n);
  assertEquals(wcslen(heap.pointer(scope.cstring("häk😀", { encoding: "wchar_t" }))), 4n);
  const said = heap.readCString(strerror(2)!);
  assert(said.includes("No such file"), said);
  assertEquals(heap.readCString(strerror(2)!, { max: 7 }), said.slice(0, 7));
  libc.close();
});
