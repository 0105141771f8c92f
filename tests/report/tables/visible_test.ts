/** Names from outside hold codes that terminals obey: nothing that is printed has them, and our own emphasis stays. */
import { assertEquals, assertMatch } from "@std/assert";
import { COLOURS, visible, visibleLine, visibleMarkdown } from "../../../src/report/mod.ts";
import { renderJson } from "../../../src/report/tables/json.ts";
import { failureAnnotation } from "../../../src/report/github.ts";

const TITLE = "\x1b]0;owned\x07", RED = "\x1b[31mred", CURSOR = "\x9b2A\r\b", TURNED = "\u202egnp.exe";

Deno.test("visible() shows what a terminal would obey, and makes our own emphasis real", () => {
  assertEquals(
    visible(`${TITLE} ${RED} ${CURSOR} ${TURNED}`),
    String.raw`\x1b]0;owned\x07 \x1b[31mred \x9b2A\x0d\x08 \u202egnp.exe`,
  );
  assertEquals(visible("two\n\tlines, ▁▂█ and ü"), "two\n\tlines, ▁▂█ and ü");
  assertEquals(visibleLine("two\n\tlines"), String.raw`two\n\tlines`);
  assertEquals(visible(COLOURS.bold(COLOURS.red("x"))), "\x1b[1m\x1b[31mx\x1b[39m\x1b[22m");
  assertEquals(visible(COLOURS.bold(RED)), String.raw`${"\x1b"}[1m\x1b[31mred${"\x1b"}[22m`);
});

Deno.test("a line of a name is no command of GitHub's workflows", () => {
  assertEquals(visible("a\n::error::b\n  ##[group]c\nd::e"), "a\n\\::error::b\n  \\##[group]c\nd::e");
  assertEquals(failureAnnotation(`${RED}\n::stop-commands::x`, "g.json").split("\n").length, 2);
  assertEquals(failureAnnotation(RED, "g.json").includes("\x1b"), false);
});

Deno.test("Markdown of names has no tags and no pictures, and keeps what is compared", () => {
  const safe = visibleMarkdown(`| <img src=x> | ![p](http://x/y) | 1 < 2 | ${RED} |`);
  assertEquals(safe, String.raw`| \<img src=x> | !\[p](http://x/y) | 1 < 2 | \x1b[31mred |`);
});

Deno.test("JSON shows what a terminal would obey, and is the same when it is read", () => {
  const file = { name: `${TITLE}${CURSOR}${TURNED}` }, text = renderJson(file);
  assertMatch(text, /^[\n\x20-\x7e]*$/);
  assertEquals(JSON.parse(text), file);
});
