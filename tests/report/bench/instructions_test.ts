import { assertEquals, assertMatch } from "@std/assert";
import { readChecked, type Result, type ResultFile, ResultFileSchema } from "../../../src/model/mod.ts";
import { renderCsv, renderJson, renderMarkdown, renderTerminal } from "../../../src/report/mod.ts";
import { fixture } from "../fixture.ts";
import { COUNTED } from "./instructions_fixture.ts";

const { instructions, code } = COUNTED;

/** A file in which native peers were counted, and one of ours looked at. */
function counted(tool: "perf" | "valgrind" = "valgrind"): ResultFile {
  const file = fixture();
  const { net: _, ...ofNone } = instructions;
  const countsOf = (result: Result): Partial<Result> => {
    if (result.runtime === "deno") return { code };
    if (result.host !== "native") return {};
    const own = result.runtime === "harness" ? ofNone : instructions;
    return { instructions: { ...own, tool } };
  };
  const results = file.results.slice(0, 6).map((result) => ({ ...result, ...countsOf(result) }));
  return readChecked(ResultFileSchema, renderJson({ ...file, results }));
}

Deno.test("counts stand in the table of the terminal and in Markdown, net of the loop, and say who counted", () => {
  const file = counted();
  const native = file.results.filter(({ instructions }) => instructions !== undefined);
  assertEquals(native.length > 1, true);
  for (const text of [renderTerminal(file), renderMarkdown(file)]) {
    assertMatch(
      text.replaceAll("\n", " "),
      /Per operation, counted by valgrind; misses are of data, in simulated caches/,
    );
    assertMatch(text, /system[ |]+1,000,000[ |]+999,977[ |]+12,345[ |]+12,345[ |]+0\.052[ |]+-0\.001/);
    assertMatch(text, /none \(native\)[ |]+1,000,000[ |]+12,345[ |]+0\.052/);
    assertMatch(text, /mixedChunk[ |]+turbofan[ |]+1,652[ |]+173[ |]+205/);
  }
  assertMatch(
    renderTerminal(counted("perf")).replaceAll("\n", " "),
    /counted by perf in the program itself, not in the/,
  );
});

Deno.test("where nothing was counted there is no table of it, and no column in CSV", () => {
  const file = fixture();
  assertEquals(/counted by|Our code in bytes/.test(renderTerminal(file) + renderMarkdown(file)), false);
  assertEquals(renderCsv(file).split("\n", 1)[0]!.includes("instructions"), false);
});

Deno.test("CSV has a row for each count, in columns of their own, and all rows have all columns", () => {
  const lines = renderCsv(counted()).trimEnd().split("\n").map((line) => line.split(","));
  const head = lines[0]!;
  assertEquals(new Set(lines.map(({ length }) => length)), new Set([head.length]));
  const rows = lines.slice(1).map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index]])));
  const system = rows.filter(({ counted_by }) => counted_by === "valgrind").find(({ allocator }) =>
    allocator === "system"
  );
  assertEquals([system!["round"], system!["instructions"], system!["net_l1_misses"]], ["", "1000000", "12344.5"]);
  const ours = rows.filter(({ loop_machine_bytes }) => loop_machine_bytes !== "");
  assertEquals(ours.map((row) => row["malloc_bytecode_bytes"]), ours.map(() => "173"));
  assertEquals(ours.length > 0, true);
});
