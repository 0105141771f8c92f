import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { renderJson } from "../../../src/report/mod.ts";
import { compareFixture } from "../../report/compare_fixture.ts";
import { explainFixture } from "../../report/explain_fixture.ts";
import { fixture } from "../../report/fixture.ts";
import { cli } from "../helpers.ts";

/** Runs a test in a folder with the three files. */
async function withFiles(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/bench.json`, renderJson(fixture()));
    await Deno.writeTextFile(`${folder}/compare.json`, renderJson(compareFixture()));
    await Deno.writeTextFile(`${folder}/explain.json`, renderJson(explainFixture()));
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("report writes one page and says in a line where it is and what is in it", async () => {
  await withFiles(async (folder) => {
    const files = ["bench", "compare", "explain"].map((name) => `${folder}/${name}.json`);
    const { code, stdout, stderr } = await cli(["report", ...files, "-o", `${folder}/page.html`]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(
      stdout,
      `${folder}/page.html: ${files[0]} (hakmem.results/1, 7 sections), ` +
        `${files[1]} (hakmem.compare/1, 7 sections), ${files[2]} (hakmem.explain/1, 12 sections)\n`,
    );
    const page = await Deno.readTextFile(`${folder}/page.html`);
    assertMatch(page, /^<!doctype html>/i);
    assertEquals(page.match(/<article /g)?.length, 3);
  });
});

Deno.test("report -o - prints the page to stdout, and --json what is in it", async () => {
  await withFiles(async (folder) => {
    const json = `${folder}/parts.json`;
    const { code, stdout, stderr } = await cli(["report", `${folder}/bench.json`, "-o", "-", "--json", json]);
    assertEquals(code, 0);
    assertMatch(stdout, /^<!doctype html>[^]*<\/html>\n?$/i);
    assertMatch(stderr, /^stdout: .*bench.json \(hakmem.results\/1, 7 sections\)\n$/);
    const { schema, parts } = JSON.parse(await Deno.readTextFile(json));
    assertEquals([schema, parts.length, parts[0].sections[0]], ["hakmem.report/1", 1, "Throughput by size"]);
  });
});

Deno.test("report --open shows the page with what the system has for that", async () => {
  await withFiles(async (folder) => {
    const page = `${folder}/page.html`;
    const opener = Deno.build.os === "darwin" ? "open" : "xdg-open";
    await Deno.writeTextFile(`${folder}/${opener}`, `#!/bin/sh\necho "$1" > '${folder}/opened'\n`, { mode: 0o755 });
    const PATH = `${folder}:${Deno.env.get("PATH")}`;
    const { code } = await cli(["report", `${folder}/bench.json`, "-o", page, "--open"], { PATH });
    assertEquals([code, await Deno.readTextFile(`${folder}/opened`)], [0, `${page}\n`]);
  });
});

Deno.test("report --open says so where there is nothing to open it with; the page is written all the same", async () => {
  await withFiles(async (folder) => {
    const page = `${folder}/page.html`;
    const { code, stderr } = await cli(["report", `${folder}/bench.json`, "-o", page, "--open"], { PATH: folder });
    assertEquals(code, 0);
    assertStringIncludes(stderr, `is not installed, so --open cannot show the page: open ${page} in a browser`);
    assert((await Deno.stat(page)).size > 10_000);
  });
});

Deno.test("report refuses what it cannot show with exit code 3, and leaves no page behind", async (t) => {
  await withFiles(async (folder) => {
    await Deno.writeTextFile(`${folder}/text.json`, "no JSON");
    await Deno.writeTextFile(`${folder}/stress.json`, renderJson({ schema: "hakmem.stress/1" }));
    await Deno.writeTextFile(`${folder}/wrong.json`, renderJson({ ...compareFixture(), level: "high" }));
    const page = `${folder}/page.html`, bench = `${folder}/bench.json`;
    const cases: [args: string[], says: RegExp][] = [
      [[], /missing required argument 'results'/],
      [["no-such-file.json"], /no-such-file.json cannot be read: No such file/],
      [[bench, `${folder}/text.json`], /text.json is not JSON/],
      [[`${folder}/stress.json`], /stress.json has the schema hakmem.stress\/1: a report is made of hakmem.results\/1/],
      [[bench, `${folder}/wrong.json`], /wrong.json: field level: /],
      [["/dev/zero"], /^error: \/dev\/zero is longer than 64 MiB, which no result file is\n$/],
      [[bench, "-o", bench], /bench.json would be overwritten by what is made of it/],
      [[bench, "-o", "-", "--open"], /--open needs a file/],
      [[bench, "-o", "-", "--json", "-"], /--output and --json cannot all be -/],
      [[bench, "-o", "/no/such/folder/page.html"], /--output .* cannot be written/],
    ];
    for (const [args, says] of cases) {
      await t.step(says.source, async () => {
        const hasOutput = args.includes("-o");
        const { code, stdout, stderr } = await cli(["report", ...args, ...(hasOutput ? [] : ["-o", page])]);
        assertMatch(stderr, says);
        assertEquals([code, stdout], [3, ""]);
        assertEquals(stderr.includes("    at "), false, `a stack is not a message: ${stderr}`);
        assertEquals(await Deno.stat(page).catch(() => undefined), undefined);
      });
    }
    assertEquals(await Deno.readTextFile(bench), renderJson(fixture()));
  });
});

Deno.test("report --help has an example", async () => {
  const { code, stdout } = await cli(["report", "--help"]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "deno run -P cli.ts report bench.json");
});

Deno.test("the command line starts without its commands, and all commands without the library that draws", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", "src/cli/main.ts"] }).output();
  const { roots, modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    roots: string[];
    modules: { specifier: string; dependencies?: Dependency[] }[];
  };
  /** What is loaded at the start, where a command is that is asked for. */
  const loadedWith = (isAsked: (specifier: string) => boolean): (string | undefined)[] => {
    const loaded = new Set(roots);
    for (const specifier of loaded) {
      const { dependencies = [] } = modules.find((module) => module.specifier === specifier) ?? {};
      for (const { code, isDynamic } of dependencies) {
        if (code !== undefined && (isDynamic !== true || isAsked(code.specifier))) loaded.add(code.specifier);
      }
    }
    return [...loaded].map((specifier) => specifier.split("/src/").at(-1));
  };
  const isCommand = (name: string | undefined): boolean => /cli\/(commands|completion)\//.test(name ?? "");
  assertEquals(loadedWith(() => false).filter(isCommand), []);
  const names = loadedWith(isCommand);
  assert(names.includes("cli/commands/report.ts") && names.includes("report/mod.ts"), names.join("\n"));
  assertEquals(names.filter((name) => /report\/html|plot|linkedom/.test(name ?? "")), []);
});

interface Dependency {
  readonly code?: { readonly specifier: string };
  readonly isDynamic?: boolean;
}
