import { assert, assertEquals } from "@std/assert";
import type { MicroFile, MicroRow } from "../../src/model/mod.ts";
import { renderMicro, renderMicroCsv, renderMicroMarkdown } from "../../src/report/micro.ts";

function row(name: string, nanoseconds: number, more: Partial<MicroRow> = {}): MicroRow {
  const interval = (value: number) => ({ median: value, low: value - 0.125, high: value + 0.25 });
  return { name, nanoseconds: interval(nanoseconds), ticks: interval(2.5 * nanoseconds), isOnFastPath: true, ...more };
}

const FILE: MicroFile = {
  schema: "hakmem.micro/1",
  rounds: 20,
  stages: [
    row("class lookup", 0.5, { cumulative: 0.5 }),
    row("Box, of a list", 2, { cumulative: 2.5, isOnFastPath: false }),
  ],
  whole: { variant: "phase7", nanoseconds: { median: 4, low: 3.875, high: 4.25 }, sum: 0.5, rest: 3.5 },
  defaultHeap: {
    stages: [row("malloc: its class", 0.25, { cumulative: 0.25 })],
    whole: { variant: "slab-map", nanoseconds: { median: 2, low: 1.875, high: 2.25 }, sum: 0.25, rest: 1.75 },
  },
  slowPaths: [
    {
      name: "a slab, and back",
      steps: [row("a section", 100, { cumulative: 100 }), row("a bit, and a word", 50, { cumulative: 150 })],
      whole: { median: 150, low: 149, high: 151 },
    },
    { name: "realloc", steps: [row("100 and 110 bytes", 20, { isOnFastPath: false })] },
  ],
  mincore: [row("MINCORE: a call", 670, { isOnFastPath: false })],
  source: "native",
};

Deno.test("renderMicro(), renderMicroMarkdown() and renderMicroCsv() have every row", async (t) => {
  const text = renderMicro(FILE);
  assert(text.split("\n").slice(1).every((line) => line.length <= 100), text);
  await t.assertSnapshot(text);
  await t.assertSnapshot(renderMicroMarkdown(FILE));
  await t.assertSnapshot(renderMicroCsv(FILE));
});

Deno.test("renderMicro() and renderMicroMarkdown() say that there is no counter", () => {
  const libc: MicroFile = { ...FILE, source: "libc" };
  for (const render of [renderMicro, renderMicroMarkdown]) {
    assertEquals(
      render(libc).trimEnd().split("\n").at(-1),
      "Without the native library there is no counter to read: " +
        "ticks are nanoseconds.",
    );
    assertEquals(render(FILE).includes("no counter"), false);
  }
});
