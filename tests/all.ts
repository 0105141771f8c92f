/**
 * Runs all tests: those of the lab and the like, and all others, at the same time, each half in a process of its own,
 * since most of them wait for others, and some count what their process has mapped. What the first prints is shown as it
 * comes, what the second printed behind it.
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
const commands = PARTS.map((names, part) =>
  new Deno.Command(Deno.execPath(), {
    args: ["test", "-P", "--no-check", V8_FLAGS, "--permit-no-files", ...Deno.args]
      .concat(names.map((name) => `${here}/${name}`)),
    env: color,
    stdin: "null",
    stdout: part === 0 ? "inherit" : "piped",
    stderr: part === 0 ? "inherit" : "piped",
  })
);
const [first, ...others] = commands;
const [status, ...outputs] = await Promise.all([first!.spawn().status, ...others.map((command) => command.output())]);
for (const { stdout, stderr } of outputs) {
  await new Blob([stderr]).stream().pipeTo(Deno.stderr.writable, { preventClose: true });
  await new Blob([stdout]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
}
Deno.exit([status, ...outputs].every(({ success }) => success) ? 0 : 1);
