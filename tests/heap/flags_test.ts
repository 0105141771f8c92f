import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DEFAULT_VARIANT, FLAGS, InvalidOptionError, parseVariant, VARIANTS } from "../../src/heap/mod.ts";
import { flagsToQuery } from "../../src/heap/flags.ts";

const DEFAULTS = VARIANTS[DEFAULT_VARIANT]!;

Deno.test("parseVariant() reads a name, and flags laid over it", () => {
  assertEquals(parseVariant("slab-map"), { name: "slab-map", flags: DEFAULTS });
  assertEquals(parseVariant(" slab-map , refill=8,interior=0"), {
    name: "slab-map,refill=8,interior=0",
    flags: { ...DEFAULTS, refill: 8, interior: 0 },
  });
});

Deno.test("parseVariant() names what is allowed when a name, a flag or a value is not", () => {
  const messageOf = (text: string): string => assertThrows(() => parseVariant(text), InvalidOptionError).message;
  for (const name of Object.keys(VARIANTS)) assertStringIncludes(messageOf("nonsense"), name);
  for (const flag of Object.keys(FLAGS)) assertStringIncludes(messageOf("slab-map,nonsense=1"), flag);
  assertStringIncludes(messageOf("slab-map,header=word"), "byte or none");
  assertStringIncludes(messageOf("slab-map,refill=0"), "from 1 to 4096");
  assertStringIncludes(messageOf("slab-map,refill=1e3"), "from 1 to 4096");
  assertStringIncludes(messageOf("slab-map,refill"), "from 1 to 4096");
  assertStringIncludes(messageOf("slab-map,interior=yes"), "0 or 1");
  assertStringIncludes(messageOf("slab-map,header=byte"), "classes=seed");
  assertStringIncludes(messageOf("phase7,interior=1"), "header=byte");
  assertStringIncludes(messageOf("constructor"), "slab-map");
});

Deno.test("flagsToQuery() is another text for other flags, and the same for the same", () => {
  const { "phase7-1.3": phase13, ...others } = VARIANTS;
  assertEquals(new Set(Object.values(others).map(flagsToQuery)).size, Object.keys(others).length);
  assertEquals(flagsToQuery({ ...phase13!, prewarm: 1 }), flagsToQuery(VARIANTS["phase7"]!));
});

Deno.test("every variant has every flag, with a value that the flag's row allows", () => {
  for (const [name, flags] of Object.entries(VARIANTS)) {
    for (const [flag, row] of Object.entries(FLAGS)) {
      const value = flags[flag as keyof typeof flags];
      assert(
        "least" in row.values
          ? (value as number) >= row.values.least && (value as number) <= row.values.most
          : row.values.includes(value),
        `${name}: ${flag}=${value}`,
      );
    }
  }
});
