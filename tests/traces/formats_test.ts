import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decompress } from "../../src/traces/compression.ts";
import { decodeTrace, EVENT, FORMATS, readTrace, type Trace, TraceError } from "../../src/traces/mod.ts";
import { bytesOf, realTrace, SAMPLES, zipOf } from "./helpers.ts";

const { MALLOC, CALLOC, ALIGNED, REALLOC, FREE, THREAD_END } = EVENT;

/** The columns of a trace that its format decides. */
function columns({ kinds, threads, blocks, sizes, alignments }: Trace): number[][] {
  return [kinds, threads, blocks, sizes, alignments].map((column) => [...column]);
}

Deno.test("every format decodes to its events", () => {
  const expected: Record<string, number[][]> = {
    android: [
      [MALLOC, CALLOC, REALLOC, ALIGNED, FREE, FREE, REALLOC, THREAD_END],
      [0, 0, 1, 1, 0, 0, 0, 1],
      [1, 2, 1, 3, 2, 0, 4, 0],
      [1024, 136, 2048, 104, 0, 0, 5, 0],
      [0, 0, 0, 6, 0, 0, 0, 0],
    ],
    malloclab: [
      [MALLOC, MALLOC, REALLOC, MALLOC, FREE, REALLOC, FREE, FREE],
      Array(8).fill(0),
      [1, 2, 1, 3, 2, 1, 1, 3],
      [512, 128, 640, 128, 0, 768, 0, 0],
      Array(8).fill(0),
    ],
    wee_alloc: [
      [MALLOC, MALLOC, FREE, MALLOC, FREE],
      Array(5).fill(0),
      [1, 2, 2, 3, 3],
      [552, 120, 0, 0, 0],
      Array(5).fill(0),
    ],
    heaptrack: [[MALLOC, MALLOC, FREE], [0, 0, 0], [1, 2, 1], [0x11c00, 0x1d8, 0], [0, 0, 0]],
  };
  for (const [format, text] of Object.entries(SAMPLES)) {
    const trace = decodeTrace(bytesOf(text));
    assertEquals(trace.format, format);
    assertEquals(columns(trace), expected[format], format);
    assertEquals(columns(decodeTrace(bytesOf(text.replaceAll("\n", "\r\n").trimEnd()))), expected[format], "CRLF");
  }
});

Deno.test("every text format of the table has a sample in these tests", () => {
  const untested = FORMATS.filter(({ name }) => SAMPLES[name] === undefined).map(({ name }) => name);
  assertEquals(untested.filter((name) => !name.startsWith("hakmem")), []);
});

Deno.test("a trace is the same out of gzip, Zstandard and zip", () => {
  const bytes = bytesOf(SAMPLES["android"]!);
  const expected = columns(decodeTrace(bytes));
  for (const packed of [gzipSync(bytes), zstdCompressSync(bytes), zipOf(bytes)]) {
    assertEquals(columns(decodeTrace(new Uint8Array(packed))), expected);
  }
});

Deno.test("damaged files are rejected with the line or the byte", () => {
  const android = SAMPLES["android"]!;
  const rejected: [text: string, message: string][] = [
    [android.replace("17 8", "17"), "line 2: size NaN is"],
    [android.replace("2048", "0x800"), "line 3: size NaN is"],
    [android.replace("8: memalign", "memalign"), 'line 4: "memalign" is no thread'],
    [android.replace("memalign", "mmap"), 'line 4: "mmap" is no call'],
    [android.replace("free 0xb4872020", "free b4872020"), 'line 5: "b4872020" is no address'],
    [`${android}7: free 0x123\n`, "line 9: free of 0x123, which is not live"],
    [`${android}7: malloc 0xb400007fedcba980 9007199254740993\n`, "line 9: size 9007199254740992 is"],
    [SAMPLES["malloclab"]!.replace("f 2\n", ""), "ends after 7 requests, and its head says 8"],
    [SAMPLES["malloclab"]!.replace("r 0 640", "x 0 640"), 'line 7: "x" is no request'],
    [SAMPLES["malloclab"]!.replace("f 1", "f"), 'line 9: "" is no block\'s number'],
    [SAMPLES["wee_alloc"]!.replace("Free(1),", "Free(1"), 'line 3: "Free(1" is neither'],
    [SAMPLES["heaptrack"]!.replace("+ 1d8 7 564f00e791e0", "+ 1d8"), "line 6: this file was made without --raw"],
    [SAMPLES["heaptrack"]!.replace("- 5", "- x"), 'line 8: "- x64f00e67540" is no free'],
    ["", "line 1: not a trace of a format that is known"],
    ["GIF89a", "line 1: not a trace of a format that is known: android"],
    ["v 10400 3\n", "there is no event"],
    [`${android}7: malloc 0x1 ${"1".repeat(5000)}`, "line 9: longer than"],
    [`v 1 3\n${"x".repeat(3_000_000)}`, "line 2: longer than"],
  ];
  for (const [text, message] of rejected) {
    const { message: said } = assertThrows(() => decodeTrace(bytesOf(text)), TraceError);
    assertStringIncludes(said, message);
  }
});

Deno.test("addresses with a tag in their highest byte are told apart", () => {
  const trace = decodeTrace(bytesOf("1: malloc 0xb400007fedcba980 8\n1: malloc 0xb400007fedcba981 8\n"));
  assertEquals(trace.blockCount, 2);
});

Deno.test("archives that are damaged, or hold too much, are rejected", () => {
  const bytes = bytesOf(SAMPLES["android"]!);
  const zip = zipOf(bytes);
  for (let length = 2; length < zip.length; length++) {
    assertThrows(() => decompress(zip.slice(0, length)), TraceError, "byte ");
  }
  const damaged = zip.slice();
  damaged[45]! ^= 1; // inside of what was deflated
  assertThrows(() => decompress(damaged), TraceError, "damaged");
  const bomb = new Uint8Array(100_000);
  for (const packed of [gzipSync(bomb), zstdCompressSync(bomb), zipOf(bomb)]) {
    assertThrows(() => decompress(new Uint8Array(packed), 50_000), TraceError, "holds more than 50000 bytes");
    assertEquals(decompress(new Uint8Array(packed), 100_000).length, 100_000);
  }
  const many = zip.slice();
  many[many.length - 22 + 10] = 2;
  assertThrows(() => decompress(many), TraceError, "a zip archive of 2 files");
});

/** Decodes whatever it is given: a sound trace, or a TraceError, and nothing else. */
function survives(bytes: Uint8Array<ArrayBuffer>): void {
  try {
    const { length, kinds, blocks, blockCount } = decodeTrace(bytes);
    assert(length > 0 && kinds.length === length && blocks.every((block) => block <= blockCount));
  } catch (error) {
    assert(error instanceof TraceError, String(error));
  }
}

Deno.test("fuzz: no bytes crash a decoder", () => {
  const sample = fc.constantFrom(
    ...Object.values(SAMPLES).map(bytesOf),
    zipOf(bytesOf(SAMPLES["android"]!)),
    new Uint8Array(gzipSync(bytesOf(SAMPLES["heaptrack"]!))),
    new Uint8Array(zstdCompressSync(bytesOf(SAMPLES["wee_alloc"]!))),
  );
  const edits = fc.array(
    fc.record({ at: fc.nat(400), byte: fc.integer({ min: 0, max: 255 }), cut: fc.boolean() }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(sample, edits, fc.nat(400), (bytes, changes, repeat) => {
      const edited = [...bytes];
      for (const { at, byte, cut } of changes) edited.splice(at % edited.length, cut ? 1 : 0, byte);
      survives(new Uint8Array([...edited, ...edited.slice(repeat)]));
    }),
    { numRuns: 3000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => survives(new Uint8Array(bytes))));
});

Deno.test("fuzz: words of the formats in any order", () => {
  const words = ["7:", "malloc", "free", "realloc", "memalign", "0x1", "0x2", "0x0", "16", "8", "a", "r", "f", "1"];
  const line = fc.array(fc.constantFrom(...words), { maxLength: 6 }).map((each) => each.join(" "));
  const heads = fc.constantFrom("7: malloc 0x1 8", "9\n2\n3\n1\na 1 8", "v 1 3\n+ 8 1 1", "Alloc(8),");
  fc.assert(
    fc.property(heads, fc.array(line, { maxLength: 12 }), (head, lines) => {
      survives(bytesOf([head, ...lines].join("\n")));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("readTrace() names the file that cannot be read", () => {
  assertThrows(() => readTrace("/nowhere/at all"), TraceError, "/nowhere/at all: ");
});

const REAL = realTrace();

Deno.test({
  name: `the real trace decodes from its archive${REAL === undefined ? ": skipped, systemui.zip is not there" : ""}`,
  ignore: REAL === undefined,
  fn: () => {
    const { kinds, length, threadNames } = readTrace(REAL!);
    const counts = Object.values(EVENT).map((kind) => kinds.reduce((sum, each) => sum + Number(each === kind), 0));
    assertEquals(length, 786_454);
    assertEquals(threadNames.length, 393);
    assertEquals(counts, [383_154, 7_847, 1_066, 29_167, 364_863, 357]);
  },
});
