/**
 * The entry of a Deno child that replays a trace and times each operation. The clock is opened before anything else is
 * loaded: V8's compilers write their traces for good to the stream that they found when they wrote the first one, and
 * the clock is to read them.
 *
 * @module
 */
import { openLatencyClock } from "../../os/native/latency.ts";

if (import.meta.main) {
  const clock = await openLatencyClock();
  const { serveReplay } = await import("./child.ts");
  await serveReplay(clock);
}
