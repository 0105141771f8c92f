import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PEERS } from "../../../src/peers/mod.ts";
import { cli } from "../helpers.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

async function script(shell: string): Promise<string> {
  const { code, stdout, stderr } = await cli(["completion", shell]);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** Runs a shell on a text; undefined where there is none. */
async function run(shell: string, args: string[], input: string): Promise<string | undefined> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, input);
    const { success, stdout, stderr } = await new Deno.Command(shell, { args: [...args, path] }).output();
    const decoder = new TextDecoder();
    assert(success, decoder.decode(stderr));
    return decoder.decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  } finally {
    await Deno.remove(path);
  }
}

/** Command lines as bash splits them, the last word being completed, and what some, all or none of the answers are. */
const CASES: readonly [words: string[], offers: string[], isAll: boolean][] = [
  [["co"], ["compare", "completion"], true],
  [["gat"], ["gate"], true],
  [[""], ["bench", "gate", "stress", "help"], false],
  [["bench", "--wo"], ["--workload", "--working-set"], true],
  [["bench", "la"], ["larson"], true],
  [["bench", "--rounds", "6", "la"], ["larson"], true],
  [["bench", "larson", ""], [], true],
  [["bench", "--rounds", ""], [], true],
  [["bench", "--quick", "hot"], ["hot-pair"], true],
  [["bench", "--peer", "sy"], ["system"], true],
  [["bench", "--peer", "="], PEERS.map(({ name }) => name), true],
  [["bench", "--peer", "=", "sy"], ["system"], true],
  [["bench", "--peer", "=", "system", "hot"], ["hot-pair"], true],
  [["bench", "--peer", "system,f"], ["system,ffi"], true],
  [["bench", "--variant", "slab-map,refill", "=", "32", "hot"], ["hot-pair"], true],
  [["bench", "--size", "1"], ["16", "128", "1024"], true],
  [["bench", "--size", "128,2"], ["128,256", "128,2048"], true],
  [["bench", "--variant", "slab-map,lin"], ["slab-map,links=0", "slab-map,links=1"], true],
  [["bench", "--variant", "slab-map,e3-1"], ["slab-map,e3-1"], true],
  [["bench", "--variant", "slab-map,cap"], ["slab-map,capacity="], true],
  [["compare", "slab-map", "slab-map,lin"], ["slab-map,links=0", "slab-map,links=1"], true],
  [["flags", "slab-map,e3"], [], true], // one variant, and its flags
  [["stress", "--scenario", "mix,su"], ["mix,succession"], true],
  [["stress", "--scenario", "dam"], ["damage"], true],
  [["compare", "--save-baseline", "e"], [], true],
  [["record", "--", "deno-that-is-not-there"], [], true],
  [["record", "--", "bas"], ["bash", "basename"], false],
  [["record", "--", "ls", "-"], [], true], // its own options, which nobody knows
  [["record", "--no-grow", "--", "bas"], ["bash"], false],
  [["compare", "e3-1", "sl"], ["slab-map"], true],
  [["compare", "e3-1", "sys"], ["system"], true],
  [["flags", "--build", "d"], ["debug"], true],
  [["gate", "be"], [], true], // readline has the files
  [["bench", "--json", "de"], [], true],
  [["record", "--o"], ["--output"], true],
  [["completion", "b"], ["bash"], true],
  [["help", "gat"], ["gate"], true],
  [["trace", "in"], ["info"], true],
  [["trace", "c"], ["convert", "cut"], true],
  [["trace", "convert", "--to", "an"], ["android"], true],
  [["trace", "cut", "--to", "an"], [], true],
  [["trace", "--he"], ["--help"], true],
  [["trace", "info", "--js"], ["--json"], true],
  [["trace", "info", "info"], [], true], // a file
  [["trace", "info", "--json", "x", "info"], [], true],
  [["bench", "info", ""], [], true],
  [["nothing", ""], [], true],
];

Deno.test("completion bash completes commands, options, and values at their places", async () => {
  const lines = CASES.map(([words]) => {
    const quoted = ["hakmem", ...words].map((word) => `'${word}'`).join(" ");
    return `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _hakmem; echo "\${COMPREPLY[*]}"`;
  });
  const output = await run(
    "bash",
    ["--norc"],
    `set -u\n${await script("bash")}\n${lines.join("\n")}\ncomplete -p hakmem`,
  );
  assert(output !== undefined, "bash is missing");
  const answers = output.trimEnd().split("\n");
  assertEquals(answers.pop(), "complete -o default -F _hakmem hakmem");
  for (const [index, [words, offers, isAll]] of CASES.entries()) {
    const found = answers[index]!.split(" ").filter((word) => word !== "");
    if (isAll) assertEquals(found, offers, words.join(" "));
    else for (const offer of offers) assert(found.includes(offer), `${words.join(" ")}: ${found}`);
  }
});

Deno.test("completion bash has the baselines that are there when it is asked", async () => {
  const text = await script("bash");
  const folder = await Deno.makeTempDir();
  try {
    const moved = text.replace(/name \S*bench\/baselines/, `name ${folder}`);
    const asked = 'COMP_WORDS=(hakmem compare --baseline r); COMP_CWORD=3; _hakmem; echo "${COMPREPLY[*]}"';
    await Deno.writeTextFile(`${folder}/release-1.json`, "");
    await Deno.writeTextFile(`${folder}/other.json`, "");
    assertEquals(await run("bash", ["--norc"], `set -u\n${moved}\n${asked}\n`), "release-1\n");
    await Deno.remove(`${folder}/release-1.json`);
    await Deno.remove(`${folder}/other.json`);
    assertEquals(await run("bash", ["--norc"], `set -u\n${moved}\n${asked}\n`), "\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("completion prints scripts that their shells accept", async () => {
  for (const [shell, check] of [["bash", "-n"], ["zsh", "-n"], ["fish", "--no-execute"]] as const) {
    const output = await run(shell, [check], await script(shell));
    if (output === undefined) console.error(`there is no ${shell}: its script is not tried`);
    else assertEquals(output, "");
  }
});

Deno.test("completion fish completes commands, options, values and lists", async () => {
  const lines = [
    "hakmem co",
    "hakmem bench --wo",
    "hakmem bench --peer system,f",
    "hakmem bench hot",
    "hakmem bench --variant slab-map,lin",
    "hakmem trace inf",
    "hakmem trace info --cs",
  ];
  const asked = lines.map((line) => `complete -C '${line}' | string split -f 1 \\t | string join ' '`).join("\n");
  const output = await run("fish", ["--no-config"], `${await script("fish")}\n${asked}\n`);
  if (output === undefined) return console.error("there is no fish: its script is not run");
  assertEquals(
    output,
    "compare completion\n--workload --working-set\nsystem,ffi\nhot-pair\nslab-map,links=0 slab-map,links=1\ninfo\n--csv\n",
  );
});

Deno.test("completion has every command and option that --help has, in each shell", async () => {
  const { stdout } = await cli(["--help"]);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?: \[options\]| )/gm)].map(([, name]) => name!);
  assert(commands.includes("bench") && commands.includes("gate"), commands.join());
  for (const shell of SHELLS) {
    const text = await script(shell);
    for (const command of commands) assertStringIncludes(text, command);
    for (const option of ["working-set", "markdown", "save-baseline"]) assertStringIncludes(text, option);
  }
});

Deno.test("completion --help says how to make the command that is completed, and others are refused", async () => {
  const help = await cli(["completion", "--help"]);
  assertEquals(help.code, 0);
  assertMatch(help.stdout, /^ {2}hakmem\(\) \{ deno run -P --config='.*deno\.json' '.*cli\.ts' "\$@"; \}$/m);
  const none = await cli(["completion", "tcsh"]);
  assertEquals([none.code, none.stdout], [3, ""]);
  assertMatch(none.stderr, /bash, zsh, fish/);
});

Deno.test("completion offers files for every one of the results that report takes", async () => {
  assertMatch(await script("zsh"), /^ {8}report\)$[^;]*'\*:file:_files'$/m);
  assertMatch(await script("fish"), /__fish_seen_subcommand_from report' -F$/m);
});
