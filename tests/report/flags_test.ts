import { assert, assertEquals } from "@std/assert";
import type { FlagsFile, VariantFlags } from "../../src/model/mod.ts";
import { renderFlagsCsv, renderFlagsMarkdown } from "../../src/report/flags.ts";
import { renderFlags } from "../../src/report/mod.ts";

function variant(name: string, ...values: [flag: string, value: string | number, from: string][]): VariantFlags {
  const meaning = "what it does, in words enough to need a second line where the table is as wide as it may be";
  const flags = values.map(([flag, value, from]) => ({ flag, value, from, meaning }));
  return { name, flags, bytecode: [{ function: "malloc", bytes: 173 }, { function: "free", bytes: 205 }] };
}

function file(variants: VariantFlags[], differences: FlagsFile["differences"] = []): FlagsFile {
  return { schema: "hakmem.flags/1", build: "release", variants, differences };
}

Deno.test("renderFlags() fits 100 columns for one variant and for two", async (t) => {
  const one = renderFlags(file([variant("a,size=3", ["colour", "red", "a"], ["size", 3, "override"])]));
  const differences = [{
    flag: "colour",
    a: "red",
    b: "a colour with a name",
    meaning: "what it looks like ".repeat(6),
  }];
  const two = renderFlags(
    file([variant("a", ["colour", "red", "a"]), variant("b,colour=blue,size=3,another=17,more=0")], differences),
  );
  for (const line of `${one}${two}`.split("\n")) assert(line.length <= 100, line);
  await t.assertSnapshot(one);
  await t.assertSnapshot(two);
  await t.assertSnapshot(renderFlags(file([variant("a"), variant("a")])));
});

Deno.test("renderFlagsMarkdown() and renderFlagsCsv() have what the table has", async (t) => {
  const a = variant("a,size=3", ["colour", "red", "a"], ["size", 3, "override"]);
  const b = variant("b", ["colour", "blue", "b"], ["size", 3, "b"]);
  const differences = [{ flag: "colour", a: "red", b: "blue", meaning: "this | that" }];
  await t.assertSnapshot(renderFlagsMarkdown(file([a])));
  await t.assertSnapshot(renderFlagsMarkdown(file([a, b], differences)));
  assertEquals(renderFlagsMarkdown(file([b, b])), "**b and b, release builds: 0 of 2 flags differ**\n");
  await t.assertSnapshot(renderFlagsCsv(file([a, b], differences)));
});
