/**
 * What C does to guarded blocks ends the process at once, with a report; what JavaScript does there ends none. Each in a
 * process of its own (`fault_program.ts`), with `faults.c` as its library.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { compile, temporaryFolder } from "../../os/run_child.ts";

const here = (file: string): string => new URL(file, import.meta.url).pathname;

/** What a fault has to be called, by its name in the program; `%` stands for the size. */
const FATAL: Record<string, { readonly said: string; readonly by?: RegExp; readonly isFreed?: boolean }> = {
  "C writes the byte past the end": {
    said: "C wrote past the end of the block 0x%p of %s bytes: at offset %s, right behind",
  },
  "C reads the byte past the end": {
    said: "C read past the end of the block 0x%p of %s bytes: at offset %s, right behind",
  },
  "C writes 56 KB past the end": { said: "56000 bytes behind its end" },
  "memset goes on past the end": { said: "C wrote past the end of the block", by: /libc\.so\.6\+0x[^]*faults\.so\+0x/ },
  "snprintf goes on past the end": {
    said: "C wrote past the end of the block",
    by: /libc\.so\.6\+0x[^]*faults\.so\+0x/,
  },
  "C writes a page before the start": {
    said: "C wrote before the start of the block 0x%p of %s bytes: at offset -4096",
  },
  "C writes after free": { said: "C wrote after free, in the block 0x%p of %s bytes: at offset 5", isFreed: true },
  "C reads after free": { said: "C read after free, in the block 0x%p of %s bytes: at offset 5", isFreed: true },
  "C writes past the end of a block of a heap that is shared": { said: "C wrote past the end of the block" },
};

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly signal: Deno.Signal | null;
}

/** Runs a fault; undefined, with a message, where there is no compiler. */
async function runFault(fault: string, size: number): Promise<Outcome | undefined> {
  using folder = temporaryFolder();
  const library = `${folder.path}/faults.so`;
  const built = await compile("cc", ["-O0", "-g0", "-shared", "-fPIC", "-o", library, here("./faults.c")]);
  if (built === undefined) {
    console.log("skipped: there is no C compiler (cc)");
    return undefined;
  }
  assertEquals(built, { success: true, output: "" });
  const { stdout, stderr, signal } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", here("./fault_program.ts"), library, `${size}`, fault],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), signal };
}

const ignore = Deno.build.os !== "linux";

for (const [fault, { said, by, isFreed = false }] of Object.entries(FATAL)) {
  Deno.test(
    { name: `guarded: ${fault}: the process dies at once, and says who allocated the block`, ignore },
    async () => {
      for (const size of fault === "C writes the byte past the end" ? [16, 4096, 70_000 - 70_000 % 16] : [64]) {
        const outcome = await runFault(fault, size);
        if (outcome === undefined) return;
        assertEquals([outcome.signal, outcome.stdout], ["SIGSEGV", ""]);
        const [, ptr = "?"] = /the block 0x([0-9a-f]+)/.exec(outcome.stderr) ?? [];
        assertStringIncludes(outcome.stderr, said.replace("%p", ptr).replaceAll("%s", `${size}`));
        assertMatch(outcome.stderr, by ?? /in thread \d+, by:\n {4}\S+\/faults\.so\+0x/);
        assertMatch(outcome.stderr, /allocated:\n {4}at allocatesHere \(file:.*fault_program\.ts:\d+:\d+\)/);
        assertEquals(/freed:\n {4}at freesHere \(file:.*fault_program\.ts/.test(outcome.stderr), isFreed);
      }
    },
  );
}

Deno.test(
  { name: "guarded: a fault that is none of the heap's is passed on, to the system and to V8", ignore },
  async () => {
    const wild = await runFault("C writes to NULL", 64);
    if (wild === undefined) return;
    assertEquals([wild.signal, wild.stdout, wild.stderr.includes("hakmem")], ["SIGSEGV", "", false]);
    const wasm = await runFault("WebAssembly reads out of its memory", 64);
    assertEquals(wasm, { signal: null, stdout: "RuntimeError\nsurvived\n", stderr: "" });
  },
);

Deno.test(
  { name: "guarded: whatever JavaScript does around a block ends no process, and free says so", ignore },
  async () => {
    for (const size of [1, 64, 5000]) {
      const outcome = await runFault("JavaScript does all of it", size);
      if (outcome === undefined) return;
      assertEquals(outcome.signal, null, outcome.stderr);
      assert(outcome.stdout.endsWith("BUFFER_OVERFLOW\nsurvived\n"), outcome.stdout);
      assertMatch(outcome.stderr, /hakmem: BUFFER_OVERFLOW: the block/); // at close
    }
  },
);
