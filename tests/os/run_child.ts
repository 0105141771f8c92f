/** Runs `child.ts` beside this file and gives what it printed; and temporary folders that clean up after themselves. */
import { assertEquals } from "@std/assert";

/** Everything that any action of the child prints. */
export interface Outcome {
  source?: string;
  note?: string;
  works?: boolean;
  same?: boolean;
  path?: string;
  stdout?: string;
  made?: number;
  texts?: string[];
  values?: string[];
  error?: { name: string; message: string; code?: string; output?: string };
}

export const ALL_PERMISSIONS = ["--allow-ffi", "--allow-read", "--allow-write", "--allow-run", "--allow-env"];

const CHILD = new URL("./child.ts", import.meta.url).href;

/**
 * @param action what the child is to do, and its arguments
 * @param permissions flags for Deno
 * @param env added to this process's own; the project's variables are empty when not given
 */
export async function runChild(
  action: string | readonly string[],
  env: Record<string, string>,
  permissions: readonly string[] = ALL_PERMISSIONS,
): Promise<Outcome> {
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--quiet", ...permissions, CHILD, ...[action].flat()],
    env: { HAKMEM_LIBRARY: "", HAKMEM_CACHE: "", HAKMEM_VARIANT: "", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const errors = decoder.decode(stderr);
  // Nothing may be printed beside the result: notes are returned.
  if (code !== 0 || errors !== "") throw new Error(`The child ended with ${code}: ${errors}`);
  return JSON.parse(decoder.decode(stdout));
}

/** A new folder, gone at the end of the scope. */
export function temporaryFolder(): Disposable & { path: string } {
  const path = Deno.makeTempDirSync({ prefix: "hakmem-test-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Names in a folder, sorted. */
export function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Each of the sources in C compiles without a warning, under gcc and under clang, as far as these are installed. */
export async function compilesWithoutWarning(
  t: Deno.TestContext,
  flags: readonly string[],
  sources: readonly string[],
): Promise<void> {
  const strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-o", "/dev/null"];
  for (const compiler of ["gcc", "clang"]) {
    await t.step(compiler, async () => {
      for (const source of sources) {
        const built = await compile(compiler, ["-std=c11", ...flags, ...strict, source]);
        if (built === undefined) return console.log(`skipped: ${compiler} is not installed`);
        assertEquals(built, { success: true, output: "" });
      }
    });
  }
}

/** Runs a compiler and gives what it printed; undefined when it is not installed. */
export async function compile(
  compiler: string,
  args: readonly string[],
): Promise<{ success: boolean; output: string } | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(compiler, { args: [...args] }).output();
    const decoder = new TextDecoder();
    return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What a program of requests and answers, a line each, says to some requests; for a minute at most. */
export async function answersOf(
  path: string,
  args: readonly string[],
  requests: string,
): Promise<{ code: number; signal: Deno.Signal | null; lines: string[] }> {
  const process = new Deno.Command(path, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(requests)).catch(() => {}); // it may have ended
  await writer.close().catch(() => {});
  const { code, signal, stdout } = await process.output();
  return { code, signal, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
}
