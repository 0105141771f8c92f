/** Which processors a thread may run on: asked of the system itself, which has it in `/proc`. */
import { assert, assertEquals } from "@std/assert";
import { allowedProcessors, keepOn } from "../../src/os/mod.ts";
import { allowedOf } from "./allowed.ts";
import { runChild } from "./run_child.ts";

const LINUX = Deno.build.os === "linux";

/** `0-2,5` as numbers. */
function parseList(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number) as [number, number?];
    return Array.from({ length: last! - first + 1 }, (_, index) => first + index);
  });
}

Deno.test({
  name: "allowedProcessors gives those that the system names, keepOn leaves a process one of them",
  ignore: !LINUX,
  async fn() {
    const processors = allowedProcessors();
    assertEquals(processors, parseList(allowedOf(Deno.pid)!));
    const child = new Deno.Command("cat", { stdin: "piped", stdout: "null" }).spawn();
    for (const processor of processors) {
      keepOn(processor, [child.pid]);
      assertEquals(allowedOf(child.pid), String(processor));
    }
    assertEquals(allowedProcessors(), processors); // this process goes where it went
    await child.stdin.close();
    assert((await child.status).success);
    keepOn(processors[0]!, [child.pid]); // it has ended
  },
});

Deno.test("allowedProcessors knows none without --allow-ffi", async () => {
  assertEquals(await runChild("processors", {}, []), { values: [] });
});
