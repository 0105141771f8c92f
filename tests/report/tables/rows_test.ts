import { assertEquals } from "@std/assert";
import { csvTable, markdownTable } from "../../../src/report/tables/rows.ts";

Deno.test("csvTable() quotes what would be taken apart", () => {
  const rows = [["a,b", 'say "it"', 1.5], ["two\nlines", "", -1]];
  assertEquals(csvTable(["x", "y", "z"], rows), 'x,y,z\n"a,b","say ""it""",1.5\n"two\nlines",,-1\n');
});

Deno.test("markdownTable() escapes bars, keeps a row on its line, and has columns of numbers on the right", () => {
  const rows = [["a|b", 1], ["two\nlines", "-2.5 %"], ["", ""]];
  assertEquals(
    markdownTable(["x", "n"], rows),
    "| x | n |\n| --- | ---: |\n| a\\|b | 1 |\n| two lines | -2.5 % |\n|  |  |\n",
  );
  assertEquals(markdownTable(["x"], []), "| x |\n| --- |\n");
});
