/**
 * Commands in the pages: there is one of that name, its options are options of it, and its workloads, variants and flags
 * exist. Of those in blocks that are to be typed (`sh`) the ones that take seconds are run as they stand, one after the
 * other; those that measure for minutes are run, shorter, by the tests of their command. What a command printed stands in
 * blocks without a language, in a page that says when it did.
 */
import { assert, assertEquals } from "@std/assert";
import { parse as parseYaml } from "deno-std/yaml/parse.js";
import { FLAGS, VARIANTS } from "../../src/heap/mod.ts";
import { WORKLOADS } from "../../src/workloads/mod.ts";
import { FOLDER, outcome } from "../cli/helpers.ts";
import { type Page, pageOf, PAGES, ROOT } from "./pages.ts";

/** The long options of each command, `trace info` among them, from what it tells the shell fish. */
async function optionsByCommand(): Promise<Map<string, Set<string>>> {
  const { code, stdout } = await lab(["completion", "fish"]);
  assertEquals(code, 0);
  const options = new Map<string, Set<string>>();
  for (const [, name] of stdout.matchAll(/-n __fish_use_subcommand -a ([\w-]+)/g)) options.set(name!, new Set());
  for (const [line, name, inner] of stdout.matchAll(OF_COMMAND)) {
    const typed = inner === undefined ? name! : `${name} ${inner}`;
    if (!options.has(typed)) options.set(typed, new Set());
    for (const [, long] of line.matchAll(/ -l ([\w-]+)/g)) options.get(typed)!.add(`--${long}`);
  }
  return options;
}

/** A line of an option of a command, or of one of a command's own. */
const OF_COMMAND = /-n '__fish_seen_subcommand_from ([\w-]+)(?:; and __fish_seen_subcommand_from ([\w-]+))?'.*/g;

async function lab(args: readonly string[], cwd = FOLDER) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-P", "--config", `${ROOT}deno.json`, `${ROOT}cli.ts`, ...args],
    cwd,
    stdin: "null",
  });
  return outcome(await command.output());
}

/** The words of a line as a shell has them. */
function wordsOf(line: string): string[] {
  return [...line.replace(/(^|\s)#.*$/, "").matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) =>
    match[1] ?? match[2] ?? match[3]!
  );
}

const OPTIONS = await optionsByCommand();
const { tasks } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)) as { tasks: Record<string, string> };

/** The arguments of our own command line in a line, if it is one. */
function labWords(line: string): string[] | undefined {
  const words = wordsOf(line.replace(/^\$ /, "").replace(/^npx -y deno@\S+ /, "deno "));
  if (words.slice(0, 4).join(" ") === "deno run -P cli.ts") return words.slice(4);
  // In text the name of a command and what it is given; a name alone says too little to be told from a word.
  return OPTIONS.has(words[0] ?? "") && words.length > 1 && !/[,;:]$/.test(words[0]!) ? words : undefined;
}

/** What is wrong with a line that is a command; undefined if nothing is, or it is not one. */
function wrong(line: string): string | undefined {
  const words = labWords(line);
  if (words === undefined) {
    const [program, verb, ...rest] = wordsOf(line.replace(/^npx -y deno@\S+ /, "deno "));
    if (program !== "deno") return undefined;
    if (verb === "task") return rest[0]! in tasks ? undefined : `${line}: no such task`;
    const file = rest.find((word) => word.endsWith(".ts"));
    if (file === undefined || !file.includes("/")) return undefined; // a program of the reader's
    try {
      Deno.statSync(ROOT + file);
      return undefined;
    } catch {
      return `${line}: no such file`;
    }
  }
  const [first = "", second = ""] = words;
  const name = OPTIONS.has(`${first} ${second}`) ? `${first} ${second}` : first,
    rest = words.slice(name.split(" ").length);
  const options = OPTIONS.get(name);
  if (options === undefined) return `${line}: no command ${name}`;
  const own = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  const unknown = own.find((word) => /^--[a-z]/.test(word) && word !== "--help" && !options.has(word.split("=")[0]!));
  if (unknown !== undefined) return `${line}: ${name} has no option ${unknown}`;
  const isPlaceholder = (word: string) => /^[A-Z]+$/.test(word);
  for (const [at, word] of own.entries()) {
    const isWorkload = own[at - 1] === "--workload" || (name === "bench" && at === 0 && !word.startsWith("-"));
    if (isWorkload && !isPlaceholder(word) && !WORKLOADS.has(word)) return `${line}: no workload ${word}`;
    if (own[at - 1] !== "--variant") continue;
    for (const item of word.split(",")) {
      if (!(item in VARIANTS) && !(item.split("=")[0]! in FLAGS)) return `${line}: no variant or flag ${item}`;
    }
  }
  return undefined;
}

for (const { path, spans, blocks } of PAGES) {
  Deno.test(`${path}: commands, their options, workloads and variants exist`, () => {
    const lines = blocks.flatMap(({ language, text }) =>
      language === "sh" ? text.split("\n") : text.split("\n").filter((line) => line.startsWith("$ "))
    );
    assertEquals([...spans, ...lines].map(wrong).filter((line) => line !== undefined), []);
    const all = [...OPTIONS.values()].reduce((sum, options) => sum.union(options), new Set<string>());
    const lonely = spans.filter((span) => /^--[a-z]/.test(span)).map((span) => /^--[\w-]+/.exec(span)![0]);
    assertEquals(lonely.filter((option) => !all.has(option) && !/^--(allow-|help|version)/.test(option)), []);
  });
}

/** A workflow of GitHub Actions, as far as it is looked at. */
interface Workflow {
  readonly on: unknown;
  readonly jobs: Readonly<Record<string, { "runs-on": string; steps: readonly { uses?: string; run?: string }[] }>>;
}

Deno.test("workflows of the pages are YAML, each step uses or runs something, and what it runs exists", () => {
  const workflows = PAGES.flatMap(({ blocks }) => blocks).filter(({ language }) => language === "yaml")
    .map(({ text }) => parseYaml(text) as Workflow);
  assert(workflows.length > 0);
  for (const { on, jobs } of workflows) {
    assert(on !== undefined);
    for (const { steps, ...job } of Object.values(jobs)) {
      assert(job["runs-on"].length > 0 && steps.length > 0);
      for (const { uses, run } of steps) {
        assertEquals([uses, run].filter((each) => each !== undefined).length, 1);
        assert(uses === undefined || /^[\w.-]+\/[\w.-]+@v\d+$/.test(uses), uses);
        assertEquals((run ?? "").split("\n").map(wrong).filter((line) => line !== undefined), []);
      }
    }
  }
});

/** First lines of what commands printed, in sections that do not say when, of a page that does not say so at its top. */
function undated({ text, blocks }: Page): string[] {
  const isDated = (text: string) => /\b20\d\d-\d\d-\d\d\b/.test(text);
  if (isDated(text.split("\n## ")[0]!)) return [];
  return blocks.filter(({ language, section }) => language === "" && !isDated(section))
    .map(({ text }) => text.split("\n")[0]!)
    .filter((line) => !/^ *(NULL|src\/)/.test(line)); // a picture in letters, or a map of folders, is of no day
}

Deno.test("what commands printed has a date", () => {
  assertEquals(PAGES.flatMap(undated), []);
  const page = "# A\n\n## B\n\n2026-11-27\n\n```\n1 ns\n```\n\n## C\n\n```\n2 ns\n```\n";
  assertEquals(undated(pageOf("x.md", page)), ["2 ns"]);
});

Deno.test("a command that is wrong is found", () => {
  const lines = ["bench larso --quick", "deno run -P cli.ts benc", "`", "compare a b --peers x", "deno task tset"];
  lines.push(
    "deno run -P bench/no.ts",
    "bench --variant phase8",
    "replay x.trace --quick",
    "gate FILE",
    "trace info x.trace --json x.json",
    "trace info x.trace --at 5",
    "$ deno run -P cli.ts nope",
  );
  assertEquals(lines.map(wrong).filter((line) => line !== undefined), [
    "bench larso --quick: no workload larso",
    "deno run -P cli.ts benc: no command benc",
    "compare a b --peers x: compare has no option --peers",
    "deno task tset: no such task",
    "deno run -P bench/no.ts: no such file",
    "bench --variant phase8: no variant or flag phase8",
    "trace info x.trace --at 5: trace info has no option --at",
    "$ deno run -P cli.ts nope: no command nope",
  ]);
  assertEquals(pageOf("x.md", "```sh\na\n```\n\n`b\nc`\n").spans, ["b c"]);
});

/** Commands that measure for minutes, and the test that runs them for seconds. */
const TESTED: Record<string, string> = {
  bench: "tests/cli/commands/bench_test.ts",
  compare: "tests/cli/commands/compare_test.ts",
  explain: "tests/cli/commands/compare_test.ts",
  history: "tests/cli/commands/history_test.ts",
};

Deno.test({
  name: "the commands of the pages do what they say",
  ignore: Deno.build.os !== "linux", // record works by LD_PRELOAD
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
    try {
      for (
        const line of PAGES.flatMap(({ blocks }) => blocks).filter(({ language }) => language === "sh")
          .flatMap(({ text }) => text.split("\n"))
      ) {
        const words = labWords(line);
        if (words === undefined) continue;
        const test = TESTED[words[0]!];
        if (test !== undefined) {
          const text = await Deno.readTextFile(ROOT + test);
          assert(text.includes(`["${words[0]}"`), `${test} does not run ${words[0]}`);
          continue;
        }
        // Quick, and without peers that need not be here.
        const short = words[0] === "replay" ? ["--quick", "--peer", "system"] : [];
        const { code, stderr } = await lab([...words, ...short], folder);
        assertEquals([line, code], [line, 0], stderr);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
