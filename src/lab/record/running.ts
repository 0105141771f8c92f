/**
 * What is said to someone who wants to record a program that runs already: the recorder gets into a program by
 * `LD_PRELOAD`, which the system looks at when a program starts, and never again.
 *
 * @module
 */
import { commandOutput } from "../../os/mod.ts";

/** Why a process cannot be recorded, and what can be done. */
export async function alreadyRunning(pid: number): Promise<string> {
  // By a command, since Deno reads nothing of `/proc` without all permissions.
  const line = await commandOutput("cat", [`/proc/${pid}/cmdline`]);
  if (line === undefined && Deno.build.os === "linux") return `--pid ${pid}: there is no process ${pid}`;
  const words = line?.split("\0").slice(0, -1) ?? [];
  const command = words.length === 0 ? "COMMAND" : words.map(quoted).join(" ");
  return `--pid ${pid}: a program that is already running cannot be recorded, since the recorder can only get in when a ` +
    "program starts. Start it under record, paused, and resume recording when it matters: " +
    `deno run -P cli.ts record --paused -- ${command}; then send its process SIGUSR2 (kill -USR2), and again to pause`;
}

/** A word as a shell takes it, without a character that a terminal would obey. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!CONTROL.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const code = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `$'${word.replaceAll(/[\\']/g, "\\$&").replaceAll(new RegExp(CONTROL, "g"), code)}'`;
}

// deno-lint-ignore no-control-regex -- they are what it is about
const CONTROL = /[\0-\x1f\x7f-\x9f]/;
