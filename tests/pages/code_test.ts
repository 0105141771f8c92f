/**
 * TypeScript in the pages is programs that type-check and run; a block `text` behind one is what it prints. A block whose
 * first line is the name of a file, such as `// worker.ts`, belongs to the program whose `main.ts` follows. Programs import
 * the library as users do: by its name, or from a clone beside them. Of those with one file the ones marked `ignore` are not
 * run: they need what need not be here.
 */
import { assertEquals } from "@std/assert";
import { type CodeBlock, PAGES, ROOT } from "./pages.ts";

/** A program of a page. */
interface Program {
  readonly name: string;
  /** By their names; `main.ts` is run. */
  readonly files: ReadonlyMap<string, string>;
  readonly isRun: boolean;
  /** What it prints; absent where the page does not say. */
  readonly prints?: string;
}

function programsOf(path: string, blocks: readonly CodeBlock[]): Program[] {
  const programs: Program[] = [];
  let files = new Map<string, string>();
  for (const [at, { language, attributes, text }] of blocks.entries()) {
    if (language !== "ts") continue;
    const name = /^\/\/ (\w+\.ts)\n/.exec(text)?.[1] ?? "main.ts";
    files.set(name, text);
    if (name !== "main.ts") continue;
    const next = blocks[at + 1];
    const prints = next?.language === "text" ? { prints: `${next.text}\n` } : {};
    const isRun = files.size > 1 || !attributes.includes("ignore");
    programs.push({ name: `${path.replaceAll("/", "_")}_${programs.length}`, files, isRun, ...prints });
    files = new Map();
  }
  return programs;
}

const PROGRAMS = PAGES.flatMap(({ path, blocks }) => programsOf(path, blocks));

async function deno(args: readonly string[], cwd: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = await new Deno.Command(Deno.execPath(), { args: [...args], cwd, env: { NO_COLOR: "1" } }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code: output.code, stdout: stdout!, stderr: stderr! };
}

Deno.test("TypeScript in the pages type-checks, runs, and prints what they say", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    const library = new URL("../../mod.ts", import.meta.url).href;
    const { compilerOptions } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
    const imports = {
      "@hakmem/hakmem": library,
      "@std/assert": new URL("../../src/std/assert.ts", import.meta.url).href,
      "deno-std/": "npm:/deno-std@1.4.0/",
    };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports, compilerOptions }));
    const paths: string[] = [];
    for (const { name, files } of PROGRAMS) {
      await Deno.mkdir(`${folder}/${name}/hakmem`, { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}/hakmem/mod.ts`, `export * from "${library}";\n`);
      for (const [file, text] of files) {
        paths.push(`${name}/${file}`);
        await Deno.writeTextFile(`${folder}/${name}/${file}`, text);
      }
    }
    // Apart from the others: the types that a Worker's file asks for would be there for all.
    const { workers = [], others = [] } = Object.groupBy(
      paths,
      (path) => Deno.readTextFileSync(`${folder}/${path}`).includes('<reference lib="') ? "workers" : "others",
    );
    for (const group of [workers, others]) {
      const { code, stderr } = await deno(["check", "--quiet", "--no-lock", ...group], folder);
      assertEquals([code, stderr], [0, ""]);
    }
    for (const { name, prints } of PROGRAMS.filter(({ isRun }) => isRun)) {
      const { code, stdout, stderr } = await deno(
        ["run", "--quiet", "--no-prompt", "--no-check", "--no-lock", "--allow-ffi", "--allow-read", `${name}/main.ts`],
        folder,
      );
      assertEquals([name, code], [name, 0], stderr);
      if (prints !== undefined) assertEquals(stdout, prints, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the pages' programs are found: the README's, and the heap's with two files", () => {
  const of = (page: string) =>
    PROGRAMS.filter(({ name }) => name.startsWith(page)).map(({ files }) => [...files.keys()]);
  assertEquals(of("README.md"), [["main.ts"]]);
  assertEquals(of("src_heap_README.md"), [["main.ts"], ["worker.ts", "main.ts"], ["main.ts"], ["main.ts"], [
    "main.ts",
  ]]);
});
