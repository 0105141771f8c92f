import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type BlockId } from "../../../src/traces/block_table.ts";
import { TraceBuilder } from "../../../src/traces/builder.ts";
import { decodeTrace, encodeTrace, type Trace, writerFor, WRITERS } from "../../../src/traces/mod.ts";
import { joined } from "../../../src/traces/files/bytes.ts";
import { arbitraryTrace, stacksOf, withStacks } from "../helpers.ts";

/** All columns of a trace. */
export function columns({ kinds, threads, blocks, sizes, formerSizes, alignments }: Trace): number[][] {
  return [kinds, threads, blocks, sizes, formerSizes, alignments].map((column) => [...column]);
}

function bytesIn(pieces: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  return joined([...pieces].map((piece) => new Uint8Array(piece)));
}

Deno.test("a trace that is written and read back is the same, in every format, compressed or not", () => {
  for (const writer of WRITERS) {
    for (const path of ["x", "x.gz", "x.zst"]) {
      fc.assert(
        fc.property(arbitraryTrace(), (trace) => {
          const pieces = encodeTrace(trace, writer, path, "a program");
          const read = decodeTrace(bytesIn(pieces));
          assertEquals([read.format, read.remarks], [writer.name, []]);
          assertEquals(columns(read), columns(trace), writer.name);
          assertEquals(bytesIn(pieces), bytesIn(pieces), "a second walk gives the same");
        }),
        { numRuns: path === "x" ? 100 : 10 },
      );
    }
  }
});

Deno.test("our own format keeps stacks, and the others say that they have no place for them", () => {
  const [own, ...others] = WRITERS;
  fc.assert(fc.property(arbitraryTrace(), (bare) => {
    const trace = withStacks(bare), read = decodeTrace(bytesIn(encodeTrace(trace, own!, "x", "")));
    assertEquals([columns(read), stacksOf(read)], [columns(trace), stacksOf(trace)]);
    const { by, depth, sampleBytes } = read.stacks!;
    assertEquals({ by, depth, sampleBytes }, { by: "auto", depth: 8, sampleBytes: 512 });
    for (const other of others) {
      assertEquals(decodeTrace(bytesIn(encodeTrace(trace, other, "x", ""))).stacks, undefined);
    }
  }));
  assertEquals([own, ...others].map((writer) => writer!.hasStacks), [true, false, false]);
});

Deno.test("a trace of more than one piece is the same, too, also compressed", () => {
  const builder = new TraceBuilder("long", () => "");
  const live: BlockId[] = [];
  for (let event = 0; event < 45_000; event++) {
    builder.malloc(event % 7, event, event * 7919 % 70_000);
    live.push(event);
    if (event % 3 > 0) builder.free(event % 5, live.splice(event * 31 % live.length, 1)[0]!);
  }
  const trace = builder.finish();
  for (const writer of WRITERS) {
    for (const path of ["x", "x.gz", "x.zst"]) {
      const pieces = [...encodeTrace(trace, writer, path, "")];
      assert(writer.name === "hakmem" || pieces.length > 1, `${writer.name}: ${pieces.length} pieces`);
      assertEquals(columns(decodeTrace(bytesIn(pieces))), columns(trace), `${writer.name} ${path}`);
    }
  }
});

Deno.test("what is told of threads and of the program is kept where the format has a place for it", () => {
  const builder = new TraceBuilder("test", () => "");
  builder.malloc("202", 1, 8);
  builder.free("485", 1);
  builder.ranFor({ wallSeconds: 2, processorSeconds: 3 });
  const trace = builder.finish();
  const read = (name: string) =>
    decodeTrace(bytesIn(encodeTrace(trace, WRITERS.find((writer) => writer.name === name)!, "x", "ls")));
  assertEquals(read("android").threadNames, ["202", "485"]);
  assertEquals(read("chrome").threadNames, ["202", "485"]);
  assertEquals(read("hakmem").ran, { wallSeconds: 2, processorSeconds: 3 });
});

Deno.test("threads whose names are not numbers, or not alone, are numbered", () => {
  for (const [first, second] of [["main", "worker"], ["0", "1"], ["7", "7"]] as const) {
    const builder = new TraceBuilder("test", () => "");
    builder.malloc(first, 1, 8);
    builder.threadEnd(first);
    builder.free(second, 1);
    const android = WRITERS.find(({ name }) => name === "android")!;
    const read = decodeTrace(bytesIn(encodeTrace(builder.finish(), android, "x", "")));
    assertEquals(read.threadNames, ["1", "2"]);
  }
});

Deno.test("chrome's file is JSON in which every event has what viewers ask for, and its counters are what is live", () => {
  const chrome = WRITERS.find(({ name }) => name === "chrome")!;
  fc.assert(
    fc.property(arbitraryTrace(), (trace) => {
      const text = new TextDecoder().decode(bytesIn(encodeTrace(trace, chrome, "x", 'a "title"')));
      const { traceEvents } = JSON.parse(text) as {
        traceEvents: { name: string; ph: string; pid: number; ts?: number; args: Record<string, unknown> }[];
      };
      const of = (ph: string) => traceEvents.filter((event) => event.ph === ph);
      assertEquals(of("i").length, trace.length);
      assertEquals(of("i").map(({ ts }) => ts), Array.from({ length: trace.length }, (_, event) => event));
      const live = trace.sizes.reduce((sum, size, event) => sum + size - trace.formerSizes[event]!, 0);
      assertEquals(of("C").findLast(({ name }) => name === "live bytes")!.args["bytes"], live);
      const blocks = new Set<number>();
      for (const [event, block] of trace.blocks.entries()) {
        if (trace.kinds[event] === 4) blocks.delete(block);
        else if (block > 0) blocks.add(block);
      }
      assertEquals(of("C").findLast(({ name }) => name === "live blocks")!.args["blocks"], blocks.size);
      assertEquals(of("M").map(({ args }) => args["name"]), [...trace.threadNames, 'a "title"']);
      assertEquals(new Set(traceEvents.map(({ pid }) => pid)), new Set([1]));
    }),
    { numRuns: 30 },
  );
});

Deno.test("a file's ending decides its format", () => {
  const names = ["x.json", "x.json.gz", "dir.json/x", "x.txt.zst", "x.trace", "x"].map((path) => writerFor(path).name);
  assertEquals(names, ["chrome", "chrome", "hakmem", "android", "hakmem", "hakmem"]);
});
