/**
 * Which processors a process's main thread may run on, as the system has it: `0-2,5`. Read by a program of its own, since
 * Deno has the files of other processes read with all permissions alone.
 */
export function allowedOf(process: number): string | undefined {
  const { stdout } = new Deno.Command("cat", { args: [`/proc/${process}/status`] }).outputSync();
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(new TextDecoder().decode(stdout))?.[1];
}
