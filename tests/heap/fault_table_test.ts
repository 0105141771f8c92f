/**
 * The table of faults in `src/heap/README.md`, cell by cell, for every variant and build. What is done is in
 * `fault_program.ts`, a process of its own, since a fault may kill one: none does. Here is what each must say, and that the
 * page says the same.
 */

import { assert, assertEquals } from "@std/assert";
import { lexer, type Tokens } from "marked";
import { DEFAULT_VARIANT, VARIANTS } from "../../src/heap/mod.ts";

/** Columns: release, of designs without headers; release, of those with; debug. */
type Column = 0 | 1 | 2;

/** Codes, any of which is right; undefined where there is no promise. */
type Cell = readonly string[] | undefined;

const INVALID = ["INVALID_POINTER"], TWICE = ["DOUBLE_FREE"], HEADER = ["HEADER_CORRUPTED"];
const OVERFLOW = ["BUFFER_OVERFLOW"], UNDERFLOW = ["BUFFER_UNDERFLOW"], AFTER = ["USE_AFTER_FREE"];
const AT_ONCE = ["DOUBLE_FREE", "INVALID_POINTER"];
const ANY = undefined;

/** By the row of the page that says so: what is tried, by the name that `fault_program.ts` has for it. */
const TABLE: Record<string, Record<string, readonly [Cell, Cell, Cell]>> = {
  "`free` of a pointer that is not a block: wild, negative, fractional, NaN, infinite, past the end, in the heap's state":
    {
      "free of a wild number": [INVALID, INVALID, INVALID],
      "realloc and usableSize of a wild number": [INVALID, INVALID, INVALID],
      "free of a fraction": [INVALID, INVALID, INVALID],
      "free of a foreign block": [INVALID, INVALID, INVALID],
    },
  "`free` of a pointer into the middle of a block, at any byte": {
    "free of a pointer into a block": [INVALID, INVALID, INVALID],
  },
  "`free` twice in a row by the same thread": {
    "double free at once": [AT_ONCE, AT_ONCE, TWICE],
    "double free of a large block": [INVALID, INVALID, TWICE],
  },
  "`free` twice in a row, after user data has imitated a header in between": {
    "double free with a header imitated": [TWICE, TWICE, TWICE],
  },
  "`free` twice with other frees between, or the second time by another thread": {
    "double free with others between": [ANY, ANY, TWICE],
    "check() after a double free with others between": [HEADER, HEADER, ["found by free"]],
  },
  "`free` twice, when another block has the memory by then": {
    "double free after another size has the memory": [ANY, ANY, TWICE],
  },
  "a write past the end of a block: 1 byte, a NUL, 8 bytes": {
    "a NUL past the end": [ANY, HEADER, OVERFLOW],
    "1 byte past the end": [ANY, HEADER, OVERFLOW],
    "8 bytes past the end": [ANY, HEADER, OVERFLOW],
    "a write into a block of no bytes": [ANY, ANY, OVERFLOW],
  },
  "a NUL past the end of a block, then the next block is freed twice": {
    "a NUL past the end, then a double free": [TWICE, HEADER, TWICE],
    "a NUL past the end, a double free, then the block's own": [ANY, ANY, OVERFLOW],
  },
  "a write before the start of a block": {
    "a write before the start": [ANY, HEADER, UNDERFLOW],
    "a write before the start of a large block": [HEADER, HEADER, UNDERFLOW],
  },
  "a write after free": {
    "a write after free": [ANY, ANY, AFTER],
  },
  "`usableSize` or `bytes` of a freed block": {
    "usableSize and bytes of a freed block": [ANY, ANY, AFTER],
  },
  "`realloc` of the block that was freed last": {
    "realloc of a freed block": [TWICE, TWICE, TWICE],
  },
  "a write that makes a free list lead outside the blocks": {
    "a link out of the blocks": [HEADER, HEADER, HEADER],
  },
  "a write that makes a free list lead to a live block, or into one": {
    "a link to a live block, or into one": [ANY, ANY, HEADER],
    "check() after a link to a live block": [HEADER, HEADER, HEADER],
  },
  "`bytes(ptr, n)` longer than the block": {
    "a view longer than the block": [OVERFLOW, OVERFLOW, OVERFLOW],
  },
  "blocks that are live at `close`": {
    "blocks that are live at close": [["-"], ["-"], ["reported"]],
  },
  "a size that is negative, fractional, NaN or infinite": {
    "a size that is not one": [["INVALID_SIZE"], ["INVALID_SIZE"], ["INVALID_SIZE"]],
  },
  "any call after `close`": {
    "any call after close": [["HEAP_CLOSED"], ["HEAP_CLOSED"], ["HEAP_CLOSED"]],
  },
};
const FAULTS = Object.assign({}, ...Object.values(TABLE)) as Record<string, readonly [Cell, Cell, Cell]>;

/** Rows of the page that other tests have. */
const ELSEWHERE: Record<string, string> = {
  "a bigint, a string or anything else that is not a number, as a size or a pointer": "arguments_test.ts",
  "the buffer of the views transferred away": "detached_test.ts",
};

function columnOf(variant: string, build: string): Column {
  if (build === "debug") return 2;
  const { header, writeHeader } = VARIANTS[variant]!;
  return header === "byte" && writeHeader !== "never" ? 1 : 0;
}

/** Runs the program, and compares what it says with the table. */
async function assertPromises(variant: string, build: string, way: "opened" | "attached"): Promise<void> {
  const at = (path: string): string => decodeURIComponent(new URL(path, import.meta.url).pathname);
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "-P", "--config", at("../../deno.json"), at("fault_program.ts")]
      .concat([variant, build, way]),
  }).output();
  assertEquals([code, signal], [0, null], new TextDecoder().decode(stderr));
  const found = JSON.parse(new TextDecoder().decode(stdout)) as Record<string, string[]>;
  assertEquals(Object.keys(found).toSorted(), Object.keys(FAULTS).toSorted());
  const column = columnOf(variant, build);
  for (const [fault, codes] of Object.entries(found)) {
    const promised = FAULTS[fault]![column];
    if (promised === ANY) continue;
    assert(codes.length > 0 && codes.every((code) => promised.includes(code)), `${fault}: ${codes}`);
  }
}

for (const build of ["release", "debug"]) {
  for (const variant of Object.keys(VARIANTS)) {
    Deno.test(`${variant}, ${build}: every fault of the table says what is promised, and none kills`, () =>
      assertPromises(variant, build, "opened"));
  }

  Deno.test(`attached, ${build}: every fault of the table says what is promised, and none kills`, () =>
    assertPromises(DEFAULT_VARIANT, build, "attached"));
}

/** Codes of errors in a text, or in cells. */
function codesIn(cells: readonly Cell[]): string[] {
  return [...new Set(cells.flatMap((codes = []) => codes))].filter((code) => /^[A-Z_]+$/.test(code)).toSorted();
}

Deno.test("the page's table has the faults that are tried, with the codes that they give", () => {
  const page = Deno.readTextFileSync(new URL("../../src/heap/README.md", import.meta.url));
  const tables = lexer(page).filter(({ type }) => type === "table") as Tokens.Table[];
  const rows = tables.find(({ header }) => header[0]?.text === "fault")!.rows.map((row) => row.map(({ text }) => text));
  const written = (cell: string) => codesIn([cell.match(/[A-Z]+_[A-Z_]+/g) ?? []]);
  const named = [...Object.keys(TABLE), ...Object.keys(ELSEWHERE)];
  assertEquals(rows.map(([fault]) => fault!).toSorted(), named.toSorted());
  for (const [fault = "", release = "", debug = ""] of rows) {
    if (fault in ELSEWHERE) {
      const test = Deno.readTextFileSync(new URL(ELSEWHERE[fault]!, import.meta.url));
      for (const code of [...written(release), ...written(debug)]) assert(test.includes(code), `${fault}: ${code}`);
      continue;
    }
    const cells = Object.values(TABLE[fault]!);
    assertEquals([fault, written(release)], [fault, codesIn(cells.map(([cell]) => cell))]);
    assertEquals([fault, written(debug)], [fault, codesIn(cells.map(([, , cell]) => cell))]);
  }
});
