/** Where fields are, against a C compiler: of a thousand random structs sizes, alignments, offsets, and the bits of bit fields. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  array,
  bits,
  chars,
  enumeration,
  type Fields,
  Heap,
  InvalidTypeError,
  struct,
  type StructType,
} from "../../../src/heap/mod.ts";
import { runC } from "./c_compiler.ts";
import { randomOf, randomStruct } from "./random_structs.ts";

const STRUCTS = 1000, SEED = 20261127;

function isBits(type: StructType, name: string): boolean {
  const field = type.fields[name]!;
  return typeof field === "object" && field.kind === "bits";
}

Deno.test("a thousand random structs have C's sizes, alignments, offsets and bits", async () => {
  const random = randomOf(SEED), structs = Array.from({ length: STRUCTS }, () => randomStruct(random));
  const source = [
    "#include <stdio.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\n#include <string.h>\n#include <sys/types.h>",
    ...structs.map(({ c }, index) => `typedef ${c} S${index};`),
    ...structs.map(({ type }, index) =>
      `static void show${index}(void) { printf("%zu %zu", sizeof(S${index}), _Alignof(S${index})); ${
        Object.keys(type.fields).map((name) =>
          isBits(type, name)
            // All ones in the field, and what bytes that gives.
            ? `{ S${index} s; memset(&s, 0, sizeof s); s.${name} = -1; putchar(' '); ` +
              `for (size_t i = 0; i < sizeof s; i++) printf("%02x", ((unsigned char *)&s)[i]); }`
            : `printf(" %zu", offsetof(S${index}, ${name}));`
        ).join(" ")
      } putchar('\\n'); }`
    ),
    `int main(void) { ${structs.map((_, index) => `show${index}();`).join(" ")} return 0; }`,
  ].join("\n");
  const said = await runC(source);
  if (said === undefined) return;

  using heap = await Heap.open();
  const lines = said.trimEnd().split("\n");
  assertEquals(lines.length, STRUCTS);
  for (const [index, { type, c }] of structs.entries()) {
    using one = heap.structs(type, 1);
    const ours = [
      type.size,
      type.alignment,
      ...Object.keys(type.fields).map((name) => {
        if (!isBits(type, name)) return type.offsets[name];
        heap.fill(one.ptr, 0, type.size);
        (one.at(0) as Record<string, unknown>)[name] = 2 ** 32 - 1;
        return heap.copyOut(one.ptr, type.size).toHex();
      }),
    ];
    assertEquals(ours.join(" "), lines[index], c);
  }
});

Deno.test("struct() refuses what C has not got", () => {
  const cases: (() => unknown)[] = [
    () => struct({}),
    () => struct({ 1: "i32" }),
    () => struct({ "a b": "i32" }),
    () => struct({ a: "int" as "i32" }),
    () => struct({ a: {} as "i32" }),
    () => struct({ a: { kind: "struct", size: 8, alignment: 8, fields: {}, offsets: {} } as StructType<Fields> }),
    () => struct(null as unknown as Fields),
    () => array("i32", 0),
    () => array("i32", 1.5),
    () => array(bits("u8", 3), 2),
    () => chars(-1),
    () => bits("u8", 9),
    () => bits("f32" as "u8", 1),
    () => enumeration({ A: 256 }, "u8"),
    () => enumeration({ A: -1 }, "u32"),
    () => enumeration({ A: 0.5 }),
    () => enumeration({ A: 1 }, "f64" as "u8"),
  ];
  for (const [index, call] of cases.entries()) assertThrows(call, InvalidTypeError, undefined, `case ${index}`);
});
