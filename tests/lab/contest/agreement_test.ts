import { assertEquals, assertThrows } from "@std/assert";
import { Agreements, DisagreementError } from "../../../src/lab/contest/agreement.ts";
import type { Turn } from "../../../src/lab/contestant/protocol.ts";

function slot(checksum: string, units = 1, operations = 100): Turn {
  return { units, nanoseconds: 1, operations, checksum, turnChecksum: checksum, tier: "native" };
}

Deno.test("Agreements.check() passes when all did the same work", () => {
  const agreements = new Agreements();
  for (const label of ["a", "b", "c"]) agreements.record("random-mixed 128", label, slot("1"));
  agreements.record("random-mixed 256", "a", slot("2"));
  agreements.check();
});

Deno.test("Agreements.check() names who disagrees when one checksum differs", () => {
  const agreements = new Agreements();
  agreements.record("random-mixed 128", "a", slot("1"));
  agreements.record("random-mixed 128", "b", slot("2"));
  agreements.record("random-mixed 128", "c", slot("1"));
  const error = assertThrows(
    () => agreements.check(),
    DisagreementError,
    "random-mixed 128, first unit: b did other work",
  );
  assertEquals(error.dissenters, ["b"]);
});

Deno.test("Agreements.check() names who disagrees when only the number of operations differs", () => {
  const agreements = new Agreements();
  for (const label of ["a", "b"]) agreements.record("larson 128", label, slot("1"));
  agreements.record("larson 128", "c", slot("1", 1, 101));
  assertEquals(assertThrows(() => agreements.check(), DisagreementError).dissenters, ["c"]);
});

Deno.test("Agreements.record() throws at once when somebody contradicts itself", () => {
  const agreements = new Agreements();
  agreements.record("hot-pair 16", "a", slot("1", 5));
  assertThrows(() => agreements.record("hot-pair 16", "a", slot("3", 5)), DisagreementError, "a did other work");
});
