/**
 * Runs all tests: those of the lab and the like, and all others, at the same time, each half in a process of its own,
 * since most of them wait for others, and some count what their process has mapped. What the first prints is shown as
 * it comes, what the second printed after that, and at the very end once more what failed in either.
 *
 *     deno task test
 *     deno task test --filter malloc
 *
 * Types are checked by `deno task verify`, which takes a minute.
 *
 * @module
 */
const PARTS = [
  ["cli", "clients", "lab", "os", "workloads"],
  [
    "duplicates_test.ts",
    "heap",
    "measure",
    "model",
    "pages",
    "peers",
    "profile",
    "report",
    "rooms_test.ts",
    "traces",
    "verify",
  ],
];

/**
 * V8 counts the address space of a heap as memory, and collects garbage at once where that grows by half of what it may
 * have: so each heap that a test opens took some 20 ms more. With 64 GiB to have it does so for one in ten.
 */
const V8_FLAGS = "--v8-flags=--max-old-space-size=65536";

const here = import.meta.dirname!;
const tests = [...Deno.readDirSync(here)].filter(({ name, isDirectory }) => isDirectory || name.endsWith("_test.ts"));
const forgotten = tests.filter(({ name }) => !name.startsWith("__") && !PARTS.flat().includes(name));
if (forgotten.length > 0) throw new Error(`in no part: ${forgotten.map(({ name }) => name).join(", ")}`);

const color = Deno.stdout.isTerminal() && Deno.env.get("NO_COLOR") === undefined ? { FORCE_COLOR: "1" } : {};
const parts = PARTS.map((names, part) =>
  new Deno.Command(Deno.execPath(), {
    args: ["test", "-P", "--no-check", V8_FLAGS, "--permit-no-files", ...Deno.args]
      .concat(names.map((name) => `${here}/${name}`)),
    env: color,
    stdin: "null",
    stdout: "piped",
    stderr: part === 0 ? "inherit" : "piped",
  }).spawn()
);
const [first, ...others] = parts;
const [shown, kept] = first!.stdout.tee();
const endings = Promise.all(others.map((part) => part.output())); // read from now on, or they would wait for us
const outputs = [new Response(kept).bytes()];
await shown.pipeTo(Deno.stdout.writable, { preventClose: true });
for (const { stdout, stderr } of await endings) {
  await new Blob([stderr]).stream().pipeTo(Deno.stderr.writable, { preventClose: true });
  await new Blob([stdout]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
  outputs.push(Promise.resolve(stdout));
}

const failed = [];
for (const [part, { status }] of parts.entries()) {
  if ((await status).success) continue;
  const text = new TextDecoder().decode(await outputs[part]);
  failed.push(text.slice(Math.max(text.lastIndexOf(" ERRORS "), 0)).slice(-20_000));
}
if (failed.length > 0) console.log(["", "What failed, once more:", ...failed].join("\n"));
Deno.exit(failed.length === 0 ? 0 : 1);
