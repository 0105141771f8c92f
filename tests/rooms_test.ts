/**
 * The rooms of the source, and the rules that hold between them, read off its imports, those of types among them:
 *
 * - Arrows lead downwards: a file imports files of its own room, and of rooms in rows below.
 * - No circle of files.
 * - Who is outside of the heap knows it by its two doors.
 * - Nothing outside of `src/os` calls C by itself.
 * - Only tests and `stress` build another journal into a heap.
 * - No folder has more files than a reader takes in at a glance.
 * - The process of a contestant loads nothing of Node's, which would take as long as all the rest: a run starts hundreds.
 *
 * Each rule is also tried with a file that breaks it.
 */
import { assert, assertEquals } from "@std/assert";
import { filesBelow, SOURCES, type Sources } from "./sources.ts";

/** The rooms, a row a layer, from the top: a folder with all in it, or a file. The longest name that fits a file has it. */
const LAYERS: readonly (readonly string[])[] = [
  ["cli.ts"],
  ["src/cli/main.ts"],
  ["src/cli/completion"],
  ["src/cli/commands"],
  ["src/cli/shared", "src/cli/permissions.ts"],
  ["src/verify/stress"],
  ["src/verify"],
  ["src/lab/instructions"],
  ["src/lab/explain", "src/lab/gate", "src/lab/history", "src/lab/doctor", "src/lab/inspect"],
  ["src/lab/compare", "src/lab/replay", "src/lab/record", "src/lab/micro", "src/lab/stacks"],
  ["src/lab/bench"],
  ["src/lab/latency"],
  ["src/lab/contest"],
  ["src/lab/contestant"],
  ["src/report/html"],
  ["src/report"],
  ["src/report/tables"],
  ["src/model"],
  ["src/peers"],
  ["src/workloads"],
  ["src/traces"],
  ["src/measure"],
  ["mod.ts", "inspect.ts"],
  // The heap: its doors, what a program has, the builds, and what they are made of.
  ["src/heap/mod.ts", "src/heap/inspect/mod.ts"],
  ["src/heap/inspect/state_view.ts", "src/heap/inspect/parts.ts"],
  ["src/heap/heap.ts"],
  ["src/heap/guard"],
  ["src/heap/debug"],
  ["src/heap/release.ts"],
  ["src/heap/interop"],
  ["src/heap/blocks.ts"],
  ["src/heap/inspect"],
  ["src/heap/hot"],
  ["src/heap/profile"],
  ["src/heap/threads"],
  ["src/heap/core"],
  ["src/heap/stacks"],
  ["src/heap/state"],
  ["src/heap/variants.ts"],
  ["src/heap/flags.ts"],
  ["src/heap/errors.ts", "src/heap/log.ts"],
  ["src/os", "src/std", "src/profile"],
];
const HEAP_DOORS = ["src/heap/mod.ts", "src/heap/inspect/mod.ts"];
/** Files that a folder may have, by the folder that it is in. */
const MOST_FILES = { src: 15, tests: 20 };

/** An import: who, and whom. */
type Arrow = readonly [from: string, to: string];

const IMPORTS = [/^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)"/gm, /^import "(\.[^"]+)"/gm, /\bimport\("(\.[^"]+)"\)/g];

function arrowsOf(sources: Sources): Arrow[] {
  return [...sources].flatMap(([from, text]) =>
    IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)]).map((match): Arrow => [
      from,
      new URL(match[1]!, `file:///${from}`).pathname.slice(1),
    ])
  ).filter(([, to]) => to.endsWith(".ts"));
}

function roomOf(file: string): { room: string; row: number } | undefined {
  const fits = (room: string) => file === room || file.startsWith(`${room}/`);
  const rooms = LAYERS.flatMap((names, row) => names.filter(fits).map((room) => ({ room, row })));
  return rooms.sort((a, b) => b.room.length - a.room.length)[0];
}

function homeless(sources: Sources): string[] {
  return [...sources.keys()].filter((file) => roomOf(file) === undefined);
}

function upwardArrows(sources: Sources): string[] {
  return arrowsOf(sources).filter(([from, to]) => {
    const above = roomOf(from), below = roomOf(to);
    return above === undefined || below === undefined || (above.room !== below.room && above.row >= below.row);
  }).map((arrow) => arrow.join(" imports "));
}

/** The first circle that is found, its first file again at its end; empty if there is none. */
function circle(sources: Sources): string[] {
  const next = Map.groupBy(arrowsOf(sources), ([from]) => from);
  const done = new Set<string>(), path: string[] = [];
  const search = (file: string): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    path.push(file);
    for (const [, to] of next.get(file) ?? []) {
      const found = search(to);
      if (found.length > 0) return found;
    }
    path.pop();
    done.add(file);
    return [];
  };
  for (const file of next.keys()) {
    const found = search(file);
    if (found.length > 0) return found;
  }
  return [];
}

function throughTheWall(sources: Sources): string[] {
  return arrowsOf(sources).filter(([from, to]) =>
    to.startsWith("src/heap/") && !from.startsWith("src/heap/") && !HEAP_DOORS.includes(to)
  ).map((arrow) => arrow.join(" imports "));
}

function callsOfC(sources: Sources): string[] {
  const lines = [...sources].filter(([file]) => !file.startsWith("src/os/")).flatMap(([file, text]) =>
    text.split("\n").map((line, at) => ({ place: `${file}:${at + 1}`, line }))
  );
  return lines.filter(({ line }) =>
    /\bDeno\.(dlopen|Unsafe\w+)|\b(dlopen|Unsafe\w+)\b.*\bDeno\b(?!\.)/.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line)
  )
    .map(({ place }) => place);
}

/** Files that build another journal into a heap, as only tests and `stress` may. */
function hooked(sources: Sources): string[] {
  const may = /^src\/(verify\/|heap\/heap\.ts|heap\/inspect\/mod\.ts)/;
  return [...sources].filter(([file, text]) => !may.test(file) && /\b(openWith|attachWith)\b/.test(text))
    .map(([file]) => file);
}

function crowded(files: readonly string[]): string[] {
  const folders = Map.groupBy(files, (file) => file.slice(0, file.lastIndexOf("/")));
  const most = (folder: string) => folder.split("/")[0] === "tests" ? MOST_FILES.tests : MOST_FILES.src;
  return [...folders].filter(([folder, { length }]) => length > most(folder)).map(([folder, { length }]) =>
    `${folder} has ${length}`
  );
}

/** What a file loads by the time that its first line runs: files, packages and modules of Node's, but for types. */
function loadedBy(root: string, sources: Sources): Set<string> {
  const loaded = new Set([root]);
  for (const file of loaded) {
    for (
      const [, names, what] of sources.get(file)?.matchAll(/^(?:import|export)\b([^;]*?)(?:\bfrom )?"([^"]+)"/gm) ?? []
    ) {
      const isOfTypes = /^ type\b/.test(names!) || /^ \{(?:\s*type [^,}]+,?)+\s*\} $/.test(names!);
      if (isOfTypes) continue;
      loaded.add(what!.startsWith(".") ? new URL(what!, `file:///${file}`).pathname.slice(1) : what!);
    }
  }
  return loaded;
}

/** The sources, with a line more in one of them. */
function planted(file: string, line: string): Sources {
  return new Map([...SOURCES, [file, `${line}\n${SOURCES.get(file) ?? ""}`]]);
}

Deno.test("every file of the source is in a room of the list", () => {
  assertEquals(homeless(SOURCES), []);
  assertEquals(homeless(planted("src/attic/box.ts", "")), ["src/attic/box.ts"]);
});

Deno.test("imports lead downwards", () => {
  assertEquals(upwardArrows(SOURCES), []);
  const found = (file: string, line: string) => upwardArrows(planted(file, line));
  assertEquals(found("src/heap/core/large.ts", 'import type { HotPath } from "../hot/parts.ts";'), [
    "src/heap/core/large.ts imports src/heap/hot/parts.ts",
  ]);
  assertEquals(found("src/report/stress.ts", 'import {\n  bench,\n} from "../lab/bench/bench.ts";'), [
    "src/report/stress.ts imports src/lab/bench/bench.ts",
  ]);
  assertEquals(found("src/lab/gate/gate.ts", 'export * from "../explain/explain.ts";').length, 1, "of one row");
  assertEquals(found("src/os/mod.ts", 'const { Heap } = await import("../heap/mod.ts");').length, 1, "while it runs");
});

Deno.test("no file imports itself by way of others, types included", () => {
  assertEquals(circle(SOURCES), []);
  const looped = planted("src/heap/state/layout.ts", 'import type { HeapMemory } from "./memory.ts";');
  assertEquals(circle(looped).at(-1), circle(looped)[0]);
  assertEquals(new Set(circle(looped)).has("src/heap/state/layout.ts"), true);
});

Deno.test("the heap is known by heap/mod.ts and heap/inspect/mod.ts", () => {
  assertEquals(throughTheWall(SOURCES), []);
  assertEquals(throughTheWall(planted("src/lab/micro/slow.ts", 'import { KIB } from "../../heap/state/layout.ts";')), [
    "src/lab/micro/slow.ts imports src/heap/state/layout.ts",
  ]);
});

Deno.test("nothing outside of src/os calls C", () => {
  assertEquals(callsOfC(SOURCES), []);
  assertEquals(callsOfC(planted("src/peers/none.ts", "Deno.dlopen(path, {});")), ["src/peers/none.ts:1"]);
  assertEquals(callsOfC(planted("src/peers/none.ts", "const { dlopen } = Deno;")), ["src/peers/none.ts:1"]);
  assertEquals(callsOfC(planted("src/heap/heap.ts", "new Deno.UnsafePointerView(pointer);")), ["src/heap/heap.ts:1"]);
});

Deno.test("only tests and stress build another journal into a heap", () => {
  assertEquals(hooked(SOURCES), []);
  assertEquals(hooked(planted("mod.ts", 'export { openWith } from "./src/heap/heap.ts";')), ["mod.ts"]);
});

Deno.test("no folder has more than 15 files, no folder of tests more than 20", () => {
  const files = [...filesBelow("src"), ...filesBelow("native"), ...filesBelow("tests")];
  assertEquals(crowded(files), []);
  assertEquals(crowded(Array.from({ length: 16 }, (_, at) => `src/attic/${at}.ts`)), ["src/attic has 16"]);
  assertEquals(crowded(Array.from({ length: 21 }, (_, at) => `tests/attic/${at}.ts`)), ["tests/attic has 21"]);
});

Deno.test("a contestant's process loads nothing of Node's", () => {
  const nodes = (sources: Sources) =>
    [...loadedBy("src/lab/contestant/entry.ts", sources)].filter((what) => what.startsWith("node:"));
  assertEquals(nodes(SOURCES), []);
  const replay = "src/workloads/replay/replay.ts";
  assert(nodes(planted(replay, 'import { EVENT } from "../../traces/mod.ts";')).includes("node:zlib"));
  assertEquals(nodes(planted(replay, 'import { type EVENT, type Trace } from "../../traces/mod.ts";')), []);
});
