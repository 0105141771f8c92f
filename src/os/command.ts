/**
 * Other processes: the output of the system's small programs (`git`, `tar`, `addr2line`), and signals.
 *
 * @module
 */

/**
 * What a command wrote to stdout; undefined if it failed or is not installed.
 *
 * @param input what it reads from stdin; this process's own stdin if it is left out.
 */
export async function commandOutput(
  command: string,
  args: readonly string[],
  input?: string,
): Promise<string | undefined> {
  try {
    const stdin = input === undefined ? "inherit" : "piped";
    const child = new Deno.Command(command, { args: [...args], stdin, stdout: "piped", stderr: "null" }).spawn();
    const [{ success, stdout }] = await Promise.all([
      child.output(),
      input === undefined ? undefined : feed(child, input),
    ]);
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch {
    return undefined;
  }
}

/** Sends a process a signal, if it has not ended by itself. */
export function signalled(process: Deno.ChildProcess, signal: Deno.Signal = "SIGKILL"): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended.
  }
}

async function feed({ stdin }: Deno.ChildProcess, input: string): Promise<void> {
  const writer = stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {}); // it may end without reading all
  await writer.close().catch(() => {});
}
