/** Programs and traces with names that a terminal would obey, looked at by the real command. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { cli } from "../helpers.ts";
import { shownIn, terminalTest } from "../terminal.ts";

const TITLE = "\x1b]0;owned\x07";
const ON_LINUX = Deno.build.os === "linux";

Deno.test({
  name: `record --pid shows a program's arguments so that no terminal obeys them${
    ON_LINUX ? "" : " (skipped: not on Linux)"
  }`,
  ignore: !ON_LINUX,
  fn: async () => {
    const args = ["-c", "echo; read line", TITLE];
    const process = new Deno.Command("sh", { args, stdin: "piped", stdout: "piped" }).spawn();
    const reader = process.stdout.getReader();
    await reader.read(); // it has become sh
    const { code, stderr } = await cli(["record", "--pid", String(process.pid)]);
    await process.stdin.close();
    await reader.cancel();
    await process.status;
    assertEquals([code, stderr.includes("\x1b"), stderr.includes("\x07")], [3, false, false]);
    assertStringIncludes(stderr, String.raw`$'\u001b]0;owned\u0007'`);
  },
});

terminalTest("a file's name is shown in a terminal so that it is not obeyed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    const file = `${folder}/\x1b[31m${TITLE}.rep`;
    await Deno.writeTextFile(file, "0\n1\n2\n1\na 0 512\nf 0\n");
    const terminals = { columns: 200, term: "xterm" };
    const [named, plain] = await shownIn(terminals, [["trace", "info", file], ["trace", "info", `${folder}/none.rep`]]);
    assertEquals([plain!.escapes, named!.text.includes("\x07")], [0, false]);
    assertStringIncludes(named!.text, String.raw`\x1b[31m\x1b]0;owned\x07.rep`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
