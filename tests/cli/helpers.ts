/** Runs the real command in a process of its own, as a user or a script would. */

/** What a process left. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = new URL("../../", import.meta.url);
/** Where commands run. */
export const FOLDER = decodeURIComponent(ROOT.pathname);

/** What each test runs: little work, but all of the way. */
export const SHORT = ["--quick", "--size", "128", "--cycles", "2000"];

/** The options of a process that runs `cli.ts` with these arguments, without Deno's own remarks (`-P`, downloads). */
export function command(
  args: readonly string[],
  env: Record<string, string> = {},
  permissions = ["-P"],
  stdin: "null" | "piped" = "null",
  folder = FOLDER,
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...permissions, "cli.ts", ...args],
    cwd: folder,
    env,
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs `cli.ts` to its end. */
export async function cli(
  args: readonly string[],
  env?: Record<string, string>,
  permissions?: string[],
): Promise<Outcome> {
  return outcome(await command(args, env, permissions).output());
}

/** Runs `cli.ts` on what comes from a pipe. */
export async function cliWithInput(args: readonly string[], input: Uint8Array<ArrayBuffer>): Promise<Outcome> {
  const child = command(args, {}, ["-P"], "piped").spawn();
  const written = new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}); // it may read no more
  const output = await child.output();
  await written;
  return outcome(output);
}

/** What a finished process left, as text. */
export function outcome({ code, stdout, stderr }: Deno.CommandOutput): Outcome {
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs with the path of a file that holds a text. */
export async function withFile<R>(text: string, use: (path: string) => Promise<R>): Promise<R> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/sample.trace`;
    await Deno.writeTextFile(path, text);
    return await use(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A text in malloc lab's format: blocks of some sizes, half of them freed. */
export function mallocLabText(blocks: number): string {
  const lines = Array.from({ length: blocks }, (_, block) => `a ${block} ${block * 37 % 5000}`);
  for (let block = 0; block < blocks; block += 2) lines.push(`f ${block}`);
  return `0\n${blocks}\n${lines.length}\n1\n${lines.join("\n")}\n`;
}

/** How `bench` begins. Whether a ratio is known depends on how disturbed the machine is. */
export function headline(rest: string): RegExp {
  return new RegExp(`^(hakmem runs|it is not known how many times as fast as .* hakmem runs) ${rest}`);
}
