import { assert, assertEquals } from "@std/assert";
import { decodeTrace, readSummary, TraceError } from "../../../src/traces/mod.ts";
import { LineShape } from "../../../src/traces/text/shapes.ts";
import { bytesOf, SAMPLES } from "../helpers.ts";

/** The numbers of a line that has a shape; undefined if it has not. */
function numbersOf(pattern: string, line: string): number[] | undefined {
  const shape = new LineShape(pattern, (_builder, ...given) => {
    numbers = given;
  });
  let numbers: number[] | undefined;
  const bytes = bytesOf(`${line}\nthe next`), next = shape.match(bytes, 0);
  if (next === 0) return undefined;
  assertEquals(next, line.length + 1, "the next line begins behind this one");
  assert(shape.tell(undefined as never));
  return numbers;
}

Deno.test("LineShape reads the numbers of a line that has the shape", () => {
  const android = "%d: malloc 0x%x %d%*";
  const read: [pattern: string, line: string, numbers: number[] | undefined][] = [
    [android, "202: malloc 0xb4827400 1024", [202, 0xb4827400, 1024, 0]],
    [android, "202: malloc 0xB4827400 1024 12.5 13.5\r", [202, 0xb4827400, 1024, 0]],
    [android, "202: malloc 0xb4827400 1024x", undefined],
    [android, "202: malloc 0xb4827400 ", undefined],
    [android, "202: malloc 0xb4827400 999999999999", [202, 0xb4827400, 999_999_999_999, 0]],
    [android, "202: malloc 0xb4827400 1000000000000", undefined],
    [android, "202: malloc 0x0 8", undefined],
    [android, "202: malloc 0xfffffffffffff 8", [202, 2 ** 52 - 1, 8, 0]],
    [android, "202: malloc 0xb400007fedcba980 8", undefined],
    [android, "202: malloc 0xb48g 8", undefined],
    ["+ %h %h %x", "+ 1d8 0 564f", [0x1d8, 0, 0x564f, 0]],
    ["+ %h %h %x", "+ 10000000000 0 564f", undefined],
    ["@ %w - 0x%x", "@ ./a:(main+0x1)[0x2] - 0x10", [16, 0, 0, 0]],
    ["@ %w - 0x%x", "@ a b - 0x10", undefined],
    ["%>free(0x%x) %_= <void>", "libc.so.6->free(0xa)   = <void>", [10, 0, 0, 0]],
    ["%>free(0x%x) %_= <void>", "free(0xa) = <void>", [10, 0, 0, 0]],
    ["%>free(0x%x) %_= <void>", "x-free(0xa) = <void>", undefined],
    ["f %d", "f -1", undefined],
    ["f %d", "f ", undefined],
  ];
  for (const [pattern, line, numbers] of read) assertEquals(numbersOf(pattern, line), numbers, line);
});

Deno.test("a line means the same, and is wrong in the same way, whether it is read by its shape or as text", () => {
  const said = (text: string) => {
    try {
      return decodeTrace(bytesOf(text));
    } catch (error) {
      assert(error instanceof TraceError);
      return error.message;
    }
  };
  const more: Record<string, string> = {
    android: "7: malloc 0xb4840a60 999999999999\n7: calloc 0xa 999999999999 999999999999\n",
    malloclab: "a 7 8\na 7 8\n",
    wee_alloc: "Free(999999),\n",
    heaptrack: "+ ffffffffff 1 564f00e67540\n+ 8 1 564f00e67540\n- 1\n",
    valgrind: "--1-- malloc(8) = 0x10\n--23698-- free(0x99)\n--23698-- malloc(8) = 0x4B0B040\n",
    mtrace: "@ a:[0x1] - 0x99\n@ a:[0x1] < 0x556919c8a2a0\n@ a:[0x1] > 0x5 0xffffffffff\n",
    ltrace:
      "[pid 9] a->malloc(5 <unfinished ...>\n[pid 9] malloc(9) = 0x7\n[pid 9] malloc(3) = 0x8\nfree(0x9) = <void>\n",
  };
  for (const [format, sample] of Object.entries(SAMPLES)) {
    if (format === "malloc-bench") continue; // bytes, not lines
    const text = `${sample}${more[format]}`;
    // A tab at the end is white space to every decoder, and to no shape.
    const [head, ...lines] = text.split("\n");
    assertEquals(said(text), said([head, ...lines.map((line) => `${line}\t`)].join("\n")), format);
  }
});

Deno.test("lines are whole wherever the pieces of a file end", () => {
  const lines = Array.from(
    { length: 90_000 },
    (_, index) => `${index % 7}: malloc 0x${(index + 1).toString(16)}0 ${index}`,
  );
  const path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, `${lines.join("\n")}\n7: free 0x10\n7: free 0x2`); // two pieces, and a line without end
    const { events, allocatedBytes, unknownBlocks, endLiveBlocks } = readSummary(path, 10);
    assertEquals([events, unknownBlocks, endLiveBlocks], [90_001, 1, 89_999]);
    assertEquals(allocatedBytes, 90_000 * 89_999 / 2);
  } finally {
    Deno.removeSync(path);
  }
});
