import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { nameOf, renderReplay } from "../../../src/report/mod.ts";
import { fixture } from "../fixture.ts";

Deno.test("renderReplay() draws memory to the scale of the highest, so that none is cut", () => {
  const peaks = [12e6, 15.3e6, 17.5e6];
  const results = fixture().results.slice(0, 3).map((result, index) => ({
    ...result,
    footprint: { events: [1, 2], liveBytes: [5e6, 10e6], footprintBytes: [1e6, peaks[index]!] },
  }));
  const text = renderReplay({ ...fixture(), results });
  assertMatch(text, /the whole height is 17\.5 MB/);
  const ends = ["live bytes", ...results.map(nameOf)].map((name) =>
    new RegExp(`^  ${name} +.*(.) [\\d.]+$`, "m").exec(text)?.[1]
  );
  assertEquals(ends, ["▅", "▅", "▇", "█"]);
});

Deno.test("renderReplay() gives who is far above most a scale of its own, so that no other line is flat", () => {
  const peaks = [12e6, 400e6, 17.5e6];
  const results = fixture().results.slice(0, 3).map((result, index) => ({
    ...result,
    footprint: { events: [1, 2], liveBytes: [5e6, 10e6], footprintBytes: [1e6, peaks[index]!] },
  }));
  const text = renderReplay({ ...fixture(), results }), [ours, far, other] = results.map(nameOf);
  assertStringIncludes(text, `the whole height is 17.5 MB, but that of ${far} 400.0 MB\n`);
  assertStringIncludes(text, `at most, and in the end; from 1 to\n1.75, but that of ${far} to 40.0\n`);
  const ends = [ours, far, other].map((name) =>
    [...text.matchAll(new RegExp(`^  ${name} .*([▁-█]) [\\d. ]+$`, "gm"))]
      .map(([, end]) => end)
  );
  assertEquals(ends, [["▅", "▂"], ["█", "█"], ["█", "█"]]);
});

Deno.test("renderReplay() has the footprint over the live bytes of a program that goes on, and of no other", () => {
  const of = (liveBytes: number[]) => ({
    ...fixture(),
    results: fixture().results.slice(0, 1).map((result) => ({
      ...result,
      footprint: { events: [1, 2, 3], liveBytes, footprintBytes: [4e6, 15e6, 12e6] },
    })),
  });
  assertMatch(renderReplay(of([0.5e6, 10e6, 5e6])), /^ {2}\S+ +▁*[▁▂▃▄▅ ]+█+ 2\.40 2\.40$/m);
  assertEquals(renderReplay(of([0.5e6, 10e6, 0.9e6])).includes("footprint over live bytes"), false);
});
