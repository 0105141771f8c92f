import { assertEquals, assertThrows } from "@std/assert";
import { Outputs } from "../../../src/cli/shared/outputs.ts";
import { numberList, peerList, UsageError, variantList, wholeNumber } from "../../../src/cli/shared/values.ts";

Deno.test("variantList() gives an item with = to the variant before it", () => {
  assertEquals(variantList("box,integrity=0,e4"), ["box,integrity=0", "e4"]);
  assertEquals(variantList("box, integrity=0, restore=1 ,e4,e4"), ["box,integrity=0,restore=1", "e4"]);
  assertEquals(variantList("slab-map"), ["slab-map"]);
  assertEquals(variantList(""), []);
});

Deno.test("numberList(), wholeNumber() and peerList() take what is allowed and nothing else", () => {
  assertEquals(numberList("--size")("128, 256"), [128, 256]);
  assertThrows(() => numberList("--size")("128,-1"), UsageError);
  assertEquals(wholeNumber("--n", 1, 10)("10"), 10);
  for (const text of ["0", "11", "1.5", "", "x", "-1", "0x1"]) {
    assertThrows(() => wholeNumber("--n", 1, 10)(text), UsageError, "from 1 to 10");
  }
  assertEquals(peerList("ffi, system,ffi"), ["ffi", "system"]);
  assertEquals([peerList("none"), peerList("none,ffi")], [[], ["ffi"]]); // it is measured anyway
  for (const text of ["", ",", " , "]) assertThrows(() => peerList(text), UsageError, "names no peer: system");
  assertEquals(peerList("./lib.so,/usr/lib/libmimalloc.so.2.0"), ["./lib.so", "/usr/lib/libmimalloc.so.2.0"]);
  for (const text of ["c", "./lib.so.x", "README.md"]) {
    assertThrows(() => peerList(`system,${text}`), UsageError, `--peer ${text} does not exist: system, mimalloc, `);
  }
});

Deno.test("Outputs leaves an existing file as it is until there are results, and makes none before", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [old, fresh] = [`${folder}/old`, `${folder}/fresh`];
    await Deno.writeTextFile(old, "precious");
    new Outputs([old, fresh].map((path) => ({ option: "--json", path, render: () => "" })));
    assertEquals(await Deno.readTextFile(old), "precious");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["old"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
