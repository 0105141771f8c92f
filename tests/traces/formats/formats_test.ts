import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { decompress } from "../../../src/traces/files/compression.ts";
import {
  decodeTrace,
  EVENT,
  FORMATS,
  readSummary,
  readTrace,
  summarise,
  type Trace,
  TraceError,
} from "../../../src/traces/mod.ts";
import { bytesOf, realTrace, SAMPLES, zipOf } from "../helpers.ts";

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
    valgrind: [
      [MALLOC, MALLOC, FREE, REALLOC, REALLOC, FREE, FREE, ALIGNED, CALLOC, MALLOC, FREE, MALLOC, FREE],
      Array(13).fill(0),
      [1, 2, 2, 3, 3, 0, 3, 4, 5, 6, 6, 7, 7],
      [472, 120, 0, 1600, 2048, 0, 0, 100, 15, 4, 0, 7, 0],
      [0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0],
    ],
    mtrace: [
      [MALLOC, REALLOC, FREE, MALLOC],
      [0, 0, 0, 0],
      [1, 1, 1, 2],
      [10, 100, 0, 7],
      [0, 0, 0, 0],
    ],
    ltrace: [
      [MALLOC, REALLOC, MALLOC, CALLOC, FREE, ALIGNED, MALLOC, FREE, FREE],
      [0, 0, 1, 0, 0, 0, 0, 0, 1],
      [1, 1, 2, 3, 3, 4, 5, 5, 2],
      [472, 2048, 5, 15, 0, 100, 4, 0, 0],
      [0, 0, 0, 0, 0, 6, 0, 0, 0],
    ],
    lttng: [
      [CALLOC, ALIGNED, FREE, MALLOC, REALLOC, FREE, FREE, ALIGNED, FREE, MALLOC],
      [0, 1, 1, 1, 1, 1, 0, 0, 0, 0],
      [1, 2, 2, 3, 3, 0, 3, 4, 4, 5],
      [100, 100, 0, 50, 5000, 0, 0, 10, 0, 7],
      [0, 6, 0, 0, 0, 0, 0, 8, 0, 0],
    ],
    logalloc: [
      [MALLOC, CALLOC, REALLOC, ALIGNED, FREE, REALLOC, ALIGNED, FREE],
      [0, 0, 1, 1, 0, 0, 0, 0],
      [1, 2, 1, 3, 2, 4, 5, 1],
      [42, 24, 60, 100, 0, 5, 6, 0],
      [0, 0, 0, 6, 0, 0, 12, 0],
    ],
    memleak: [[MALLOC, MALLOC, FREE, MALLOC], [0, 1, 0, 0], [1, 2, 1, 3], [7, 9, 0, 5], [0, 0, 0, 0]],
    chrome: [
      [MALLOC, CALLOC, REALLOC, ALIGNED, FREE, FREE, REALLOC, THREAD_END],
      [0, 0, 1, 1, 0, 0, 0, 1],
      [1, 2, 1, 3, 2, 0, 4, 0],
      [1024, 136, 2048, 104, 0, 0, 5, 0],
      [0, 0, 0, 6, 0, 0, 0, 0],
    ],
    "malloc-bench": [
      [MALLOC, MALLOC, FREE, REALLOC, CALLOC, FREE, FREE, FREE, ALIGNED],
      Array(9).fill(0),
      [1, 2, 2, 1, 3, 0, 1, 3, 4],
      [10, 60, 0, 100, 36, 0, 0, 0, 100],
      [0, 0, 0, 0, 0, 0, 0, 0, 6],
    ],
  };
  for (const [format, text] of Object.entries(SAMPLES)) {
    const trace = decodeTrace(bytesOf(text));
    assertEquals(trace.format, format);
    assertEquals(columns(trace), expected[format], format);
    if (format === "malloc-bench") continue; // bytes, not lines
    assertEquals(columns(decodeTrace(bytesOf(text.replaceAll("\n", "\r\n").trimEnd()))), expected[format], "CRLF");
    const dressed = `\ufeff# made on a Monday\n\n// by hand\n${text.replace("\n", "\n# a comment\n")}`;
    assertEquals(columns(decodeTrace(bytesOf(dressed))), expected[format], `${format} with a mark and comments`);
  }
});

Deno.test("every text format of the table has a sample in these tests", () => {
  const untested = FORMATS.filter(({ name }) => SAMPLES[name] === undefined).map(({ name }) => name);
  assertEquals(untested.filter((name) => !name.startsWith("hakmem")), ["aging"], "it has tests of its own");
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
    [android.replace("64 104", "0x40 104"), "line 4: alignment 0x40 is not a power of two"],
    [SAMPLES["malloclab"]!.replace("a 0 512", "a 0 -5"), "line 5: size -5 is not a whole number"],
    [android.replace("17 8", "17"), "line 2: the size is missing"],
    [android.replace("2048", "0x800"), "line 3: size 0x800 is not a whole number"],
    [android.replace("8: memalign", "memalign"), 'line 4: "memalign" is not a thread'],
    [android.replace("memalign", "mmap"), 'line 4: "mmap" is not a call'],
    [android.replace("free 0xb4872020", "free b4872020"), 'line 5: "b4872020" is not an address'],
    [
      `${android}7: malloc 0xb4840a60 8\n7: malloc 0xb4840a60 8\n`,
      "line 9: allocation gave 0xb4840a60, which is live",
    ],
    [`${android}7: malloc 0xb400007fedcba980 9007199254740993\n`, "line 9: size 9007199254740993 is"],
    [SAMPLES["malloclab"]!.replace("r 0 640", "x 0 640"), 'line 7: "x" is not a request'],
    [SAMPLES["malloclab"]!.replace("f 1", "f"), 'line 9: "" is not a block\'s number'],
    [SAMPLES["malloclab"]!.replace("f 1", "f 12"), "line 9: free of 12, which is not live"],
    [SAMPLES["wee_alloc"]!.replace("Free(1),", "Free(1"), 'line 3: "Free(1" is neither'],
    [SAMPLES["heaptrack"]!.replace("+ 1d8 7 564f00e791e0", "+ 1d8"), "line 6: this file was made without --raw"],
    [SAMPLES["heaptrack"]!.replace("- 5", "- x"), 'line 8: "- x64f00e67540" is not a free'],
    ["", "the file is empty"],
    ["\n\n", "line 1: not a trace of a format that is known"],
    [SAMPLES["mtrace"]!.replace("> 0x5569", "? 0x5569"), 'line 4: "@ ./mtr:[0x11a5] ? 0x5569'],
    [SAMPLES["valgrind"]!.replace("free(0x4B0B260)", "free(4B0B260)"), 'line 5: "4B0B260" is not an address'],
    [SAMPLES["ltrace"]!.replace("malloc(472)", "malloc(x)"), "are not the arguments of malloc"],
    [SAMPLES["chrome"]!.replace('"size":136', '"size":-1'), 'line 5: "size" is not a number of bytes'],
    [SAMPLES["chrome"]!.replace('"calloc"', '"mmap"'), 'line 5: "mmap" is not a call: malloc, calloc'],
    [SAMPLES["chrome"]!.replace('"alignment":64', '"alignment":6'), "line 7: alignment 6 is not a power of two"],
    [SAMPLES["chrome"]!.replace('"block":3', '"block":1'), "line 7: allocation gave 1, which is live already"],
    [SAMPLES["chrome"]!.replace('{"name":"calloc"', '{"name":calloc'), "line 5: not an event in JSON"],
    [SAMPLES["lttng"]!.replace("size = 50,", "size = x,"), "line 5: size x is not a whole number"],
    [SAMPLES["lttng"]!.replace("libc:calloc", "libc:mmap"), 'line 1: "mmap" is not an event of libc'],
    [SAMPLES["lttng"]!.replace("ptr = 0x557F8AEC6550", ""), 'line 1: "" is not an address'],
    [SAMPLES["logalloc"]!.replace("calloc(3,8)", "calloc(3)"), "line 2: the size is missing"],
    [SAMPLES["logalloc"]!.replace("malloc(42)", "mmap(42)"), 'line 1: "mmap" is not a call that logalloc writes'],
    [
      SAMPLES["logalloc"]!.replace("calloc(3,8)=", "calloc(3,8)"),
      'line 2: "13663 13665 calloc(3,8)0x7f0c33503040" is not a',
    ],
    [SAMPLES["memleak"]!.replace("result = 56140ebca640", "result = 5614g"), 'line 4: "5614g" is not an address'],
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

Deno.test("a compressed file that is cut anywhere gives a trace that says so, or an error", () => {
  const bytes = bytesOf(mallocLabLines(30_000)), whole = decodeTrace(bytes);
  for (const packed of [gzipSync(bytes), zstdCompressSync(bytes), zipOf(bytes)]) {
    let read = 0;
    for (let length = 1; length < packed.length; length += packed.length / 40 | 0) {
      let trace: Trace;
      try {
        trace = decodeTrace(new Uint8Array(packed.subarray(0, length)));
      } catch (error) {
        assert(error instanceof TraceError, String(error));
        continue;
      }
      read++;
      // All but the end may be there; what is there is right.
      assertEquals(trace.format.endsWith(", cut off") || trace.length === whole.length, true, `${length}`);
      assertEquals(trace.sizes, whole.sizes.slice(0, trace.length));
      if (trace.length < whole.length) assertStringIncludes(trace.remarks[0]!, "the file is cut off");
    }
    assert(read > 10, `${read} of the cut files could be read`);
  }
});

Deno.test("a text whose last line has no end is read, and said to be doubtful, unless it says how long it is", () => {
  for (const [format, text] of Object.entries(SAMPLES)) {
    if (format === "malloc-bench") continue; // bytes, not lines
    const whole = decodeTrace(bytesOf(text)), cut = decodeTrace(bytesOf(text.trimEnd()));
    assertEquals(columns(cut), columns(whole), format);
    const doubts = [...cut.remarks].filter((remark) => /its last line has no end, so .* may be cut off/.test(remark));
    assertEquals(doubts.length, ["malloclab", "chrome"].includes(format) ? 0 : 1, format);
    assertEquals(whole.remarks.some((remark) => /cut off/.test(remark)), false, format);
  }
});

Deno.test("of a zip archive that is cut off, the first that is a file is read, and what is encrypted is said to be", () => {
  const bytes = bytesOf(mallocLabLines(3000)), whole = decodeTrace(bytes);
  const packed = zipOf(bytes, ["folder/", "__MACOSX/", "folder/trace.txt"]);
  for (const length of [packed.length - 30, packed.length >> 1]) {
    const { format, sizes } = decodeTrace(packed.slice(0, length));
    assertEquals(format, "malloclab, cut off");
    assert(sizes.length > 100);
    assertEquals(sizes, whole.sizes.slice(0, sizes.length));
  }
  const encrypted = zipOf(bytes), view = new DataView(encrypted.buffer);
  for (let at = 0; at < encrypted.length - 4; at++) {
    if (view.getUint32(at, true) === 0x02014b50) view.setUint16(at + 8, 1, true);
  }
  view.setUint16(6, 1, true);
  for (const part of [encrypted, encrypted.slice(0, -30)]) {
    assertStringIncludes(assertThrows(() => decodeTrace(part), TraceError).message, "encrypted");
  }
});

/** A text in malloc lab's format that compresses to some kilobytes. */
function mallocLabLines(blocks: number): string {
  const lines = Array.from({ length: blocks }, (_, block) => `a ${block} ${block * 37 % 5000}`);
  return `0\n${blocks}\n${blocks}\n1\n${lines.join("\n")}\n`;
}

Deno.test("Zstandard frames with a window of more than 128 MiB are read", () => {
  const bytes = bytesOf(SAMPLES["android"]!);
  const params = {
    [constants.ZSTD_c_windowLog]: 30,
    [constants.ZSTD_c_enableLongDistanceMatching]: 1,
    [constants.ZSTD_c_contentSizeFlag]: 0,
  };
  const packed = new Uint8Array(zstdCompressSync(bytes, { params }));
  assert((packed[4]! & 0x20) === 0 && packed[5]! >> 3 >= 18, "the frame says how large its window is: 2^28 at least");
  assertEquals(columns(decodeTrace(packed)), columns(decodeTrace(bytes)));
});

Deno.test("Zstandard and gzip files of several frames are read whole, and frames that are skipped are", () => {
  const text = SAMPLES["android"]!, half = text.indexOf("8: realloc");
  const parts = [bytesOf(text.slice(0, half)), bytesOf(text.slice(half))];
  const skipped = new Uint8Array([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const joined = (pieces: readonly Uint8Array[]) => new Uint8Array(pieces.flatMap((piece) => [...piece]));
  const zstd = parts.map((part) => zstdCompressSync(part)), expected = columns(decodeTrace(bytesOf(text)));
  const checked = zstdCompressSync(parts[1]!, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  for (
    const file of [
      joined(zstd),
      joined([skipped, ...zstd]),
      joined([zstd[0]!, skipped, checked, skipped]),
      joined(parts.map((part) => gzipSync(part))),
    ]
  ) {
    const trace = decodeTrace(file);
    assertEquals([columns(trace), trace.format], [expected, "android"]);
  }
  const cut = decodeTrace(joined([zstd[0]!, zstd[1]!.subarray(0, 9)]));
  assertEquals([cut.length, cut.format], [2, "android, cut off"]);
  assertThrows(() => decodeTrace(joined([zstd[0]!, bytesOf("what is this")])), TraceError, "after its last frame");
});

Deno.test("a zip archive may have folders, and what macOS adds, beside the one file", () => {
  const bytes = bytesOf(SAMPLES["android"]!);
  const names = ["traces/", "__MACOSX/._trace.txt", "traces/.DS_Store", "traces/trace.txt"];
  assertEquals(columns(decodeTrace(zipOf(bytes, names))), columns(decodeTrace(bytes)));
});

Deno.test("a text that breaks off in its last line is cut off; one that ends without a line end is whole", () => {
  const text = SAMPLES["android"]!;
  assertEquals(decodeTrace(bytesOf(text.trimEnd())).format, "android");
  const { length, format, remarks } = decodeTrace(bytesOf(text.slice(0, text.indexOf(" 17 8"))));
  assertEquals([length, format], [1, "android, cut off"]);
  assertEquals(remarks, ["the file is cut off: the trace ends after 1 event"]);
});

Deno.test("what a trace does not know of is left out, counted and said", () => {
  const attached = decodeTrace(bytesOf("v 1 3\n- 10\n+ 8 1 20\n- 20\n- 20\n+ 8 1 30\n+ 9 1 30\n"));
  assertEquals([...attached.kinds], [MALLOC, FREE, MALLOC, FREE, MALLOC]);
  assertEquals([attached.unknownBlocks, attached.unseenFrees], [2, 1]);
  assertStringIncludes(attached.remarks.join(), "2 frees or reallocs of blocks from before the trace");
  assertStringIncludes(attached.remarks.join(), "1 address was given out again");
  const android = decodeTrace(bytesOf("7: free 0x10\n7: realloc 0x20 0x10 5\n7: free 0x20\n"));
  assertEquals([...android.kinds], [REALLOC, FREE]);
  assertEquals(android.unknownBlocks, 2);
});

Deno.test("malloc lab's traces may have other heads, other counts, and reallocs of nothing", () => {
  const requests = "a 0 512\nr 1 16\nf 0\nr 1 32\nf 1\n";
  const expected = columns(decodeTrace(bytesOf(`20000\n2\n5\n1\n${requests}`)));
  assertEquals(expected[0], [MALLOC, REALLOC, FREE, REALLOC, FREE]);
  for (const head of ["2\n5\n", "20000 2 5 1\n", "20000\n2\n5\n", "\r\n20000\r\n2\r\n5\r\n1\r\n"]) {
    const trace = decodeTrace(bytesOf(head + requests));
    assertEquals([columns(trace), trace.remarks, trace.format], [expected, [], "malloclab"], head);
  }
  const less = decodeTrace(bytesOf(`20000\n2\n6\n1\n${requests}`));
  assertEquals(columns(less), expected);
  assertStringIncludes(less.remarks.join(), "its head says 6 requests, and it has 5");
  const more = decodeTrace(bytesOf(`20000\n2\n4\n1\n${requests}`));
  assertEquals([columns(more), more.format], [expected, "malloclab"]);
  assertStringIncludes(more.remarks.join(), "its head says 4 requests, and it has 5");
});

Deno.test("of several processes under valgrind the first one's calls are read, and the others are said", () => {
  const trace = decodeTrace(bytesOf("--1-- malloc(8) = 0x10\n--2-- malloc(8) = 0x10\n--1-- free(0x10)\n"));
  assertEquals([...trace.kinds], [MALLOC, FREE]);
  assertEquals(trace.remarks, ["1 calls of processes other than 1 are left out"]);
});

Deno.test("of several processes in LTTng's events and in logalloc the first one's calls are read, too", () => {
  const event = (pid: number) =>
    `[1:2] (+1) vm lttng_ust_libc:malloc: { cpu_id = 1 }, { vpid = ${pid} }, { size = 4, ptr = 0x10 }\n`;
  const logs = [event(1) + event(2), "1 1 malloc(4)=0x10\n2 2 malloc(4)=0x10\n"];
  for (const log of logs) {
    const trace = decodeTrace(bytesOf(log));
    assertEquals([...trace.sizes], [4]);
    assertEquals(trace.remarks, ["1 calls of processes other than 1 are left out"]);
  }
});

Deno.test("logalloc's older lines have no thread, and those of its munge script have numbers for blocks", () => {
  const expected = [[MALLOC, CALLOC, FREE, REALLOC], [0, 0, 0, 0], [1, 2, 1, 3], [42, 24, 0, 7], [0, 0, 0, 0]];
  const old = "13663 malloc(42)=0x7f0c33502040\n13663 calloc(1,24)=0x7f0c33503040\n13663 free(0x7f0c33502040)\n" +
    "13663 realloc(0x0,7)=0x7f0c33502040\n";
  const munged = "1 1 malloc(42)=#1\n1 1 calloc(1,24)=#2\n1 1 free(#1)\n1 1 realloc(#0,7)=#1\n";
  for (const text of [old, munged]) {
    const trace = decodeTrace(bytesOf(text));
    assertEquals([trace.format, columns(trace)], ["logalloc", expected]);
  }
});

Deno.test("what people take for a trace is called by its name", () => {
  const tar = new Uint8Array(600);
  tar.set(bytesOf("ustar"), 257);
  const strangers: [bytes: Uint8Array<ArrayBuffer>, says: RegExp][] = [
    [new Uint8Array(), /^the file is empty$/],
    [bytesOf("version https://git-lfs.github.com/spec/v1\noid sha256:a4\nsize 198\n"), /Git LFS pointer.*git lfs pull/],
    [new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]), /an \.xz file: unpack it first/],
    [bytesOf("BZh91AY&SY"), /a bzip2 file/],
    [bytesOf("heap profile:     27: 1 [    27:    1] @ heapprofile\n"), /gperftools: .*cannot be replayed/],
    [bytesOf("heap_v2/524288\n  t*: 28106: 56637512 [0: 0]\n"), /jeprof.*cannot be replayed/],
    [new Uint8Array(gzipSync(new Uint8Array([10, 4, 8, 1, 16, 2, 10, 4, 8, 3, 16, 4]))), /pprof.*cannot be replayed/],
    [bytesOf("desc: --massif-out-file=x\ncmd: ls\ntime_unit: i\n"), /massif.*cannot be replayed/],
    [bytesOf("\x7fELF\x02\x01\x01"), /a program or a library/],
    [bytesOf('{\n  "schema": "hakmem.results/1"'), /wrote with --json/],
    [bytesOf("<!DOCTYPE html><html>"), /a web page/],
    [bytesOf('{"traceEvents":[{"args":{"name":"swapper"},"cat":"__metadata"'), /Chrome's trace.*record -- COMMAND/],
    [bytesOf('[{"name":"x","cat":"y","ph":"B","ts":1,"pid":1,"tid":1},\n'), /Chrome's trace/],
    [bytesOf('{"displayTimeUnit":"ms","traceEvents":[]}'), /Chrome's trace/],
    [tar, /a tar archive/],
    [bytesOf("Rar!\x1a\x07\x01"), /a rar archive: unpack it first/],
    [new Uint8Array([0xff, 0xfe, 0x61, 0, 0x20, 0]), /UTF-16.*iconv/],
    [bytesOf([..."7: malloc 0x1 8\n"].join("\0") + "\0"), /UTF-16.*iconv/],
    [new Uint8Array([0x5d, 0, 0, 0x80, 0, ...Array(8).fill(0xff), 0]), /an \.lzma file: unpack it first/],
    [bytesOf('{"dhatFileVersion":2,"mode":"heap"'), /dhat.*cannot be replayed/],
    [bytesOf('{"head":{"callFrame":{"functionName":"(root)"'), /heap profile of V8.*cannot be replayed/],
    [new Uint8Array(gzipSync(gzipSync(bytesOf("7: malloc 0x1 8\n")))), /compressed twice: unpack it once/],
    [new Uint8Array(gzipSync(zstdCompressSync(bytesOf("7: malloc 0x1 8\n")))), /compressed twice: unpack it once/],
  ];
  for (const [bytes, says] of strangers) {
    const { message } = assertThrows(() => decodeTrace(bytes), TraceError);
    assert(says.test(message), message);
    assertEquals(message.includes("\n"), false);
  }
});

Deno.test("a summary that is made while a file is read is that of the trace", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [format, text] of Object.entries(SAMPLES)) {
      await Deno.writeFile(`${folder}/trace`, bytesOf(text));
      const trace = readTrace(`${folder}/trace`);
      assertEquals(columns(trace), columns(decodeTrace(bytesOf(text))), format);
      const { live: _, ...expected } = summarise(trace, 100), { live, ...found } = readSummary(`${folder}/trace`, 100);
      assertEquals(found, expected, format);
      assertEquals([live.events.at(-1), live.liveBytes.at(-1)], [expected.events, expected.endLiveBytes]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("archives that are damaged, or hold too much, are rejected", () => {
  const bytes = bytesOf(SAMPLES["android"]!);
  const zip = zipOf(bytes);
  const damaged = zip.slice();
  damaged[45]! ^= 1; // inside of what was deflated
  assertThrows(() => decompress(damaged), TraceError, "damaged");
  const bomb = new Uint8Array(100_000);
  for (const packed of [gzipSync(bomb), zstdCompressSync(bomb), zipOf(bomb)]) {
    assertThrows(() => decompress(new Uint8Array(packed), 50_000), TraceError, "holds more than 50000 bytes");
    assertEquals(decompress(new Uint8Array(packed), 100_000).bytes.length, 100_000);
  }
  const many = zip.slice();
  many[many.length - 22 + 10] = 2;
  assertThrows(() => decompress(many), TraceError, "its directory is not there");
  const two = zipOf(bytes, ["a.txt", "b.txt"]);
  assertThrows(() => decompress(two), TraceError, "a zip archive of 2 files (a.txt, b.txt): unpack the one");
  assertThrows(() => decompress(zipOf(bytes, ["a/"])), TraceError, "a zip archive without a file");
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

Deno.test("each format survives to be cut at any byte, and any byte that is another", () => {
  for (const text of Object.values(SAMPLES)) {
    const bytes = bytesOf(text);
    for (let at = 0; at < bytes.length; at++) {
      survives(bytes.slice(0, at));
      for (const flip of [1, 16, 128]) survives(bytes.with(at, bytes[at]! ^ flip));
    }
  }
});

Deno.test("files that would take memory or time without end give an error", () => {
  const empty = new Uint8Array(zstdCompressSync(new Uint8Array()));
  const frames = new Uint8Array(empty.length * 70_000);
  for (let at = 0; at < frames.length; at += empty.length) frames.set(empty, at);
  assertThrows(() => decodeTrace(frames), TraceError, "Zstandard of more than 65536 frames");
  const unfinished = bytesOf("7 malloc(5 <unfinished ...>\n".repeat(2000));
  assertThrows(() => decodeTrace(unfinished), TraceError, "more than 1000 calls of a thread have no end");
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

Deno.test("readTrace() says how far a text is read, compressed or not", async () => {
  const lines = Array.from({ length: 200_000 }, (_, at) => `7: malloc 0x${(16 * at + 16).toString(16)} 8`);
  const text = bytesOf(lines.join("\n"));
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, bytes] of [["text", text], ["text.gz", new Uint8Array(gzipSync(text))]] as const) {
      await Deno.writeFile(`${folder}/${name}`, bytes);
      const told: [done: number, total: number][] = [];
      assertEquals(readTrace(`${folder}/${name}`, (done, total) => told.push([done, total])).length, lines.length);
      assert(told.length > 2, `${told.length}`);
      assertEquals(told.at(-1), [text.length, text.length]);
      assertEquals(told, told.toSorted(([one], [other]) => one - other));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
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
