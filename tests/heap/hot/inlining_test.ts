/** What V8 inlines into the loop of a program: malloc and free, and nothing of what stands behind them. */

import { assertEquals } from "@std/assert";

const PROGRAM = `
  import { Heap } from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
  using heap = await Heap.open();
  const { malloc, free } = heap, slots = new Float64Array(1024);
  let x = 1;
  function loopOfProgram(turns) {
    for (let turn = 0; turn < turns; turn++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      const at = x & 1023, ptr = slots[at];
      if (ptr !== 0) {
        free(ptr);
        slots[at] = 0;
      } else slots[at] = malloc((x >>> 12 & 7) === 0 ? 100_000 : x >>> 22);
    }
  }
  for (let call = 0; call < 300; call++) loopOfProgram(10_000);
`;

Deno.test("V8 inlines malloc and free into a program's loop, and no slow path, which would take the room of others", async () => {
  const file = await Deno.makeTempFile({ suffix: ".mjs" });
  try {
    await Deno.writeTextFile(file, PROGRAM);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "-q", "--v8-flags=--trace-turbo-inlining", file],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const inlined = new TextDecoder().decode(stdout).split("\n").flatMap((line) => {
      const [, what] =
        /^Inlining .*SharedFunctionInfo ([^>]*)>\} into .*SharedFunctionInfo loopOfProgram>/.exec(line) ?? [];
      return what === undefined ? [] : [what];
    });
    assertEquals([...new Set(inlined)].toSorted(), ["free", "malloc"]);
  } finally {
    await Deno.remove(file);
  }
});
