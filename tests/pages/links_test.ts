/** Pages lead where they say: links, anchors and the paths of files; and the README stays one that is read. */
import { assert, assertEquals } from "@std/assert";
import { type Page, pageOf, PAGES, ROOT } from "./pages.ts";

function isThere(path: string): boolean {
  try {
    Deno.statSync(ROOT + path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The links of a page that lead nowhere in the project. */
function broken({ path, targets }: Page, pages: readonly Page[]): string[] {
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const { pathname, hash } = new URL(target, `file:///${path}`);
    const found = decodeURIComponent(pathname).slice(1);
    if (!isThere(found) && !pages.some((page) => page.path === found)) return true;
    return hash !== "" && !pages.find((page) => page.path === found)?.anchors.has(decodeURIComponent(hash.slice(1)));
  });
}

/** Code of a page that is the path of a file which is not there. */
function missing({ spans }: Page): string[] {
  return spans.filter((span) => /^(src|tests|bench|native)\/[\w.\/-]*$/.test(span) && !isThere(span));
}

for (const page of PAGES) {
  Deno.test(`${page.path}: every link leads to a file or a heading, every path is one`, () => {
    assertEquals(broken(page, PAGES), []);
    assertEquals(missing(page), []);
  });
}

Deno.test("a link or a path that leads nowhere is found", () => {
  const text =
    "# A b\n\n[1](#a-b) [2](#c) [3](../README.md#d) [4](../no.md) [5](x.md#a-b)\n\n`src/no.ts` `src/README.md`\n";
  const page = pageOf("src/x.md", text);
  assertEquals(broken(page, [...PAGES, page]), ["#c", "../README.md#d", "../no.md"]);
  assertEquals(missing(page), ["src/no.ts"]);
});

Deno.test("the README has at most 150 lines, none wider than 120 columns, and says every room's page", () => {
  const readme = PAGES.find(({ path }) => path === "README.md")!;
  const lines = readme.text.trimEnd().split("\n");
  assert(lines.length <= 150, `${lines.length} lines`);
  // A row of a table cannot be broken.
  assertEquals(lines.filter((line) => line.length > 120 && !line.startsWith("|")), []);
  const pages = PAGES.map(({ path }) => path).filter((path) => path.endsWith("README.md") && path !== readme.path);
  assertEquals(pages.filter((path) => !readme.targets.includes(path)), []);
});

Deno.test("CI runs the README's test command, and the package has the pages of the heap", () => {
  const ci = Deno.readTextFileSync(`${ROOT}.ci/test`).trimEnd().split("\n").at(-1)!;
  const command = "npx -y deno@2.9.6 task test";
  const readme = PAGES.find(({ path }) => path === "README.md")!;
  assert(ci.includes(` ${command} `), ci);
  assert(readme.blocks.some(({ language, text }) => language === "sh" && text.split("\n").includes(command)));
  const { publish } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)) as { publish: { include: string[] } };
  const isPublished = (path: string) => publish.include.some((entry) => path === entry || path.startsWith(entry));
  for (const path of ["README.md", "CHANGELOG.md", "src/heap/README.md"]) assert(isPublished(path), path);
});

Deno.test("the decisions name every dependency in its version, and no other", () => {
  const { imports } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)) as { imports: Record<string, string> };
  const packages = Object.values(imports).map((from) => /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([\d.]+)/.exec(from))
    .filter((match) => match !== null).map(([, name, version]) => `\`${name}\` ${version}`);
  const { text } = PAGES.find(({ path }) => path === "src/DECISIONS.md")!;
  const rows = text.slice(text.indexOf("\n## Dependencies")).split("\n").filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((row) => row.split("|")[1]!.match(/`[^`]+` [\d.]+/g)!);
  assertEquals(named.toSorted(), [...new Set(packages)].toSorted());
});
