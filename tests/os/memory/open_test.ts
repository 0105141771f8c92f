/**
 * openVirtualMemory() in processes of their own: which source it takes under which permissions, with which compiler and
 * which cache. The children print nothing but their result, and a prompt would be an error there: none has a terminal.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { NativeAccessError } from "../../../src/os/mod.ts";
import { requireNativeAccess } from "../../../src/os/permissions.ts";
import { VM_LIBRARY } from "../../../src/os/memory/open.ts";
import { compile, compilesWithoutWarning, namesIn, type Outcome, runChild, temporaryFolder } from "../run_child.ts";

const [VM_SOURCE, GUARD_SOURCE] = VM_LIBRARY.sources.map(({ pathname }) => pathname) as [string, string];

function assertNative(outcome: Outcome, note?: RegExp): void {
  assertEquals({ ...outcome, note: undefined }, { source: "native", works: true, same: true, note: undefined });
  if (note === undefined) assertEquals(outcome.note, undefined);
  else assertMatch(outcome.note ?? "", note);
}

function assertLibc(outcome: Outcome, note: RegExp): void {
  assertEquals({ ...outcome, note: undefined }, { source: "libc", works: true, same: true, note: undefined });
  assertMatch(outcome.note ?? "", note);
  assert(!outcome.note!.includes("\n"), "a note is one line");
}

function assertRefused(outcome: Outcome, code: string, message: string): void {
  assertEquals([outcome.error?.name, outcome.error?.code], ["NativeAccessError", code]);
  assertStringIncludes(outcome.error?.message ?? "", message);
}

async function sha256(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}

/** A library that can be loaded and has nothing of ours. */
async function compileForeign(folder: string): Promise<string> {
  await Deno.writeTextFile(`${folder}/foreign.c`, "int foreign(void) { return 1; }\n");
  const built = await compile("cc", ["-shared", "-fPIC", "-o", `${folder}/foreign.so`, `${folder}/foreign.c`]);
  assert(built?.success, built?.output);
  return `${folder}/foreign.so`;
}

Deno.test("native/vm.c and guard.c compile without a warning under gcc and clang", async (t) => {
  for (const standard of ["-std=c11", "-std=c17"]) {
    await compilesWithoutWarning(t, ["-O2", standard, "-fPIC"], [VM_SOURCE, GUARD_SOURCE]);
  }
});

Deno.test("openVirtualMemory() builds at the first run and finds the build at the second", async () => {
  using cache = temporaryFolder();
  const folder = `${cache.path}/not/there/yet`;
  assertNative(await runChild("memory", { HAKMEM_CACHE: folder }));
  const names = namesIn(folder);
  assertEquals(names.length, 1);
  assertMatch(names[0]!, /^vm-[0-9a-f]{32}\.[0-9a-f]{64}$/);
  const { ino } = await Deno.stat(`${folder}/${names[0]}`);
  assertNative(await runChild("memory", { HAKMEM_CACHE: folder }));
  assertEquals(namesIn(folder), names);
  assertEquals((await Deno.stat(`${folder}/${names[0]}`)).ino, ino); // a second build would be another file
});

Deno.test("openVirtualMemory() uses a relative HAKMEM_CACHE, and the user's cache folder without one", async () => {
  using home = temporaryFolder();
  const env = { HOME: home.path, DENO_DIR: `${home.path}/deno` };
  assertNative(await runChild("memory", { ...env, XDG_CACHE_HOME: `${home.path}/xdg` }));
  if (Deno.build.os === "linux") assertEquals(namesIn(`${home.path}/xdg/hakmem`).length, 1);
  assertNative(await runChild("memory", { ...env, XDG_CACHE_HOME: "" }));
  const folder = Deno.build.os === "darwin" ? "Library/Caches" : ".cache";
  assertEquals(namesIn(`${home.path}/${folder}/hakmem`).length, 1);
  assertNative(await runChild("memory", { ...env, HAKMEM_CACHE: `.${"/..".repeat(30)}${home.path}/relative` }));
  assertEquals(namesIn(`${home.path}/relative`).length, 1);
});

Deno.test("openVirtualMemory() is right in every process when several run first at once", async () => {
  using cache = temporaryFolder();
  const children = Array.from({ length: 6 }, () => runChild("memory", { HAKMEM_CACHE: cache.path }));
  for (const outcome of await Promise.all(children)) assertNative(outcome);
  for (const name of namesIn(cache.path)) {
    assertEquals(name.split(".")[1], await sha256(`${cache.path}/${name}`)); // entries only, all of them whole
  }
});

Deno.test("openVirtualMemory() builds again when the cached file is damaged", async (t) => {
  using cache = temporaryFolder();
  const env = { HAKMEM_CACHE: cache.path };
  assertNative(await runChild("memory", env));
  const path = `${cache.path}/${namesIn(cache.path)[0]}`;
  const sound = await Deno.readFile(path);
  const foreign = await Deno.readFile(await compileForeign(cache.path));
  const damages: Record<string, () => Promise<void>> = {
    "truncated": () => Deno.truncate(path, sound.length / 2),
    "truncated to a page": () => Deno.truncate(path, 4096),
    "empty": () => Deno.truncate(path, 0),
    "garbage": () => Deno.writeFile(path, sound.map((byte) => byte ^ 0x55)),
    "one bit flipped": () => Deno.writeFile(path, sound.with(sound.length >> 1, sound[sound.length >> 1]! ^ 1)),
    "a foreign library": () => Deno.writeFile(path, foreign),
  };
  for (const [name, damage] of Object.entries(damages)) {
    await t.step(name, async () => {
      await damage();
      assertNative(await runChild("memory", env));
      assertEquals(await Deno.readFile(path), sound); // mended in its place
    });
  }
});

Deno.test("openVirtualMemory() builds for itself alone when the cache cannot be used", async () => {
  using temporary = temporaryFolder();
  const note = /cache folder \/dev\/null\/x .*built for this process only/;
  assertNative(await runChild("memory", { HAKMEM_CACHE: "/dev/null/x", TMPDIR: temporary.path }), note);
  assertEquals(namesIn(temporary.path), []); // and leaves nothing
});

Deno.test("openVirtualMemory() builds for itself alone when the cached file's place is taken", async () => {
  using cache = temporaryFolder();
  assertNative(await runChild("memory", { HAKMEM_CACHE: cache.path }));
  const path = `${cache.path}/${namesIn(cache.path)[0]}`;
  await Deno.remove(path);
  await Deno.mkdir(`${path}/in the way`, { recursive: true });
  assertNative(await runChild("memory", { HAKMEM_CACHE: cache.path }), /cannot write to the cache folder/);
});

Deno.test("openVirtualMemory() falls back to libc when neither cache nor temporary folder can be used", async () => {
  assertLibc(await runChild("memory", { HAKMEM_CACHE: "/dev/null/x", TMPDIR: "/dev/null" }), /cannot write to/);
});

Deno.test("openVirtualMemory() falls back to libc when there is no working compiler", async (t) => {
  using folder = temporaryFolder();
  const env = { HAKMEM_CACHE: `${folder.path}/cache`, PATH: folder.path };
  const cc = `${folder.path}/cc`;
  const script = (text: string) => Deno.writeTextFile(cc, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await t.step("PATH is empty", async () => {
    assertLibc(await runChild("memory", { ...env, PATH: "" }), /no C compiler/);
  });
  await t.step("cc may not be executed", async () => {
    await Deno.writeTextFile(cc, "#!/bin/sh\n", { mode: 0o644 });
    assertLibc(await runChild("memory", env), /cc/);
    await Deno.remove(cc);
  });
  await t.step("cc is broken", async () => {
    await script("echo broken >&2; exit 1");
    assertLibc(await runChild("memory", env), /could not compile vm/);
  });
  await t.step("cc cannot compile", async () => {
    await script('[ "$1" = --version ] || { echo "no headers" >&2; exit 1; }');
    assertLibc(await runChild("memory", env), /could not compile vm/);
  });
  await t.step("cc makes what cannot be loaded", async () => {
    await script('[ "$1" = --version ] && exit; while [ "$1" != -o ]; do shift; done; echo rubbish > "$2"');
    assertLibc(await runChild("memory", env), /cc did not make a library/);
  });
  await t.step("cc makes nothing", async () => {
    await script("echo cc that makes nothing");
    assertLibc(await runChild("memory", env), /cc did not make a library/);
  });
  await t.step("and asks again, where what it made before was rubbish", async () => {
    assertNative(await runChild("memory", { HAKMEM_CACHE: env.HAKMEM_CACHE }));
  });
});

Deno.test("openVirtualMemory() needs no permission but --allow-ffi", async (t) => {
  using cache = temporaryFolder();
  const env = { HAKMEM_CACHE: cache.path, TMPDIR: cache.path };
  const cases: [string, string[], RegExp][] = [
    ["ffi alone", [], /no permission to read .*vm\.c/],
    ["no read", ["--allow-write", "--allow-run", "--allow-env"], /no permission to read .*vm\.c/],
    ["no run", ["--allow-read", "--allow-write", "--allow-env"], /no permission to run cc/],
    ["run of something else", ["--allow-read", "--allow-write", "--allow-env", "--allow-run=true"], /run cc/],
    ["no write", ["--allow-read", "--allow-run", "--allow-env"], /no permission to write/],
  ];
  for (const [name, permissions, note] of cases) {
    await t.step(name, async () => assertLibc(await runChild("memory", env, ["--allow-ffi", ...permissions]), note));
  }
  const rest = ["--allow-ffi", "--allow-run=cc", "--allow-env"];
  await t.step("only what is needed", async () => {
    const paths = `${VM_SOURCE},${GUARD_SOURCE},${cache.path}/own`;
    const permissions = [...rest, `--allow-read=${paths}`, `--allow-write=${cache.path}/own`];
    assertNative(await runChild("memory", { ...env, HAKMEM_CACHE: `${cache.path}/own` }, permissions));
    assertEquals(namesIn(`${cache.path}/own`).length, 1);
  });
  await t.step("a cache that is there already, read only", async () => {
    assertNative(
      await runChild("memory", { HAKMEM_CACHE: `${cache.path}/own` }, ["--allow-ffi", "--allow-env", "--allow-read"]),
    );
  });
  await t.step("no permission to read the cache", async () => {
    const permissions = [...rest, `--allow-read=${VM_SOURCE},${GUARD_SOURCE}`, "--allow-write"];
    assertNative(await runChild("memory", env, permissions), /no permission to read the cache folder/);
  });
  await t.step("no env", async () => {
    const permissions = ["--allow-ffi", "--allow-read", "--allow-write", "--allow-run"];
    assertNative(await runChild("memory", env, permissions), /no cache folder is known/);
  });
});

Deno.test("openVirtualMemory() throws NO_FFI_PERMISSION without a bare --allow-ffi", async () => {
  for (
    const permissions of [[], ["--allow-ffi=/tmp"], ["--allow-ffi", "--deny-ffi=/nowhere"], [
      "--allow-read",
      "--allow-write",
      "--allow-run",
      "--allow-env",
    ]]
  ) {
    assertRefused(await runChild("memory", {}, permissions), "NO_FFI_PERMISSION", "--allow-ffi");
  }
});

Deno.test("openLibcAllocator() needs --allow-ffi and nothing else", async () => {
  assertEquals(await runChild("allocator", {}, ["--allow-ffi"]), { works: true });
  assertRefused(await runChild("allocator", {}, []), "NO_FFI_PERMISSION", "--allow-ffi");
});

Deno.test("openVirtualMemory() takes HAKMEM_LIBRARY or fails", async (t) => {
  using folder = temporaryFolder();
  const library = `${folder.path}/prebuilt.so`;
  const text = await Deno.readTextFile(VM_SOURCE);
  const build = async (source: string) => {
    await Deno.writeTextFile(`${folder.path}/vm.c`, source);
    const built = await compile("cc", ["-O1", "-shared", "-fPIC", "-o", library, `${folder.path}/vm.c`, GUARD_SOURCE]);
    assert(built?.success, built?.output);
  };
  const env = { HAKMEM_LIBRARY: library, HAKMEM_CACHE: `${folder.path}/cache` };
  await t.step("a good one, without a compiler", async () => {
    await build(text);
    assertNative(await runChild("memory", { ...env, PATH: "" }, ["--allow-ffi", "--allow-env"]));
    assertEquals(namesIn(folder.path).includes("cache"), false);
  });
  await t.step("another version", async () => {
    await build(text.replace(/#define ABI_VERSION \d+/, "#define ABI_VERSION 1001"));
    assertRefused(await runChild("memory", env), "BAD_LIBRARY", "ABI version 1001");
  });
  await t.step("missing symbols", async () => {
    const foreign = await compileForeign(folder.path);
    assertRefused(await runChild("memory", { ...env, HAKMEM_LIBRARY: foreign }), "BAD_LIBRARY", foreign);
  });
  await t.step("one symbol missing", async () => {
    await build(text.replace("uint64_t hakmem_ticks(void)", "uint64_t renamed_ticks(void)"));
    assertRefused(await runChild("memory", env), "BAD_LIBRARY", "hakmem_ticks");
  });
  await t.step("one that is cut short at any length, with no permission to read it", async () => {
    await build(text);
    const bytes = await Deno.readFile(library), cut = `${folder.path}/cut.so`;
    for (const share of [0.001, 0.02, 0.3, 0.6, 0.99]) {
      await Deno.writeFile(cut, bytes.subarray(0, Math.floor(share * bytes.length)));
      const outcome = await runChild("memory", { ...env, HAKMEM_LIBRARY: cut }, ["--allow-ffi", "--allow-env"]);
      assertRefused(outcome, "BAD_LIBRARY", `HAKMEM_LIBRARY: ${cut} is cut off`);
    }
  });
  await t.step("a pipe, for which the loader would wait", async () => {
    const pipe = `${folder.path}/pipe.so`;
    assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
    assertRefused(await runChild("memory", { ...env, HAKMEM_LIBRARY: pipe }), "BAD_LIBRARY", pipe);
  });
  await t.step("a folder", async () => {
    assertRefused(await runChild("memory", { ...env, HAKMEM_LIBRARY: folder.path }), "BAD_LIBRARY", "EISDIR");
  });
  await t.step("one for another processor, of which the loader says that it is not there", async () => {
    await build(text);
    const bytes = await Deno.readFile(library), foreign = `${folder.path}/foreign_processor.so`;
    bytes[18] = Deno.build.arch === "x86_64" ? 183 : 62;
    await Deno.writeFile(foreign, bytes);
    const outcome = await runChild("memory", { ...env, HAKMEM_LIBRARY: foreign }, ["--allow-ffi", "--allow-env"]);
    assertRefused(outcome, "BAD_LIBRARY", `HAKMEM_LIBRARY: ${foreign} is built for `);
  });
  await t.step("no such file", async () => {
    for (const path of ["/nowhere/vm.so", "vm-nowhere.so"]) {
      const outcome = await runChild("memory", { ...env, HAKMEM_LIBRARY: path });
      assertRefused(outcome, "BAD_LIBRARY", `HAKMEM_LIBRARY: cannot load ${path}`);
    }
  });
  await t.step("no library", async () => {
    assertRefused(await runChild("memory", { ...env, HAKMEM_LIBRARY: VM_SOURCE }), "BAD_LIBRARY", VM_SOURCE);
  });
});

Deno.test("requireNativeAccess() refuses other systems", () => {
  requireNativeAccess();
  for (const [os, arch] of [["windows", "x86_64"], ["freebsd", "x86_64"], ["linux", "riscv64"]] as const) {
    const error = assertThrows(() => requireNativeAccess({ os, arch }), NativeAccessError, `${os} ${arch}`);
    assertEquals(error.code, "UNSUPPORTED_SYSTEM");
  }
});
