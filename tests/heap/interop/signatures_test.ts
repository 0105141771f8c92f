/** Functions of C by a line of text: what the text means, for Deno, for TypeScript, and what it must not be. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Heap, InvalidTypeError, NativeAccessError, openLibrary, type Signature, signature } from "../../../mod.ts";
import { temporaryFolder } from "../../os/run_child.ts";
import { LIBC } from "./c_compiler.ts";

/** A value of the one type is one of the other, and the other way round. */
type Same<A, B> = [A, B] extends [B, A] ? true : false;

Deno.test("signature() is what Deno takes, with the types that Deno gives it", () => {
  const all = "pointer (u8, i8, u16, i16, u32, i32, u64, i64, usize, isize, f32, f64, bool, pointer, buffer, function)";
  const of = signature(all);
  const expected = {
    parameters: "u8 i8 u16 i16 u32 i32 u64 i64 usize isize f32 f64 bool pointer buffer function".split(" "),
    result: "pointer",
  };
  assertEquals(of as unknown, expected);
  const isSame: Same<
    Signature<"f64 (u8,pointer)">,
    { readonly parameters: readonly ["u8", "pointer"]; readonly result: "f64" }
  > = true;
  const isEmpty: Same<Signature<"void ()">, { readonly parameters: readonly []; readonly result: "void" }> = true;
  assertEquals([isSame, isEmpty], [true, true]);
  for (const text of ["void()", " void ( ) ", "void (void)"] as const) {
    assertEquals(signature(text), { parameters: [], result: "void" });
  }
  assertEquals(signature(" i32( pointer ,f64 )"), { parameters: ["pointer", "f64"], result: "i32" });
  const callback = new Deno.UnsafeCallback(signature("i32 (pointer, f64)"), (at, value) => at === null ? value | 0 : 0);
  assertEquals(new Deno.UnsafeFnPointer(callback.pointer, callback.definition).call(null, 5.5), 5);
  callback.close();
});

Deno.test("openLibrary() opens a library with signatures, and with what Deno takes itself, until the end of the scope", async () => {
  using heap = await Heap.open();
  using scope = heap.scope();
  let strlen: (text: Deno.PointerValue) => bigint;
  {
    using libc = openLibrary(LIBC, {
      strlen: "usize (pointer)",
      length: { name: "strlen", parameters: ["pointer"], result: "usize", nonblocking: true },
      abs: "i32 (i32)",
    });
    ({ strlen } = libc.symbols);
    const length: bigint = strlen(scope.pointer("hakmem"));
    const later: Promise<bigint> = libc.symbols.length(scope.pointer("hakmem"));
    assertEquals([length, await later, libc.symbols.abs(-3)], [6n, 6n, 3]);
    const closed = openLibrary(LIBC, {});
    closed.close();
    closed.close();
  } // the sanitizer finds a library that is left open
  assertThrows(() => openLibrary("libnothing-of-the-kind.so", {}), Error, "libnothing-of-the-kind.so");
  assertThrows(() => openLibrary(LIBC, { nothingOfTheKind: "void ()" }), Error, "nothingOfTheKind");
  // @ts-expect-error a library is a file
  assertThrows(() => openLibrary(5, {}), InvalidTypeError, "5");
});

Deno.test("a library that cannot be loaded, or lacks a function, is BAD_LIBRARY with Deno's error as its cause", () => {
  const wrong: [() => unknown, string][] = [
    [() => openLibrary("libnothing-of-the-kind.so", {}), "libnothing-of-the-kind.so"],
    [() => openLibrary(new URL("file:///nothing/of%20the/kind.so"), {}), "/nothing/of the/kind.so"],
    [() => openLibrary(new URL("file:///%ff.so"), {}), "%ff.so"],
    [() => openLibrary(new URL(import.meta.url), {}), "signatures_test.ts"], // not a library
    [() => openLibrary(LIBC, { nothingOfTheKind: "void ()" }), "nothingOfTheKind"],
  ];
  for (const [call, part] of wrong) {
    const error = assertThrows(call, NativeAccessError, part);
    assertEquals(error.code, "BAD_LIBRARY");
    assert(error.cause instanceof Error);
  }
  const cut = [`${LIBC}\0.so`, new URL(`file:///${LIBC}%00.so`)]; // with the NUL as its end, the first is libc
  for (const file of cut) {
    assertEquals(assertThrows(() => openLibrary(file, {}), NativeAccessError, "NUL").code, "BAD_LIBRARY");
  }
  for (const url of ["https://example.com/lib.so", "file://host/lib.so", "data:,x"]) {
    assertThrows(() => openLibrary(new URL(url), {}), InvalidTypeError, url);
  }
});

Deno.test("openLibrary() never asks for a permission, but names it", async () => {
  const program = `import { openLibrary } from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
    try { openLibrary(${JSON.stringify(LIBC)}, {}); } catch (error) { console.log(error.code, error.message); }`;
  using folder = temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/program.ts`, program);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", `${folder.path}/program.ts`],
    stdin: "null",
  }).output();
  assertMatch(new TextDecoder().decode(stdout), /^NO_FFI_PERMISSION .*--allow-ffi/);
});

Deno.test("what is not a signature is an error of types, and one that says what is wrong", () => {
  const wrong: [() => unknown, string][] = [
    // @ts-expect-error there is no such type
    [() => signature("int (pointer)"), '"int"'],
    // @ts-expect-error nor this
    [() => signature("i32 (pointer, size_t)"), '"size_t"'],
    // @ts-expect-error a parameter is never void, but alone
    [() => signature("i32 (void, i32)"), '"void"'],
    // @ts-expect-error a type is missing
    [() => signature("i32 (pointer,)"), '""'],
    // @ts-expect-error there are no parentheses
    [() => signature("i32"), "parentheses"],
    // @ts-expect-error something comes after them
    [() => signature("i32 (i32) f"), "parentheses"],
    // @ts-expect-error not a text
    [() => signature(5), "5"],
    // @ts-expect-error as Deno has it
    [() => signature({ parameters: [], result: "void" }), "for a function"],
    // @ts-expect-error the name of a method of all objects
    [() => signature("toString ()"), '"toString"'],
    // @ts-expect-error one of two
    [() => openLibrary(LIBC, { abs: "i32 (i32)", wrong: "nothing ()" }), "for wrong"],
    // @ts-expect-error nothing
    [() => openLibrary(LIBC, undefined), "undefined"],
    // @ts-expect-error neither of the two
    [() => openLibrary(LIBC, { f: null }), "for f"],
  ];
  for (const [call, part] of wrong) assertStringIncludes(assertThrows(call, InvalidTypeError).message, part);
});
