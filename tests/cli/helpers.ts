/** Runs the real command in a process of its own, as a user or a script would. */

/** What a process left. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ROOT = new URL("../../", import.meta.url);
const FOLDER = decodeURIComponent(ROOT.pathname);

/** Deno's own remark about `-P`, which is no part of what the command prints. */
const DENO_REMARK = /^.*Permissions in the config file is an experimental feature.*\n/m;

/** What each test runs: little work, but all of the way. */
export const SHORT = ["--quick", "--size", "128", "--cycles", "2000"];

/** The options of a process that runs `cli.ts` with these arguments. */
export function command(args: readonly string[], env: Record<string, string> = {}, permissions = ["-P"]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, "cli.ts", ...args],
    cwd: FOLDER,
    env,
    stdin: "null",
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

/** What a finished process left, as text. */
export function outcome({ code, stdout, stderr }: Deno.CommandOutput): Outcome {
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr).replace(DENO_REMARK, "") };
}
