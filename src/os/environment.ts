/**
 * The environment variables that the project reads, all of them, here and nowhere else.
 *
 * Each function gives the value, or undefined when the variable is not set, is empty, or may not be read: asking never
 * prompts and never throws. The values are read at each call, so a test may set them.
 *
 * @module
 */
import { granted } from "./permissions.ts";

function read(variable: string): string | undefined {
  if (!granted({ name: "env", variable })) return undefined;
  return Deno.env.get(variable) || undefined;
}

/** `HAKMEM_VARIANT`: the variant that a heap is made of when its options name none. */
export function hakmemVariant(): string | undefined {
  return read("HAKMEM_VARIANT");
}

/** `HAKMEM_LIBRARY`: path of a prebuilt `native/vm.c`, used instead of building one. */
export function hakmemLibrary(): string | undefined {
  return read("HAKMEM_LIBRARY");
}

/** `HAKMEM_CACHE`: the folder for what is compiled on first use. */
export function hakmemCache(): string | undefined {
  return read("HAKMEM_CACHE");
}

/** `NO_COLOR`: any value means plain output. */
export function noColor(): string | undefined {
  return read("NO_COLOR");
}

/** `TERM`: what the terminal can do; `dumb` can only print. */
export function terminalType(): string | undefined {
  return read("TERM");
}

/** The variable by which the loader is told to load a library before others. */
export const PRELOAD: string = Deno.build.os === "darwin" ? "DYLD_INSERT_LIBRARIES" : "LD_PRELOAD";

/** `LD_PRELOAD`, on macOS `DYLD_INSERT_LIBRARIES`: what the user has every process load. */
export function preload(): string | undefined {
  return read(PRELOAD);
}

/** `GITHUB_STEP_SUMMARY`: the file to whose end a step of GitHub Actions writes its summary, in Markdown. */
export function githubStepSummary(): string | undefined {
  return read("GITHUB_STEP_SUMMARY");
}

/** `GITHUB_WORKSPACE`: the folder of the repository in a run of GitHub Actions. */
export function githubWorkspace(): string | undefined {
  return read("GITHUB_WORKSPACE");
}

/** The folder where programs of this user keep what can be made again, by the rules of the system. */
export function userCacheFolder(): string | undefined {
  const home = read("HOME");
  if (Deno.build.os === "darwin") return home && `${home}/Library/Caches`;
  const xdg = read("XDG_CACHE_HOME");
  if (xdg?.startsWith("/")) return xdg; // the specification ignores relative paths
  return home && `${home}/.cache`;
}

/** The folder for temporary files: `TMPDIR` if it is set, otherwise `/tmp`. */
export function temporaryFolder(): string {
  return read("TMPDIR") ?? "/tmp";
}
