/** `Heap.openSync`, `await using`, and the sums as text. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Heap, HeapBusyError, HeapClosedError, HeapSharedError, InvalidOptionError } from "../../../src/heap/mod.ts";

const MODULE = new URL("../../../mod.ts", import.meta.url).href;

/** What a program prints that has the heap; it runs by itself, with these variables. */
async function run(body: string, env: Record<string, string> = {}): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, `import { Heap } from ${JSON.stringify(MODULE)};\n${body}`);
    const args = ["run", "-A", "-q", "--no-check", file];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  } finally {
    await Deno.remove(file);
  }
}

const USE = "const ptr = heap.malloc(10); heap.u8[ptr] = 7; heap.check(); heap.free(heap.ptrAt(heap.pointer(ptr)));";

Deno.test("openSync() uses the library that open() has built, and libc where there is none", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const sync = `const lines = []; { using heap = Heap.openSync({ log: (line) => lines.push(line) }); ${USE} }
      console.log(lines.join());`;
    const env = { HAKMEM_CACHE: cache };
    const first = await run(sync, env);
    assert(first.includes("not built yet"), first);
    await run(`using heap = await Heap.open(); ${USE}`, env);
    assertEquals(await run(sync, env), "");
    for await (const { name } of Deno.readDir(cache)) await Deno.writeTextFile(`${cache}/${name}`, "damaged");
    assert((await run(sync, env)).includes("not built yet"));
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("openSync() and open() in any order and at once, each closed in its turn", async () => {
  const heaps: Heap[] = [];
  const pending = Heap.open();
  heaps.push(Heap.openSync(), await pending, Heap.openSync(), await Heap.open());
  for (const heap of heaps) {
    for (const other of heaps) if (!isClosed(other)) other.free(other.ptrAt(other.address(other.malloc(100))));
    heap.close();
  }
  using last = Heap.openSync({ maxBytes: 1024 * 1024 });
  assertEquals(last.stats().maxBytes, 1024 * 1024);
});

function isClosed(heap: Heap): boolean {
  try {
    heap.stats();
    return false;
  } catch (error) {
    if (error instanceof HeapClosedError) return true;
    throw error;
  }
}

Deno.test("openSync() opens the default variant in release alone", () => {
  for (const options of [{ build: "debug" }, { variant: "box" }, { variant: "slab-map,interior=0" }, { nonsense: 1 }]) {
    assertThrows(() => Heap.openSync(options as never), InvalidOptionError);
  }
});

Deno.test("await using waits for loans to be over, and for Workers that have the heap", async () => {
  const order: string[] = [];
  {
    await using heap = await Heap.open();
    const lent = heap.lend(heap.malloc(10));
    assertThrows(() => heap.close(), HeapBusyError);
    setTimeout(() => {
      order.push("end");
      lent.end();
    }, 30);
  }
  order.push("closed");
  assertEquals(order, ["end", "closed"]);

  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `import { Heap } from ${JSON.stringify(MODULE)};
     onmessage = async ({ data }) => {
       const heap = await Heap.attach(data);
       postMessage("attached");
       setTimeout(() => { heap.close(); close(); }, 50);
     };`,
  );
  try {
    let kept: Heap;
    {
      await using heap = kept = await Heap.open();
      const worker = new Worker(new URL(`file://${file}`), { type: "module" });
      const attached = new Promise((resolve) => worker.onmessage = resolve);
      worker.postMessage(heap.share());
      await attached;
      assertThrows(() => heap.close(), HeapSharedError);
    }
    assertThrows(() => kept.malloc(1), HeapClosedError);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("asyncDispose passes on errors that waiting does not mend", async () => {
  const heap = await Heap.open({
    build: "debug",
    log: () => {
      throw new Error("from log");
    },
  });
  heap.malloc(1);
  await assertRejects(() => heap[Symbol.asyncDispose](), Error, "from log");
  await heap[Symbol.asyncDispose]();
});

for (const build of ["release", "debug"] as const) {
  Deno.test(`stats() is an object with a version, and stats("text") says the same in lines (${build})`, async () => {
    using heap = await Heap.open({ build, maxBytes: 64 * 1024 * 1024 });
    using _block = heap.own(1024), _large = heap.own(1024 * 1024);
    const stats = heap.stats(), text: string = heap.stats("text");
    assertEquals([stats.schema, structuredClone(stats)], ["hakmem.stats/1", stats]);
    for (const part of ["2 live blocks", "1 block,", "64 MiB (maxBytes)"]) assert(text.includes(part), text);
  });
}
