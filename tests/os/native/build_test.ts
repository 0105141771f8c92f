/** buildNative() and cacheFile(), in processes of their own, since both look at the environment. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { NativeTarget } from "../../../src/os/mod.ts";
import { namesIn, type Outcome, runChild, temporaryFolder } from "../run_child.ts";

const PROGRAM = `#include <stdio.h>
#include "greeting.h"
#ifndef TEXT
#define TEXT GREETING
#endif
int main(void) { puts(TEXT); return 0; }
`;

/** A folder with a program of two files, and a way to build it in a process of its own. */
function openProgram(text = PROGRAM) {
  const folder = temporaryFolder();
  const write = (file: string, content: string) => Deno.writeTextFileSync(`${folder.path}/${file}`, content);
  write("main.c", text);
  write("greeting.h", '#define GREETING "hello"\n');
  const cache = `${folder.path}/cache`;
  const build = (changes: Partial<NativeTarget> = {}, env: Record<string, string> = {}): Promise<Outcome> => {
    const sources = ["main.c", "greeting.h"].map((file) => new URL(`file://${folder.path}/${file}`));
    const target: NativeTarget = { name: "program", sources, kind: "executable", ...changes };
    return runChild(["build", JSON.stringify(target)], { HAKMEM_CACHE: cache, ...env });
  };
  return { ...folder, [Symbol.dispose]: folder[Symbol.dispose], cache, write, build };
}

Deno.test("buildNative() builds a program that runs, and finds it again", async () => {
  using program = openProgram();
  const first = await program.build();
  assertEquals([first.stdout, first.note, first.same], ["hello\n", undefined, true]);
  assert(first.path!.startsWith(`${program.cache}/program-`));
  assertEquals(await program.build(), first);
  assertEquals(namesIn(program.cache).length, 1);
});

Deno.test("buildNative() builds again when a source, a header, a flag or the compiler changes", async () => {
  using program = openProgram();
  const paths = new Set<string | undefined>();
  const expectAnother = async (stdout: string, outcome: Promise<Outcome>) => {
    const { path, ...rest } = await outcome;
    assertEquals(rest.stdout, stdout);
    assertEquals(paths.has(path), false);
    paths.add(path);
  };
  await expectAnother("hello\n", program.build());
  await expectAnother("flag\n", program.build({ flags: ['-DTEXT="flag"'] }));
  program.write("greeting.h", '#define GREETING "header"\n');
  await expectAnother("header\n", program.build());
  program.write("main.c", PROGRAM.replace("TEXT)", '"source")'));
  await expectAnother("source\n", program.build());
  program.write("cc", '#!/bin/sh\n[ "$1" = --version ] && echo another && exit\nexec /usr/bin/cc "$@"\n');
  await Deno.chmod(`${program.path}/cc`, 0o755);
  await expectAnother("source\n", program.build({}, { PATH: `${program.path}:${Deno.env.get("PATH")}` }));
});

Deno.test("buildNative() builds again when a cached program is damaged", async () => {
  using program = openProgram();
  const { path } = await program.build();
  await Deno.truncate(path!, 100);
  const again = await program.build();
  assertEquals([again.path, again.stdout], [path, "hello\n"]);
});

Deno.test("buildNative() builds for one process when the cache cannot be used", async () => {
  using program = openProgram();
  using temporary = temporaryFolder();
  const outcome = await program.build({}, { HAKMEM_CACHE: "/dev/null/x", TMPDIR: temporary.path });
  assertEquals([outcome.stdout, outcome.same], ["hello\n", true]);
  assertStringIncludes(outcome.path!, temporary.path);
  assertMatch(outcome.note!, /cache folder \/dev\/null\/x .*built for this process only/);
  assertEquals(namesIn(temporary.path), []);
});

Deno.test("buildNative() throws COMPILE_FAILED with the compiler's output, and caches nothing", async () => {
  using program = openProgram("int main(void) { return nonsense; }\n");
  const { error } = await program.build();
  assertEquals([error?.name, error?.code], ["NativeBuildError", "COMPILE_FAILED"]);
  assertStringIncludes(error?.output ?? "", "nonsense");
  assertStringIncludes(error?.message ?? "", "nonsense");
  assertEquals(namesIn(program.cache), []);
});

Deno.test("buildNative() gives a compiler up that hangs, and what holds its pipes open", async () => {
  using program = openProgram();
  const env = { PATH: `${program.path}:${Deno.env.get("PATH")}` };
  const cases: [script: string, kind: NativeTarget["kind"], code: string, message: string][] = [
    ["exec sleep 30", "executable", "NO_COMPILER", "`cc --version` did not end within 0.2 s"],
    ["sleep 30 & wait", "library", "COMPILE_FAILED", "cc did not end within 0.2 s"],
    ["exec >&- 2>&-; exec sleep 30", "library", "COMPILE_FAILED", "cc did not end within 0.2 s"],
  ];
  for (const [script, kind, code, message] of cases) {
    program.write("cc", `#!/bin/sh\n${script}\n`);
    await Deno.chmod(`${program.path}/cc`, 0o755);
    const { error } = await program.build({ kind, patience: 200 }, env);
    assertEquals([error?.code, error?.message], [code, message]);
  }
});

Deno.test("buildNative() throws a code for each thing that is missing", async () => {
  using program = openProgram();
  const sources = [new URL("file:///nowhere/main.c")];
  assertEquals((await program.build({}, { PATH: "" })).error?.code, "NO_COMPILER");
  assertEquals((await program.build({ sources })).error?.code, "NO_SOURCE");
  assertEquals((await program.build({ sources: [new URL("https://localhost/main.c")] })).error?.code, "NO_SOURCE");
  assertEquals((await program.build({ name: "../program" })).error?.name, "TypeError");
  const env = { HAKMEM_CACHE: "/dev/null/x", TMPDIR: "/dev/null" };
  assertEquals((await program.build({}, env)).error?.code, "NO_FOLDER");
  const target = JSON.stringify({ name: "x", sources: [`file://${program.path}/main.c`], kind: "executable" });
  for (const permission of ["--allow-run", "--allow-read"]) {
    const outcome = await runChild(["build", target], {}, [permission]);
    assertEquals([outcome.error?.name, outcome.error?.code], ["NativeBuildError", "NO_PERMISSION"]);
  }
});

Deno.test("cacheFile() makes content once and keeps it", async () => {
  using cache = temporaryFolder();
  const run = (content: string) => runChild(["cache", "peer-1.wasm", content], { HAKMEM_CACHE: cache.path });
  assertEquals(await run("content"), { made: 1, texts: ["content", "content"] });
  assertEquals(await run("other"), { made: 0, texts: ["content", "content"] });
  assertEquals(namesIn(cache.path).length, 1);
});

Deno.test("cacheFile() makes content again when the file is damaged", async () => {
  using cache = temporaryFolder();
  const run = () => runChild(["cache", "peer-1.wasm", "content"], { HAKMEM_CACHE: cache.path });
  await run();
  const path = `${cache.path}/${namesIn(cache.path)[0]}`;
  for (const damaged of ["conten", "", "foreign"]) {
    await Deno.writeTextFile(path, damaged);
    assertEquals(await run(), { made: 1, texts: ["content", "content"] });
    assertEquals(await Deno.readTextFile(path), "content");
  }
});

Deno.test("cacheFile() tells names apart when one is the beginning of another", async () => {
  using cache = temporaryFolder();
  for (const name of ["a", "a.b", "a.b.c"]) {
    assertEquals((await runChild(["cache", name, name], { HAKMEM_CACHE: cache.path })).texts, [name, name]);
  }
});

Deno.test("cacheFile() works without a cache, making content at each call", async () => {
  const expected = { made: 2, texts: ["content", "content"] };
  assertEquals(await runChild(["cache", "x", "content"], { HAKMEM_CACHE: "/dev/null/x" }), expected);
  assertEquals(await runChild(["cache", "x", "content"], {}, []), expected);
  assertEquals(await runChild(["cache", "x", "content"], {}, ["--allow-env", "--allow-read"]), expected);
});

Deno.test("cacheFile() throws TypeError when the name is not a file's", async () => {
  using cache = temporaryFolder();
  for (const name of ["", ".", "..", "../x", "a/b", "-x", "a b", "x".repeat(300)]) {
    const outcome = await runChild(["cache", name, "content"], { HAKMEM_CACHE: cache.path });
    assertNotEquals(outcome.error, undefined);
    assertEquals(outcome.error?.name, "TypeError");
  }
});
