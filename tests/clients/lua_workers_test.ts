/** One heap, and Lua in several threads at once that all allocate from it: each by functions of its own. */
import { assertEquals } from "@std/assert";
import { isInstalled } from "../../bench/clients/mod.ts";
import { LUA } from "../../bench/clients/lua.ts";
import { Heap } from "../../mod.ts";
import type { Task } from "./lua_worker.ts";

const SKIPPED = isInstalled(LUA.library) ? "" : ` (skipped: ${LUA.library} is not installed)`;
const WORKERS = 2;

for (const build of ["release", "debug"] as const) {
  const rounds = build === "debug" ? 2000 : 50_000;
  Deno.test({
    name: `Lua here and in ${WORKERS} Workers on one ${build} heap: ${rounds} rounds each${SKIPPED}`,
    ignore: SKIPPED !== "",
    async fn() {
      const expected = LUA.run(rounds, undefined);
      const heap = await Heap.open({ build }), allocator = heap.nativeAllocator();
      const task: Task = { shared: heap.share(), rounds };
      const workers = Array.from(
        { length: WORKERS },
        () => new Worker(new URL("lua_worker.ts", import.meta.url), { type: "module" }),
      );
      const answers = workers.map((worker) =>
        new Promise<string>((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = (event) => (event.preventDefault(), reject(new Error(event.message)));
          worker.postMessage(task);
        })
      );
      assertEquals(LUA.run(rounds, allocator), expected);
      assertEquals(await Promise.all(answers), workers.map(() => expected));
      for (const worker of workers) worker.terminate();
      assertEquals([heap.stats().liveBlocks, allocator.blocks, allocator.errors], [0, 0, []]);
      heap.check();
      heap.close();
    },
  });
}
