/** No file that our C opens is handed to a program that another thread starts in that moment. */
import { assertEquals, assertGreater } from "@std/assert";
import { buildNative } from "../../../src/os/mod.ts";
import { answersOf } from "../run_child.ts";
import { filesBelow } from "../../sources.ts";

const ROOT = new URL("../../../", import.meta.url);
const ON_LINUX = Deno.build.os === "linux";
const SOURCES = ["native/vm.c", "native/guard/guard.c", "tests/os/native/programs/close_on_exec.c"];

Deno.test({
  name: `what native/vm.c opens is closed on exec${ON_LINUX ? "" : " (skipped: not on Linux)"}`,
  ignore: !ON_LINUX,
  fn: async () => {
    const sources = SOURCES.map((file) => new URL(file, ROOT));
    const { path } = await buildNative({ name: "close-on-exec", sources, kind: "executable", flags: ["-pthread"] });
    const { code, lines } = await answersOf(path, [], "");
    assertEquals([code, lines], [0, ["1 7 0"]]); // two pipes, and three files of /proc
  },
});

/** Calls that open a file and do not say that it is closed on exec: each from the call's name to the end of its line. */
function inherited(text: string): string[] {
  const opening =
    /\b(?:open|openat|pipe2?|memfd_create|socket(?:pair)?|accept4?|eventfd|epoll_create1?|dup[23]?)\s*\(.*/g;
  const calls = [...text.matchAll(opening), ...text.matchAll(/\b(?:fopen|fdopen|popen|SYS_openat|F_DUPFD)\b.*/g)];
  return calls.map(([call]) => call).filter((call) => !/CLOEXEC|"[rwa]b?\+?e"|, flags, /.test(call));
}

Deno.test("all that our C opens is closed on exec", () => {
  const files = filesBelow("native").filter((file) => /\.[ch]$/.test(file));
  assertGreater(files.length, 20);
  const found = files.flatMap((file) =>
    inherited(Deno.readTextFileSync(new URL(file, ROOT))).map((call) => `${file}: ${call}`)
  );
  // Where there is no pipe2, each end is told by itself.
  assertEquals(found, ["native/vm.c: pipe(ends) != 0) return -1;"]);
  assertEquals(inherited('if (pipe(ends) != 0) x;\nfopen(path, "r");\nopen(path, O_RDONLY | O_CLOEXEC);\n').length, 2);
});
