import { assertEquals, assertRejects } from "@std/assert";
import { InvalidOptionError } from "../../src/heap/mod.ts";
import { lastingName, loadBaseline } from "../../src/lab/baseline.ts";
import { heapContestant } from "../../src/lab/contestants.ts";

Deno.test("what can be run again later is a revision, whatever it was called", async () => {
  const hash = "c90ee9d30a4d72a63327dead329e0d3c5768aa4a";
  const contestant = heapContestant("slab-map,refill=8", "HEAD,refill=8");
  assertEquals(await lastingName("HEAD,refill=8", { contestant, source: hash }), `${hash},slab-map,refill=8`);
});

Deno.test("a folder or a peer is no baseline", async () => {
  const contestant = heapContestant("slab-map", "x");
  await assertRejects(() => lastingName("../x", { contestant, source: "/x" }), InvalidOptionError, "../x cannot be");
  await assertRejects(() => lastingName("system", { contestant }), InvalidOptionError, "system cannot be");
});

Deno.test("a baseline that is not there is an error", async () => {
  await assertRejects(() => loadBaseline("never-saved"), InvalidOptionError, 'there is no baseline "never-saved"');
});
