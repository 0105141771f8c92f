/**
 * Runs all tests: those of the library and those of the lab at the same time, each in a process of its own, since most of
 * them wait for others, and some count what their process has mapped. What the first prints is shown as it comes, what the
 * second printed behind it.
 *
 *     deno task test
 *     deno task test --filter malloc
 *
 * Types are checked by `deno task verify`, which takes a minute.
 *
 * @module
 */
const PARTS = [
  ["cli", "lab", "pages", "report", "verify"],
  [
    "clients",
    "duplicates_test.ts",
    "heap",
    "measure",
    "model",
    "os",
    "peers",
    "profile",
    "rooms_test.ts",
    "traces",
    "workloads",
  ],
];

const here = import.meta.dirname!;
const tests = [...Deno.readDirSync(here)].filter(({ name, isDirectory }) => isDirectory || name.endsWith("_test.ts"));
const forgotten = tests.filter(({ name }) => !name.startsWith("__") && !PARTS.flat().includes(name));
if (forgotten.length > 0) throw new Error(`in no part: ${forgotten.map(({ name }) => name).join(", ")}`);

const color = Deno.stdout.isTerminal() && Deno.env.get("NO_COLOR") === undefined ? { FORCE_COLOR: "1" } : {};
const commands = PARTS.map((names, part) =>
  new Deno.Command(Deno.execPath(), {
    args: ["test", "-P", "--no-check", "--permit-no-files", ...Deno.args, ...names.map((name) => `${here}/${name}`)],
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
