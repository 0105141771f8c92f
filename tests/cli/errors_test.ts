import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cli } from "./helpers.ts";

/** Wrong command lines, and what the message must say is allowed. */
const WRONG: readonly [args: string[], says: RegExp][] = [
  [["bench", "--size", "100"], /--size 100 is not allowed: .*power of two from 16 to 4096/],
  [["bench", "--size", "8192"], /from 16 to 4096/],
  [["bench", "--size", "a,b"], /--size a,b is not allowed: whole numbers separated by commas/],
  [["bench", "--size", ""], /--size .*whole numbers separated by commas/],
  [["bench", "--cycles", "0"], /--cycles 0 is not allowed: a whole number from 1 to/],
  [["bench", "--cycles", "1e6"], /--cycles 1e6 is not allowed: a whole number/],
  [["bench", "--working-set", "1000"], /--working-set 1000 is not allowed: .*power of two from 64 to 1048576/],
  [["bench", "--seed", "0"], /--seed 0 is not allowed: a whole number from 1 to 4294967295/],
  [["bench", "--threads", "0"], /--threads 0 is not allowed: whole numbers from 1 to 64, .* such as 1,2,4/],
  [["bench", "--threads", "2,65"], /--threads 2,65 is not allowed: whole numbers from 1 to 64/],
  [["bench", "--threads", "two"], /--threads two is not allowed: whole numbers from 1 to 64/],
  [
    ["bench", "xmalloc-test", "--threads", "2,3"],
    /--threads 3 is not allowed in xmalloc-test: as many producers as consumers, a power of two to 64/,
  ],
  [["bench", "--own-heaps"], /--own-heaps is a heap for each of several threads: --threads 2/],
  [["bench", "larson", "--threads", "2", "--own-heaps"], /--own-heaps means nothing to larson: .* frees what another/],
  [["compare", "slab-map", "box", "--trace", "x.rep", "--working-set", "64"], /--working-set means nothing to a trace/],
  [["explain", "slab-map", "box", "--trace", "x.rep", "--workload", "larson"], /--workload means nothing to a trace/],
  [["explain", "slab-map", "box", "--threads", "2"], /unknown option '--threads'/],
  [["compare", "slab-map", "box", "--threads", "1,2"], /--threads 1,2 is not allowed: a whole number from 1 to 64/],
  [
    ["compare", "slab-map", "box", "--threads", "3", "--workload", "xmalloc-test"],
    /--threads 3 is not allowed in xmalloc-/,
  ],
  [["micro", "--threads", "2"], /unknown option '--threads'/],
  [["bench", "--rounds", "5"], /--rounds 5 is not allowed: a whole number from 6 to 1000/],
  [
    ["bench", "--peer", "tcmalloc2"],
    /--peer tcmalloc2 does not exist: system, mimalloc, .*uint8array, or the path of a shared library \(\.\/lib\.so\)/,
  ],
  [["bench", "--variant", "nothing"], /no variant "nothing".*slab-map/],
  [["bench", "--variant", "slab-map,colour=red"], /colour/],
  [["bench", "--variant", ""], /--variant/],
  [["bench", "sorting"], /workload sorting does not exist; choose one of: random-mixed, hot-pair, larson/],
  [
    ["bench", "--workload", "sorting"],
    /--workload sorting does not exist; choose one of: random-mixed, hot-pair, larson/,
  ],
  [["bench", "larson", "--workload", "hot-pair"], /larson and --workload hot-pair/],
  [["bench", "larson", "--size", "128"], /--size means nothing to larson, which has --min, --max/],
  [["bench", "larson", "--min", "9", "--max", "9"], /--max 9 is exclusive: it must be greater than --min 9/],
  [["bench", "--chunks", "9"], /--chunks means nothing to random-mixed/],
  [["bench", "--seconds", "9"], /--seconds means nothing to random-mixed, only to larson/],
  [["bench", "--expect", "fast"], /--expect fast is not a ratio to system: write '\+20%', 1\.2 or 1\.2x/],
  [["bench", "--expect", "1.2", "--peer", "ffi"], /--peer must contain system/],
  [["bench", "--json", "-", "--csv", "-"], /--json and --csv cannot all be - \(stdout\)/],
  [
    ["bench", "--json", "/no/such/folder/x.json"],
    /--json \/no\/such\/folder\/x.json cannot be written: .*folder must exist/,
  ],
  [["bench", "--markdown", "/"], /--markdown \/ cannot be written/],
  [["bench", "--fast"], /unknown option '--fast'/],
  [["bench", "--rounds"], /option '--rounds <n>' argument missing/],
  [["bench", "hot-pair", "larson"], /too many arguments/],
  [["dance"], /unknown command 'dance'.*\n.*--help lists the commands/],
  [["flags", "nothing"], /no variant "nothing".*slab-map/],
  [["flags", "slab-map,colour=red"], /no flag "colour".*header/],
  [["flags", "slab-map", "phase7,header=wide"], /flag header takes byte or none, not "wide"/],
  [["flags", "--build", "fast"], /--build fast does not exist; choose one of: release, debug/],
  [["flags", "a", "b", "c"], /too many arguments/],
  [["flags", "--json", "/no/such/folder/x.json"], /--json .* cannot be written/],
  [["replay"], /missing required argument 'trace'.*\n.*deno run -P cli.ts replay --help/],
  [["replay", "/no/such/trace"], /\/no\/such\/trace: No such file/],
  [["replay", "x", "--threads", "17"], /--threads 17 is not allowed: a whole number from 1 to 16/],
  [["replay", "x", "--rounds", "5"], /--rounds 5 is not allowed/],
  [["replay", "deno.json"], /deno.json: line 1: not a trace of a format that is known/],
  [["trace", "dance", "x"], /trace dance does not exist; choose one of: info, flame, convert, cut, anonymise/],
  [["trace", "convert", "x"], /required option '-o, --output <file>' not specified/],
  [
    ["trace", "convert", "x", "-o", "y", "--to", "pdf"],
    /'pdf' is invalid. Allowed choices are hakmem, android, chrome/,
  ],
  [["trace", "convert", "deno.json", "-o", "/no/such/folder/x"], /--output .* cannot be written: .*folder must exist/],
  [["trace", "convert", "x", "-o", "-", "--json", "-"], /--output and --json cannot all be - \(stdout\)/],
  [["trace", "cut", "x", "-o", "y", "--from", "101%"], /--from 101% is not allowed: the number of an event/],
  [["trace", "cut", "x", "-o", "y", "--to", "end"], /--to end is not allowed: .* 0% to 100%/],
  [["trace", "info"], /missing required argument 'trace'.*\n.*deno run -P cli.ts trace info --help/],
  [["trace", "info", "deno.json", "--json", "/no/such/folder/x.json"], /--json .* cannot be written/],
  [["stress", "--variant", "nothing"], /no variant "nothing".*slab-map/],
  [["stress", "--variant", "slab-map,colour=red"], /no flag "colour"/],
  [["stress", "--variant", ""], /--variant names no variant/],
  [["stress", "--seconds", "0"], /--seconds 0 is not allowed: a whole number from 1 to/],
  [["stress", "--seed", "-1"], /--seed/],
  [["stress", "--build", "fast"], /--build fast does not exist; choose one of: release, debug/],
  [["stress", "--threads", "65"], /--threads 65 is not allowed: a whole number from 1 to 64/],
  [
    ["stress", "--threads", "2", "--scenario", "x"],
    /--scenario x does not exist; choose one of: damage, mix, succession, producer-consumer/,
  ],
  [["gate", "README.md"], /^error: README\.md is not JSON: .*\n$/],
  [["stress", "--scenario", "mix"], /give --threads a number from 2/],
  [["stress", "--threads", "2", "--scenario", "damage"], /is for one thread/],
  [["stress", "--replay", "/no/such/file"], /--replay \/no\/such\/file cannot be read/],
  [["stress", "--replay", "deno.json"], /--replay deno.json cannot be read/],
  [["stress", "--replay", "x", "--seconds", "5"], /cannot be used with option '--seconds/],
];

Deno.test("a wrong command line exits with 3 and says what is allowed", async (t) => {
  for (const [args, says] of WRONG) {
    await t.step(args.join(" "), async () => {
      const { code, stdout, stderr } = await cli(args);
      assertMatch(stderr, says);
      assertEquals([code, stdout], [3, ""]);
      assertEquals(stderr.includes("    at "), false, `a stack is not a message: ${stderr}`);
    });
  }
});

Deno.test("no command at all exits with 3 and lists the commands", async () => {
  const { code, stderr } = await cli([]);
  assertEquals(code, 3);
  assertStringIncludes(stderr, "bench");
});

Deno.test("--help exits with 0 and has an example", async () => {
  const top = await cli(["--help"]);
  assertEquals([top.code, top.stderr], [0, ""]);
  assertStringIncludes(top.stdout, "bench");
  const bench = await cli(["bench", "--help"]);
  assertEquals([bench.code, bench.stderr], [0, ""]);
  for (const text of ["--working-set", "thi.ng", "deno run -P cli.ts bench --quick"]) {
    assertStringIncludes(bench.stdout, text);
  }
  for (const name of ["flags", "stress"]) {
    const help = await cli([name, "--help"]);
    assertEquals([help.code, help.stderr], [0, ""]);
    assertStringIncludes(help.stdout, `deno run -P cli.ts ${name} `);
    assertStringIncludes(top.stdout, name);
  }
});

Deno.test("without permissions the message says which are missing and holds the command that works", async () => {
  const args = ["bench", "--quick", "--expect", "+20%", "--json", "a file"];
  const none = await cli(args, {}, []);
  assertEquals([none.code, none.stdout], [3, ""]);
  assertStringIncludes(none.stderr, "deno run -P cli.ts bench --quick --expect +20% --json 'a file'\n");
  for (const name of ["ffi", "read", "write", "run", "env", "sys"]) {
    assertStringIncludes(none.stderr, `--allow-${name}`);
  }
  const some = await cli(args, {}, ["--allow-read", "--allow-write", "--allow-run", "--allow-env", "--allow-sys"]);
  assertEquals(some.code, 3);
  assertStringIncludes(some.stderr, "--allow-ffi");
  assertEquals(some.stderr.includes("--allow-read"), false);
});
