/**
 * The output of the system's small programs: `git`, `tar`, `cat`.
 *
 * @module
 */

/** What a command wrote to stdout; undefined if it failed or is not installed. */
export async function commandOutput(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args: [...args], stderr: "null" }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}
