import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  FileValueError,
  readChecked,
  type RecordedProcess,
  type RecordFile,
  RecordFileSchema,
} from "../../../src/model/mod.ts";
import { renderJson } from "../../../src/report/mod.ts";
import {
  recordHeadline,
  renderRecord,
  renderRecordCsv,
  renderRecordMarkdown,
} from "../../../src/report/traces/record.ts";
import { assertFits } from "../fits.ts";

function process(changes: Partial<RecordedProcess> = {}): RecordedProcess {
  return {
    file: "make.trace",
    fileBytes: 12_345,
    pid: 1000,
    program: "make",
    forked: false,
    stopped: 0,
    running: false,
    lost: 0,
    unknownBlocks: 0,
    unseenFrees: 0,
    cut: false,
    events: 123_456,
    kinds: { malloc: 70_000, calloc: 456, aligned: 0, realloc: 0, free: 53_000, "thread end": 0 },
    threads: 1,
    blocks: 70_456,
    allocatedBytes: 7_000_000,
    largestBytes: 4096,
    peakLiveBytes: 2_000_000,
    peakLiveBlocks: 20_000,
    endLiveBytes: 1_500_000,
    endLiveBlocks: 17_456,
    crossThreadFrees: 0,
    sizes: [{ upTo: 16, count: 50_000, bytes: 1 }, { upTo: 32, count: 0, bytes: 0 }, {
      upTo: 64,
      count: 456,
      bytes: 1,
    }],
    lifetimes: [{ upTo: 1024, count: 50_000, bytes: 1 }, { upTo: 4096, count: 3000, bytes: 1 }],
    ...changes,
  };
}

function file(processes: RecordedProcess[], changes: Partial<RecordFile> = {}): RecordFile {
  return {
    schema: "hakmem.record/1",
    command: ["deno"],
    exitCode: 0,
    seconds: 1.234,
    processes,
    replaced: 0,
    ...changes,
  };
}

Deno.test("renderRecord() answers in its first line, then has the program's counts, sizes and lifetimes", () => {
  const text = renderRecord(file([process()]));
  assertEquals(
    text.split("\n")[0],
    "recorded 123,456 events of make in make.trace (12.3 KB); exit code 0 after 1.23 s",
  );
  assertStringIncludes(
    text,
    "make: malloc 70,000, calloc 456, free 53,000; at most 20,000 blocks live, 17,456 never freed.",
  );
  assertStringIncludes(text, "Sizes in bytes: half up to 16, 90 % up to 16, all up to 64.\n");
  assertStringIncludes(
    text,
    "Lifetimes in bytes asked for meanwhile: half up to 1 KiB, 90 % up to 1 KiB, all up to 4 KiB.\n",
  );
  assertEquals(text.includes("Left out"), false);
});

Deno.test("renderRecord() says what is missing, and why, in 100 columns", () => {
  const wide = { pid: 4_194_304, events: 33_554_432, threads: 65_536, program: "x86_64-linux-gnu-gcc-12" };
  assertStringIncludes(renderRecord(file([process(wide)])), "\n x86_64-linux-…   4194304   33,554,432 ");
  const damaged = process({ stopped: 28, cut: true, lost: 1, unseenFrees: 2, unknownBlocks: 3 });
  const text = renderRecord(
    file([damaged, process({ pid: 1001, stopped: 99, running: true, unknownBlocks: 4 })], { replaced: 5 }),
  );
  for (
    const says of [
      "make (1000): recording stopped before its end: the disk is full.\n",
      "make (1000): what came after 123,456 events is left out: no trace has more.\n",
      "make (1000): 1 call of signal handlers could not be recorded.\n",
      "make (1000): 2 frees without a call of free",
      "make (1001): recording stopped before its end: the system's error 99.\n",
      "make (1001): it was still running; what it did later is not recorded.\n",
      "Left out: 7 frees of blocks that were not recorded",
      "Left out: 5 programs that became another one (exec).\n",
    ]
  ) assertStringIncludes(text, says);
  assertFits(
    text,
    recordHeadline(file([damaged, process({ pid: 1001, stopped: 99, running: true, unknownBlocks: 4 })])),
  );
  assertFits(renderRecord(file([process(wide)])), recordHeadline(file([process(wide)])));
});

Deno.test("renderRecord() shows the program and the processes with the most events; Markdown and CSV have all", () => {
  const children = Array.from(
    { length: 50 },
    (_, index) => process({ pid: 2000 + index, program: "cc1", events: index }),
  );
  const many = file([process({ events: 1 }), ...children]);
  const lines = renderRecord(many).split("\n");
  assertEquals(
    lines[0],
    "recorded 1 event of make in make.trace (12.3 KB); 50 other processes in make.trace.PID; exit code 0 after 1.23 s",
  );
  const pids = lines.flatMap((line) => /^ (make|cc1) +(\d+) /.exec(line)?.[2] ?? []);
  assertEquals(pids, ["1000", ...Array.from({ length: 11 }, (_, index) => String(2049 - index))]);
  assertStringIncludes(lines.join(" "), "12 with the most events of 51 processes");
  assertEquals(renderRecordMarkdown(many).split("\n").filter((line) => line.startsWith("| cc1")).length, 50);
  const csv = renderRecordCsv(many).trimEnd().split("\n").map((line) => line.split(","));
  assertEquals(csv.length, 1 + 51);
  assertEquals(new Set(csv.map((cells) => cells.length)).size, 1);
  for (const name of ["pid", "events", "malloc", "peakLiveBytes"]) assert(csv[0]!.includes(name), name);
});

Deno.test("recordHeadline() names the signal that killed the program", () => {
  const { exitCode: _, ...rest } = file([process(), process()]);
  assertMatch(
    recordHeadline({ ...rest, signal: "SIGSEGV" }),
    /; another process in make\.trace\.PID; killed by SIGSEGV after/,
  );
});

Deno.test("readChecked() reads what renderJson() writes, and rejects what is wrong", () => {
  const made = file([process()]);
  assertEquals(readChecked(RecordFileSchema, renderJson(made)), made);
  assertThrows(
    () => readChecked(RecordFileSchema, renderJson({ ...made, processes: [] })),
    FileValueError,
    "processes",
  );
  assertThrows(
    () => readChecked(RecordFileSchema, renderJson({ ...made, schema: "hakmem.record/2" })),
    FileValueError,
    "schema",
  );
  assertThrows(
    () => readChecked(RecordFileSchema, renderJson(file([{ ...process(), pid: -1 }]))),
    FileValueError,
    "pid",
  );
});
