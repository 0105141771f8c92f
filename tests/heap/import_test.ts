/**
 * The ways in which a program of somebody else has the library: each is type-checked, runs with the flags that the table
 * of IMPORTING.md gives, and not with one less.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compile, namesIn, temporaryFolder } from "../os/run_child.ts";
import { copy } from "../planted.ts";

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** A home that nobody can write to, root neither. */
const NO_HOME = "/proc/home";

/** A program as a user writes it. It prints a line: whether it worked, and whose functions it runs on. */
const PROGRAM = (specifier: string): string => `
import { Heap, HeapError, type Ptr } from "${specifier}";

const notes: string[] = [];
{
  using heap = await Heap.open({ log: (line: string) => void notes.push(line) });
  const ptr: Ptr = heap.malloc(100);
  heap.f64[ptr / 8] = Math.PI;
  heap.free(ptr);
  try {
    heap.free(12);
  } catch (error) {
    if (!(error instanceof HeapError) || error.code !== "INVALID_POINTER") throw error;
  }
  heap.check();
}
console.log("worked with " + (notes.length === 0 ? "the native" : "libc's"));
`;

interface Way {
  readonly how: string;
  readonly flags: readonly string[];
  readonly functions: string;
}

/** The table of the page. */
const WAYS: readonly Way[] = [
  ...Deno.readTextFileSync(`${ROOT}src/heap/IMPORTING.md`).matchAll(
    /^\| (by .*?) +\| `(--allow-.*?)` +\| (.*?) +\|$/gm,
  ),
].map(([, how, flags, functions]) => ({ how: how!, flags: flags!.split(" "), functions: functions! }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function output(program: string, args: readonly string[], options: Deno.CommandOptions = {}): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    ...options,
    args: [...args],
    env: { NO_COLOR: "1", HAKMEM_LIBRARY: "", ...options.env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function deno(folder: string, ...args: string[]): Promise<Outcome> {
  return output(Deno.execPath(), args, { cwd: folder, env: { HAKMEM_CACHE: `${folder}/cache` } });
}

/** A folder with a project of somebody else's. */
async function project(specifier: string, config: object = {}): Promise<Disposable & { path: string }> {
  const folder = temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/deno.json`, JSON.stringify(config));
  await Deno.writeTextFile(`${folder.path}/main.ts`, PROGRAM(specifier));
  return folder;
}

/** @param run runs it with flags */
async function assertRunsWith({ flags, functions }: Way, run: (flags: readonly string[]) => Promise<Outcome>) {
  const { code, stdout, stderr } = await run(flags);
  assertEquals([code, stdout], [0, `worked with ${functions}\n`], stderr);
  for (const needed of flags) {
    const less = await run(flags.filter((flag) => flag !== needed));
    assert(less.code !== 0 || !less.stdout.includes(functions), `${needed} is not needed for ${functions}`);
    if (needed === "--allow-ffi") assertStringIncludes(less.stderr, "run with --allow-ffi");
  }
}

async function assertChecks(folder: string, ...flags: string[]): Promise<void> {
  const { code, stderr } = await deno(folder, "check", ...flags, "main.ts");
  assertEquals(code, 0, stderr);
}

async function hasCompiler(): Promise<boolean> {
  return await compile("cc", ["--version"]) !== undefined;
}

/** Serves the library's files to whoever asks, as a web server would. */
const SERVER = `
const root = ${JSON.stringify(ROOT)};
Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) }, async (request) => {
  try {
    const text = await Deno.readTextFile(root + new URL(request.url).pathname);
    return new Response(text, { headers: { "content-type": "application/typescript" } });
  } catch {
    return new Response("no such file", { status: 404 });
  }
});`;

async function withServer(use: (url: string) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/server.ts`, SERVER);
  const args = ["run", "--no-config", "--quiet", "--allow-net=127.0.0.1", `--allow-read=${ROOT}`, "server.ts"];
  const server = new Deno.Command(Deno.execPath(), {
    args,
    cwd: folder.path,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = server.stdout.getReader();
  try {
    const { value } = await reader.read();
    await use(`http://127.0.0.1:${new TextDecoder().decode(value).trim()}`);
  } finally {
    server.kill();
    await reader.cancel();
    await server.status;
  }
}

function way(how: string): Way {
  const found = WAYS.find((each) => each.how.startsWith(how));
  assert(found !== undefined, `IMPORTING.md's table has no row "${how}"`);
  return found;
}

Deno.test("IMPORTING.md's table has all ways", () => assertEquals(WAYS.length, 6));

Deno.test("a program imports the library by path", async (t) => {
  using folder = await project(`${ROOT}mod.ts`);
  await assertChecks(folder.path);
  for (const each of [way("by path:"), way("by path, with more")]) {
    if (each.functions === "the native" && !await hasCompiler()) {
      console.log("skipped: there is no C compiler");
      continue;
    }
    await t.step(each.flags.join(" "), () =>
      assertRunsWith(each, async (flags) => {
        // The cache would do instead of a compiler.
        await Deno.remove(`${folder.path}/cache`, { recursive: true }).catch(() => {});
        return deno(folder.path, "run", "--no-prompt", "--no-check", ...flags, "main.ts");
      }));
  }
});

Deno.test("a program imports the library by name", async () => {
  const config = { imports: { "@hakmem/hakmem": "jsr:@hakmem/hakmem@^0.1.0" }, links: [ROOT] };
  using folder = await project("@hakmem/hakmem", config);
  await assertChecks(folder.path);
  await assertRunsWith(
    way("by name"),
    (flags) => deno(folder.path, "run", "--no-prompt", "--no-check", ...flags, "main.ts"),
  );
});

Deno.test("a program imports the library by URL", () =>
  withServer(async (url) => {
    using folder = await project(`${url}/mod.ts`);
    const denoDir = `${folder.path}/deno`; // where nothing is cached, not even that it may be imported
    const run = (...args: string[]) =>
      output(Deno.execPath(), args, {
        cwd: folder.path,
        env: { HAKMEM_CACHE: `${folder.path}/cache`, DENO_DIR: denoDir },
      });
    const checked = await run("check", "--allow-import", "main.ts");
    assertEquals(checked.code, 0, checked.stderr);
    await assertRunsWith(
      way("by URL"),
      (flags) => run("run", "--no-prompt", "--no-check", ...flags, "main.ts"),
    );
  }));

Deno.test("a program is bundled with the library, and runs elsewhere", async () => {
  using folder = await project(`${ROOT}mod.ts`);
  using elsewhere = temporaryFolder();
  const { code, stderr } = await deno(
    folder.path,
    "bundle",
    "--quiet",
    "--output",
    `${elsewhere.path}/main.js`,
    "main.ts",
  );
  assertEquals(code, 0, stderr);
  await assertRunsWith(
    way("by `deno bundle`"),
    (flags) => deno(elsewhere.path, "run", "--no-prompt", ...flags, "main.js"),
  );
});

Deno.test("a program that is bundled has the native functions where HAKMEM_LIBRARY leads to them", async () => {
  if (!await hasCompiler()) return console.log("skipped: there is no C compiler");
  using folder = await project(`${ROOT}mod.ts`);
  await deno(folder.path, "run", ...way("by path, with more").flags, "main.ts"); // builds them
  const [built] = namesIn(`${folder.path}/cache`);
  await deno(folder.path, "bundle", "--quiet", "--output", "bundle.js", "main.ts");
  const { code, stdout, stderr } = await output(
    Deno.execPath(),
    ["run", "--no-prompt", "--allow-ffi", "--allow-env=HAKMEM_LIBRARY", "bundle.js"],
    { cwd: folder.path, env: { HAKMEM_LIBRARY: `${folder.path}/cache/${built}` } },
  );
  assertEquals([code, stdout], [0, "worked with the native\n"], stderr);
});

Deno.test("a program is compiled with the library, and runs elsewhere: no home to write to, no compiler", async () => {
  using folder = await project(`${ROOT}mod.ts`);
  using elsewhere = temporaryFolder();
  const each = way("by `deno compile`"), binary = `${elsewhere.path}/program`;
  let isSkipped = false;
  const compileAndRun = async (flags: readonly string[]): Promise<Outcome> => {
    const built = await deno(folder.path, "compile", "--no-check", ...flags, "--output", binary, "main.ts");
    isSkipped = built.code !== 0 && /denort.*\b(error sending request|dns error|timed out)/s.test(built.stderr);
    if (built.code !== 0) return built;
    await Deno.remove(`${folder.path}/main.ts`);
    try {
      return await output(binary, [], {
        cwd: elsewhere.path,
        clearEnv: true,
        env: { HOME: NO_HOME, PATH: elsewhere.path },
      });
    } finally {
      await Deno.writeTextFile(`${folder.path}/main.ts`, PROGRAM(`${ROOT}mod.ts`));
    }
  };
  await compileAndRun(each.flags);
  if (isSkipped) return console.log("skipped: deno compile cannot download denort, and DENORT_BIN names none");
  await assertRunsWith(each, compileAndRun);
});

Deno.test("a copy of the library without its C, with all permissions, no home to write to and no compiler, works", async () => {
  using library = temporaryFolder();
  for (const part of ["src/heap", "src/os", "mod.ts"]) await copy(`${ROOT}${part}`, `${library.path}/${part}`);
  using folder = await project(`${library.path}/mod.ts`);
  const { code, stdout, stderr } = await output(Deno.execPath(), ["run", "-A", "--no-check", "main.ts"], {
    cwd: folder.path,
    clearEnv: true,
    env: { HOME: NO_HOME, PATH: folder.path, DENO_DIR: `${folder.path}/deno` },
  });
  assertEquals([code, stdout], [0, "worked with libc's\n"], stderr);
});
