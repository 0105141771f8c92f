/** Forged handles, in a process of its own, since a mistake kills it. */
import { assertEquals } from "@std/assert";

Deno.test({
  name: "a forged handle gives INVALID_HANDLE, whatever lies at its address",
  ignore: Deno.build.os !== "linux",
  async fn(t) {
    const program = new URL("./forged_handles.ts", import.meta.url).href;
    for (
      const [source, permissions] of [["native", ["-P"]], ["libc", [
        "--allow-ffi",
        "--allow-write",
        "--allow-read",
      ]]] as const
    ) {
      await t.step(source, async () => {
        const { stdout, stderr, code, signal } = await new Deno.Command(Deno.execPath(), {
          args: ["run", ...permissions, program],
          env: { TMPDIR: "/tmp" },
        }).output();
        assertEquals([code, signal], [0, null], new TextDecoder().decode(stderr));
        const codes: Record<string, string[]> = JSON.parse(new TextDecoder().decode(stdout));
        const { "the genuine one": same, "a getter is read once": once, ...forged } = codes;
        assertEquals([same, once], [["attached"], ["1"]]);
        for (const [name, said] of Object.entries(forged)) {
          assertEquals(said.filter((code) => code !== "attached"), ["INVALID_HANDLE"], name);
          if (!name.endsWith("fields") && !name.endsWith("field")) assertEquals(said, ["INVALID_HANDLE"], name);
        }
      });
    }
  },
});
