/**
 * The README's table of faults, cell by cell, for every variant and build. What is done is in `fault_program.ts`, a process
 * of its own, since a fault may kill one: none does. Here is what each must say.
 */

import { assert, assertEquals } from "@std/assert";
import { VARIANTS } from "../../src/heap/mod.ts";

/** Columns: release, of designs without headers; release, of those with; debug. */
type Column = 0 | 1 | 2;

/** Codes, any of which is right; undefined where there is no promise. */
type Cell = readonly string[] | undefined;

const INVALID = ["INVALID_POINTER"], TWICE = ["DOUBLE_FREE"], HEADER = ["HEADER_CORRUPTED"];
const OVERFLOW = ["BUFFER_OVERFLOW"], UNDERFLOW = ["BUFFER_UNDERFLOW"], AFTER = ["USE_AFTER_FREE"];
const AT_ONCE = ["DOUBLE_FREE", "INVALID_POINTER"];
const ANY = undefined;

const TABLE: Record<string, readonly [Cell, Cell, Cell]> = {
  "free of a wild number": [INVALID, INVALID, INVALID],
  "realloc and usableSize of a wild number": [INVALID, INVALID, INVALID],
  "free of a pointer into a block": [INVALID, INVALID, INVALID],
  "free of a fraction": [INVALID, INVALID, INVALID],
  "free of a foreign block": [INVALID, INVALID, INVALID],
  "double free at once": [AT_ONCE, AT_ONCE, TWICE],
  "double free of a large block": [INVALID, INVALID, TWICE],
  "double free with a header imitated": [TWICE, TWICE, TWICE],
  "double free with others between": [ANY, ANY, TWICE],
  "check() after a double free with others between": [HEADER, HEADER, ["found by free"]],
  "double free after another size has the memory": [ANY, ANY, TWICE],
  "a NUL past the end": [ANY, HEADER, OVERFLOW],
  "1 byte past the end": [ANY, HEADER, OVERFLOW],
  "8 bytes past the end": [ANY, HEADER, OVERFLOW],
  "a NUL past the end, then a double free": [TWICE, HEADER, TWICE],
  "a write before the start": [ANY, HEADER, UNDERFLOW],
  "a write before the start of a large block": [HEADER, HEADER, UNDERFLOW],
  "a write after free": [ANY, ANY, AFTER],
  "a write into a block of no bytes": [ANY, ANY, OVERFLOW],
  "usableSize and bytes of a freed block": [ANY, ANY, AFTER],
  "realloc of a freed block": [TWICE, TWICE, TWICE],
  "a link out of the blocks": [HEADER, HEADER, HEADER],
  "a link to a live block, or into one": [ANY, ANY, HEADER],
  "check() after a link to a live block": [HEADER, HEADER, HEADER],
  "a view longer than the block": [OVERFLOW, OVERFLOW, OVERFLOW],
  "a size that is none": [["INVALID_SIZE"], ["INVALID_SIZE"], ["INVALID_SIZE"]],
  "any call after close": [["HEAP_CLOSED"], ["HEAP_CLOSED"], ["HEAP_CLOSED"]],
  "blocks that are live at close": [["-"], ["-"], ["reported"]],
};

function columnOf(variant: string, build: string): Column {
  if (build === "debug") return 2;
  const { header, writeHeader } = VARIANTS[variant]!;
  return header === "byte" && writeHeader !== "never" ? 1 : 0;
}

for (const build of ["release", "debug"]) {
  for (const variant of Object.keys(VARIANTS)) {
    Deno.test(`${variant}, ${build}: every fault of the table says what is promised, and none kills`, async () => {
      const at = (path: string): string => decodeURIComponent(new URL(path, import.meta.url).pathname);
      const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-prompt", "-P", "--config", at("../../deno.json"), at("fault_program.ts")]
          .concat([variant, build]),
      }).output();
      assertEquals([code, signal], [0, null], new TextDecoder().decode(stderr));
      const found = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, string[]>;
      assertEquals(Object.keys(found), Object.keys(TABLE));
      const column = columnOf(variant, build);
      for (const [fault, codes] of Object.entries(found)) {
        const promised = TABLE[fault]![column];
        if (promised === ANY) continue;
        assert(codes.length > 0 && codes.every((code) => promised.includes(code)), `${fault}: ${codes}`);
      }
    });
  }
}
