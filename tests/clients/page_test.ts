/** The page on clients: its program is type-checked, and runs. */
import { assert, assertEquals } from "@std/assert";
import { isInstalled } from "../../bench/clients/mod.ts";
import { temporaryFolder } from "../os/run_child.ts";

const ROOT = new URL("../../", import.meta.url);
const LUA = "liblua5.4.so.0", SKIPPED = isInstalled(LUA) ? "" : ` (skipped: ${LUA} is not installed)`;

Deno.test({
  name: `the program of CLIENTS.md does what it says${SKIPPED}`,
  ignore: SKIPPED !== "",
  async fn() {
    const page = await Deno.readTextFile(new URL("src/heap/interop/CLIENTS.md", ROOT));
    const programs = [...page.matchAll(/^```ts ignore\n([^]*?)^```$/gm)].map(([, text]) => text!);
    assertEquals(programs.length, 1);
    using folder = temporaryFolder();
    const config = { imports: { "@hakmem/hakmem": new URL("mod.ts", ROOT).href } };
    await Deno.writeTextFile(`${folder.path}/deno.json`, JSON.stringify(config));
    await Deno.writeTextFile(`${folder.path}/main.ts`, programs[0]!);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--check", "--allow-ffi", "main.ts"],
      cwd: folder.path,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stderr)], [0, ""]);
    const found = decoder.decode(stdout).match(/^1000 strings in (\d+) blocks\n$/);
    assert(Number(found?.[1]) > 50, decoder.decode(stdout));
  },
});
