/** A file of `inspect` as a run would leave it: one superslab, two large blocks, three frames, another's memory. */
import type { InspectFile, InspectFrame } from "../../../src/model/mod.ts";
import { fixture } from "../fixture.ts";

const MB = 1e6;

function frame(event: number, askedBytes: number, map: Record<string, string>): InspectFrame {
  return { event, askedBytes, liveBytes: 1.1 * askedBytes, residentBytes: 1.5 * askedBytes + 100_000, map };
}

/** The file. */
export function inspectFixture(): InspectFile {
  const small = `83${"-".repeat(30)}`;
  const slab = { owner: 0, blocks: 64, cachedBlocks: 0, freeBlocks: 0, residentBytes: 65_536 };
  return {
    schema: "hakmem.inspect/1",
    command: ["deno", "run", "-P", "cli.ts", "inspect"],
    environment: fixture().environment,
    trace: { file: "small.trace", format: "android", events: 3000, peakEvent: 2000 },
    variant: "slab-map",
    event: 2000,
    snapshot: {
      totals: {
        schema: "hakmem.stats/1",
        variant: "slab-map",
        reservedBytes: 2 ** 36,
        maxBytes: 2 ** 36,
        chargedBytes: 2 * MB,
        residentBytes: 3.1 * MB,
        liveBytes: 2.2 * MB,
        liveBlocks: 90,
        largeBytes: 2.1 * MB,
        largeBlocks: 2,
        superslabs: 1,
        slabs: 2,
      },
      tableBytes: 65_536,
      fragmentation: 1 - 2.2 / 3.1,
      classes: [{
        sizeClass: 33,
        stride: 1024,
        slabs: 2,
        liveBlocks: 88,
        cachedBlocks: 0,
        freeBlocks: 0,
        blocks: 128,
        uncarvedBlocks: 40,
        liveBytes: 88 * 1024,
        residentBytes: 131_072,
        wasteBytes: 131_072 - 88 * 1024,
      }],
      superslabs: [{
        ptr: 18 * 2 ** 20,
        residentBytes: 131_072,
        slabs: [
          { ...slab, slab: 288, sizeClass: 33, liveBlocks: 64, uncarvedBlocks: 0 },
          { ...slab, slab: 289, sizeClass: 33, liveBlocks: 24, uncarvedBlocks: 40 },
        ],
      }],
      largeBlocks: [
        { ptr: 20_971_536, spanPtr: 20_971_520, spanBytes: 131_072, liveBytes: 100_000, residentBytes: 102_400 },
        { ptr: 21_102_608, spanPtr: 21_102_592, spanBytes: 65_536, liveBytes: 50_000, residentBytes: 53_248 },
      ],
      freeSpans: [{ ptr: 21_168_128, bytes: 65_536, isClean: false, residentBytes: 65_536 }],
    },
    frames: [
      frame(1000, 1 * MB, { "9": small }),
      frame(2000, 2 * MB, { "9": small, "10": `LlL~${".".repeat(28)}` }),
      frame(3000, 0.5 * MB, { "9": small.replace("8", "0") }),
    ],
    contestants: [{ name: "system", events: [1500, 3000], footprintBytes: [3 * MB, 2 * MB] }],
  };
}
