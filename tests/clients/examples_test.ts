/** The examples of `bench/examples`: each is type-checked, and runs with the command that its head gives, without a word on stderr. */
import { assertEquals, assertMatch } from "@std/assert";
import { isInstalled } from "../../bench/clients/mod.ts";

const ROOT = new URL("../../", import.meta.url);

/** What each prints. */
const EXAMPLES: Readonly<Record<string, RegExp>> = {
  "sqlite.ts": /^error: near "tabel": syntax error\nrow: Äpfel\nrow: 日本の梨\nrow: 🍌\n$/,
  "image.ts": /^a pixel: ff00c864 of 2073600\n$/,
  "qsort.ts": /^Lyon 10898\nPorto 5580\nMalmö 4714\nGraz 2367\n$/,
  "faults.ts":
    /of 6 bytes was written past its end[^]*made by makeName: true\n[^]*1000 bytes, one at 0x[0-9a-f]+, allocated:\n +at leak /,
  "scratch.ts":
    /^new Uint8Array\(4096\): \d+ ns a call\nmalloc\(4096\) and free: \d+ ns a call, [\d.]+ times as fast\n$/,
};

Deno.test("all examples are here", () => {
  const found = [...Deno.readDirSync(new URL("bench/examples/", ROOT))].map(({ name }) => name);
  assertEquals(found.sort(), Object.keys(EXAMPLES).sort());
});

Deno.test("the examples have no error of types", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...Object.keys(EXAMPLES).map((name) => `bench/examples/${name}`)],
    cwd: ROOT,
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});

for (const [name, expected] of Object.entries(EXAMPLES)) {
  const isMissing = name === "sqlite.ts" && !isInstalled("libsqlite3.so.0");
  Deno.test({
    name: `the example ${name} does what it says${isMissing ? " (skipped: libsqlite3.so.0 is not installed)" : ""}`,
    ignore: isMissing,
    async fn() {
      const source = await Deno.readTextFile(new URL(`bench/examples/${name}`, ROOT));
      const command = source.match(/`deno run (--allow-[\w -]+) bench\/examples\/([\w.]+)`/);
      assertEquals(command?.[2], name);
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-check", "--no-prompt", ...command![1]!.split(" "), `bench/examples/${name}`],
        cwd: ROOT,
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).output();
      const decoder = new TextDecoder();
      assertEquals([code, decoder.decode(stderr)], [0, ""]);
      assertMatch(decoder.decode(stdout), expected);
    },
  });
}
