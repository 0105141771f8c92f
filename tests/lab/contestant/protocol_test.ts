import { assertEquals, assertThrows } from "@std/assert";
import {
  formatChecksum,
  formatRequest,
  formatTurn,
  parseRequest,
  parseTurn,
  ProtocolError,
  type Turn,
} from "../../../src/lab/contestant/protocol.ts";

Deno.test("parseRequest() reads back what formatRequest() wrote", () => {
  const request = { workload: "random-mixed", units: 3, parameters: { size: 128, "working-set": 8192, seed: 1 } };
  assertEquals(formatRequest(request), "run random-mixed units=3 size=128 working-set=8192 seed=1");
  assertEquals(parseRequest(formatRequest(request)), { ...request, threads: 1 });
  const crew = { ...request, threads: 4 };
  assertEquals(parseRequest(formatRequest(crew)), crew);
});

Deno.test("parseTurn() reads back what formatTurn() wrote", () => {
  const slot: Turn = {
    units: 3,
    nanoseconds: 5_000_000,
    operations: 300,
    checksum: "0000002a",
    turnChecksum: "deadbeef",
    tier: "maglev",
    threads: [{ nanoseconds: 5_000_000, operations: 100 }, { nanoseconds: 4_999_999, operations: 200 }],
  };
  assertEquals(parseTurn(formatTurn(slot), 3), slot);
});

Deno.test("parseTurn() throws the contestant's own message when it says error", () => {
  assertThrows(() => parseTurn("error malloc(16) gave NULL", 1), ProtocolError, "malloc(16) gave NULL");
});

Deno.test("protocol refuses lines that are not of it", () => {
  for (const line of ["", "ok", "ok nanoseconds=x", "ok nanoseconds=1 operations=2", "what"]) {
    assertThrows(() => parseTurn(line, 1), ProtocolError);
  }
  for (const line of ["", "walk x units=1", "run x", "run x units=1.5", "run x units"]) {
    assertThrows(() => parseRequest(line), ProtocolError);
  }
});

Deno.test("formatChecksum() writes eight digits", () => {
  assertEquals(formatChecksum(42), "0000002a");
  assertEquals(formatChecksum(0xffffffff), "ffffffff");
});
