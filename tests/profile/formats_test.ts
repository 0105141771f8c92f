/** Profiles in other people's formats: what is written is read back by a decoder that is not ours, where there is one. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { Profile } from "pprof-format";
import * as v from "valibot";
import {
  type Frame,
  nameOfFrame,
  PROFILE_FORMATS,
  shortNameOf,
  type StackProfile,
  toFolded,
  toPprof,
  toSpeedscope,
} from "../../src/profile/mod.ts";

const frame = (name: string, line: number): Frame => ({ function: name, file: "/app/program.ts", line });
const MAIN = frame("main", 40), LOAD = { ...frame("load; twice", 12), column: 7 }, KEEP = frame("keep", 20);

/** Two stacks, one of them there twice, and a third that has no value of the second type. */
const PROFILE: StackProfile = {
  sampleTypes: [{ type: "alloc_space", unit: "bytes" }, { type: "inuse_space", unit: "bytes" }],
  defaultSampleType: "inuse_space",
  samples: [
    { frames: [LOAD, MAIN], values: [1_000, 0], labels: { thread: "worker", bytes: 40 } },
    { frames: [KEEP, MAIN], values: [3_000.4, 2_000] },
    { frames: [KEEP, MAIN], values: [5_000_000_000, 4_000_000_000] },
  ],
  timeMs: 1_790_000_000_000.25,
  durationMs: 1_500,
  period: { type: "space", unit: "bytes", value: 524_288 },
  comments: ["one in 524288 bytes"],
};

/** A native program: a frame with a symbol, one without, and one of a module whose mapping nobody knows. */
const NATIVE: StackProfile = {
  sampleTypes: [{ type: "alloc_space", unit: "bytes" }],
  samples: [{
    frames: [
      { function: "", file: "", line: 0, address: 0x401010n, module: "/bin/program", buildId: "ab12" },
      { function: "work", file: "work.c", line: 3, address: 0x7f0000000020n, module: "/lib/libwork.so", buildId: "cd" },
      { function: "main", file: "", line: 0, module: "/lib/elsewhere.so", buildId: "ef" },
    ],
    values: [64],
  }],
  mappings: [
    { start: 0x400000n, limit: 0x500000n, offset: 0n, file: "/bin/program", buildId: "ab12" },
    { start: 0x7f0000000000n, limit: 0x7f0000001000n, offset: 0x1000n, file: "/lib/libwork.so", buildId: "cd" },
  ],
};

/** A decoded file, with its tables looked up. */
function decoded(bytes: Uint8Array) {
  const profile = Profile.decode(gunzipSync(bytes)), text = (at: unknown) => profile.stringTable.strings[Number(at)];
  const functions = new Map(profile.function.map((each) => [Number(each.id), each]));
  const locations = new Map(profile.location.map((each) => [Number(each.id), each]));
  const samples = profile.sample.map(({ locationId, value, label }) => ({
    frames: locationId.map((id) =>
      locations.get(Number(id))!.line.map(({ functionId, line, column }) => {
        const { name, filename } = functions.get(Number(functionId))!;
        return `${text(name)} ${text(filename)}:${line}:${column}`;
      }).join()
    ),
    values: value.map(Number),
    labels: label.map(({ key, str, num }) => [text(key), text(str), Number(num)]),
  }));
  return { profile, text, samples };
}

Deno.test("toPprof() keeps stacks, values, labels and the period", () => {
  const { profile, text, samples } = decoded(toPprof(PROFILE));
  assertEquals(samples, [
    {
      frames: ["load; twice /app/program.ts:12:7", "main /app/program.ts:40:0"],
      values: [1_000, 0],
      labels: [["thread", "worker", 0], ["bytes", "", 40]],
    },
    {
      frames: ["keep /app/program.ts:20:0", "main /app/program.ts:40:0"],
      values: [5_000_003_000, 4_000_002_000],
      labels: [],
    },
  ]);
  assertEquals(profile.sampleType.map(({ type, unit }) => [text(type), text(unit)]), [
    ["alloc_space", "bytes"],
    ["inuse_space", "bytes"],
  ]);
  assertEquals([text(profile.periodType?.type), Number(profile.period)], ["space", 524_288]);
  assertEquals([Number(profile.timeNanos), Number(profile.durationNanos)], [1_790_000_000_000_250_000, 1_500_000_000]);
  assertEquals([text(profile.defaultSampleType), text(profile.comment[0])], ["inuse_space", "one in 524288 bytes"]);
});

Deno.test("toPprof() keeps where native code lies, and says which modules have frames without a name", () => {
  const { profile, text } = decoded(toPprof(NATIVE));
  const mappings = profile.mapping.map((each) => [
    Number(each.memoryStart),
    Number(each.memoryLimit),
    Number(each.fileOffset),
    text(each.filename),
    text(each.buildId),
    each.hasFunctions,
  ]);
  assertEquals(mappings, [
    [0x400000, 0x500000, 0, "/bin/program", "ab12", false],
    [0x7f0000000000, 0x7f0000001000, 0x1000, "/lib/libwork.so", "cd", true],
    [0, 0, 0, "/lib/elsewhere.so", "ef", true],
  ]);
  const locations = profile.location.map((
    { mappingId, address, line },
  ) => [Number(mappingId), Number(address), line.length]);
  assertEquals(locations, [[1, 0x401010, 0], [2, 0x7f0000000020, 1], [3, 0, 1]]);
});

/** What `go tool pprof` prints of a file, or undefined where Go is not installed. */
async function goPprof(profile: StackProfile, ...args: string[]): Promise<string | undefined> {
  const file = await Deno.makeTempFile({ suffix: ".pb.gz" });
  try {
    await Deno.writeFile(file, toPprof(profile));
    const { code, stdout, stderr } = await new Deno.Command("go", { args: ["tool", "pprof", ...args, file] }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("Go is not installed (Debian: golang-go), so `go tool pprof` reads nothing here");
    return undefined;
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("go tool pprof reads what toPprof() writes", async () => {
  const top = await goPprof(PROFILE, "-top", "-unit=bytes");
  if (top === undefined) return;
  assertMatch(top, /^Type: inuse_space$/m);
  assertMatch(top, /^Duration: 1\.50s, Total samples = 4000002000B/m);
  assertMatch(top, /^4000002000B +100% +100% +4000002000B +100% +keep$/m);
  const lines = await goPprof(PROFILE, "-top", "-nodefraction=0", "-lines", "-sample_index=alloc_space", "-unit=bytes");
  assertMatch(lines!, /^ *1000B .* load; twice \/app\/program\.ts:12/m);
  assertMatch((await goPprof(NATIVE, "-traces", "-symbolize=none"))!, /\bwork\n\s+main/);
});

Deno.test("toFolded() writes a line for each stack, outermost call first, and none for those without a value", () => {
  const text = new TextDecoder().decode(toFolded(PROFILE));
  assertEquals(text, "main (program.ts:40);keep (program.ts:20) 4000002000\n");
  const all = new TextDecoder().decode(toFolded(PROFILE, "alloc_space"));
  assertEquals(
    all,
    `main (program.ts:40);load: twice (program.ts:12) 1000\n${text.replace("4000002000", "5000003000")}`,
  );
  assertEquals(
    new TextDecoder().decode(toFolded(NATIVE)),
    "main;work (work.c:3);program@0x401010 64\n",
  );
  assertThrows(() => toFolded(PROFILE, "time"), RangeError, "it has alloc_space, inuse_space");
});

/** `FileFormat.File` of speedscope's `file-format-spec.ts`, as far as it is about sampled profiles. */
const SPEEDSCOPE = v.strictObject({
  $schema: v.literal("https://www.speedscope.app/file-format-schema.json"),
  exporter: v.string(),
  name: v.string(),
  activeProfileIndex: v.number(),
  shared: v.strictObject({
    frames: v.array(v.strictObject({
      name: v.string(),
      file: v.optional(v.string()),
      line: v.optional(v.number()),
      col: v.optional(v.number()),
    })),
  }),
  profiles: v.array(v.strictObject({
    type: v.literal("sampled"),
    name: v.string(),
    unit: v.picklist(["none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"]),
    startValue: v.number(),
    endValue: v.number(),
    samples: v.array(v.array(v.number())),
    weights: v.array(v.number()),
  })),
});

Deno.test("toSpeedscope() follows the schema: a profile for each sample type, over the same frames", () => {
  const file = v.parse(SPEEDSCOPE, JSON.parse(new TextDecoder().decode(toSpeedscope(PROFILE, "the program"))));
  assertEquals([file.name, file.activeProfileIndex], ["the program", 1]);
  const [all, inUse] = file.profiles, names = file.shared.frames.map(({ name }) => name);
  assertEquals(all!.samples.map((stack) => stack.map((at) => names[at])), [["main", "load; twice"], ["main", "keep"]]);
  assertEquals([all!.weights, all!.endValue, all!.unit], [[1_000, 5_000_003_000], 5_000_004_000, "bytes"]);
  assertEquals([inUse!.weights, inUse!.name], [[4_000_002_000], "inuse_space"]);
  assertEquals(file.shared.frames[0], { name: "load; twice", file: LOAD.file, line: 12, col: 7 });
  v.parse(SPEEDSCOPE, JSON.parse(new TextDecoder().decode(toSpeedscope(NATIVE))));
});

Deno.test("toSpeedscope() has a caller once, wherever it calls from, and what allocates by its lines", () => {
  const at = (line: number): StackProfile["samples"][number] => ({
    frames: [frame("keep", line), frame("load", 10 + line), MAIN],
    values: [line],
  });
  const profile = { sampleTypes: [{ type: "alloc_space", unit: "bytes" }], samples: [at(1), at(2), at(1)] };
  const file = v.parse(SPEEDSCOPE, JSON.parse(new TextDecoder().decode(toSpeedscope(profile))));
  assertEquals(file.shared.frames.map(({ name, line }) => [name, line]), [
    ["keep", 1],
    ["load", undefined],
    ["main", undefined],
    ["keep", 2],
  ]);
  assertEquals([file.profiles[0]!.samples, file.profiles[0]!.weights], [[[2, 1, 0], [2, 1, 3]], [2, 2]]);
});

Deno.test("shortNameOf() leaves out parameters, arguments of templates, what is returned, and a compiler's parts", () => {
  for (
    const [name, short] of [
      ["std::vector<int, std::allocator<int> >::resize(unsigned long)", "std::vector::resize"],
      ["void app::fill<int>(std::function<void (int)>)", "app::fill"],
      ["app::fails(int) [clone .cold]", "app::fails"],
      ["app::work(int) const [clone .isra.0] [clone .constprop.0]", "app::work"],
      ["(anonymous namespace)::operator<<(int)", "{anonymous}::operator<<"],
      ["main", "main"],
      ["core::ptr::drop_in_place<T>::h0123", "core::ptr::drop_in_place::h0123"],
    ] as const
  ) assertEquals(shortNameOf(name), short);
});

Deno.test("a profile without samples is a file in every format", () => {
  const empty = { sampleTypes: PROFILE.sampleTypes, samples: [] };
  assertEquals(decoded(PROFILE_FORMATS.pprof.write(empty)).samples, []);
  v.parse(SPEEDSCOPE, JSON.parse(new TextDecoder().decode(PROFILE_FORMATS.speedscope.write(empty))));
  assertEquals(PROFILE_FORMATS.folded.write(empty).length, 0);
});

Deno.test("nameOfFrame() names what has no name by its module and address", () => {
  assertEquals(nameOfFrame(MAIN), "main");
  assertEquals(
    nameOfFrame({ function: "", file: "", line: 0, module: "/lib/libc.so.6", address: 0x1fn }),
    "libc.so.6@0x1f",
  );
  assertEquals(nameOfFrame({ function: "", file: "", line: 0 }), "(unknown)");
});

Deno.test("the library's version is that of deno.json", async () => {
  const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  const { imports } = JSON.parse(await read("deno.json"));
  assertMatch(await read("src/profile/pprof.ts"), new RegExp(`from "${imports["pprof-format"]}";`));
});
