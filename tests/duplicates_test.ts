/**
 * No two places in the source share ten lines or more: what is the same stands once. What does not count: blank lines,
 * imports, and lines that are one name, which the formatter makes of lists of arguments that are too long for a line.
 * `src/heap/hot/default.ts` is generated from the template beside it, and so it repeats it.
 */
import { assertEquals } from "@std/assert";
import { SOURCES, type Sources } from "./sources.ts";

/** Equal lines that are too many. */
const MOST = 10;
const GENERATED = "src/heap/hot/default.ts";

/** A line that counts, and where it is: `src/mod.ts:12`. */
interface Line {
  readonly text: string;
  readonly at: string;
}

/** The lines of a file that count. */
function linesOf(path: string, text: string): Line[] {
  const blanked = text.replaceAll(
    /^(import|export)\b[^;]*?\bfrom "[^"]*"(?: with \{[^}]*\})?;$/gm,
    (statement) => statement.replaceAll(/[^\n]/g, ""),
  );
  return blanked.split("\n").map((line, index) => ({ text: line.trim(), at: `${path}:${index + 1}` }))
    .filter(({ text }) => text !== "" && !/^[\w.]+,?$/.test(text));
}

/** Each pair of places that share too many lines: where both begin, and how many lines they share. */
function duplicates(files: Sources): string[] {
  const all = [...files].map(([path, text]) => linesOf(path, text));
  const first = new Map<string, { lines: Line[]; index: number }>(); // by so many lines, where they were first seen
  const found: string[] = [];
  for (const lines of all) {
    for (let index = 0; index + MOST <= lines.length; index++) {
      const key = lines.slice(index, index + MOST).map(({ text }) => text).join("\n");
      const other = first.get(key);
      if (other === undefined) {
        first.set(key, { lines, index });
        continue;
      }
      let length = MOST;
      while (
        index + length < lines.length && other.index + length < other.lines.length &&
        lines[index + length]!.text === other.lines[other.index + length]!.text
      ) length++;
      found.push(`${other.lines[other.index]!.at} and ${lines[index]!.at}: ${length} lines`);
      index += length - MOST; // what is left of the run is not another pair
    }
  }
  return found;
}

Deno.test("no two places in the source share ten lines", () => {
  const found = duplicates(new Map([...SOURCES].filter(([path]) => path !== GENERATED)));
  assertEquals(found, []);
});

Deno.test("lines that stand twice are found: in two files, and in one", () => {
  const lines = (name: string, count: number) => Array.from({ length: count }, (_, line) => `${name}(${line});\n`);
  const block = lines("same", MOST);
  const one = ['import { a } from "./a.ts";\n', "\n", ...block].join(""), other = ["only();\n", ...block].join("  ");
  assertEquals(duplicates(new Map([["one.ts", one], ["other.ts", other]])), ["one.ts:3 and other.ts:2: 10 lines"]);
  const twice = [...lines("same", 12), "between();\n", ...lines("same", 12)].join("");
  assertEquals(duplicates(new Map([["twice.ts", twice]])), ["twice.ts:1 and twice.ts:14: 12 lines"]);
});

Deno.test("nine lines, imports and lists of names may stand twice", () => {
  const nine = Array.from({ length: MOST - 1 }, (_, line) => `nine(${line});\n`).join("");
  const imports = Array.from({ length: MOST }, (_, line) => `import {\n  a${line},\n} from "./a.ts";\n`).join("");
  const names = `call(\n${Array.from({ length: MOST }, (_, line) => `  name${line},\n`).join("")}`;
  const file = (name: string, text: string) => `${text}${name}();\n`;
  for (const text of [nine, imports, names]) {
    assertEquals(duplicates(new Map([["one.ts", file("one", text)], ["other.ts", file("other", text)]])), []);
  }
});
