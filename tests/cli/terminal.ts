/**
 * A command in a terminal of its own, as `script` of util-linux gives one: to see what it shows there, or to press Ctrl-C
 * as soon as its progress is seen. In the latter only its stderr goes to the terminal: stdout is a file, as in
 * `> results.txt`.
 */
import { FOLDER, type Outcome } from "./helpers.ts";

const HIDDEN = "\x1b[?25l", SHOWN = "\x1b[?25h";
// deno-lint-ignore no-control-regex -- escape codes are what it is about
const CODES = /\x1b(\[[\d;?]*[A-Za-z]|[78])/g;

/** A test of what only shows in a terminal; skipped where there is none to be had. */
export function terminalTest(name: string, fn: () => Promise<void>): void {
  const ignore = !hasScript();
  Deno.test({ name: ignore ? `${name} (skipped: there is no script of util-linux)` : name, ignore, fn });
}

function hasScript(): boolean {
  try {
    const { stdout } = new Deno.Command("script", { args: ["--version"] }).outputSync();
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}

/** What was printed, and whether the cursor was hidden, and is there again. */
export interface TerminalOutcome extends Outcome {
  readonly isRestored: boolean;
}

/** The words of a command line that runs `cli.ts`, for a shell. */
function wordsOf(args: readonly string[]): string {
  return [Deno.execPath(), "run", "--quiet", "-P", "cli.ts", ...args].map((word) => `'${word}'`).join(" ");
}

/** Runs commands to their ends, each in a terminal of a width, and returns what is shown and how many codes were in it. */
export function shownIn(
  { columns, term }: { columns: number; term: string },
  commands: readonly (readonly string[])[],
): Promise<{ text: string; escapes: number }[]> {
  return Promise.all(commands.map(async (args) => {
    const { stdout } = await new Deno.Command("script", {
      args: ["-qec", `stty cols ${columns}; exec env -u NO_COLOR TERM=${term} ${wordsOf(args)}`, "/dev/null"],
      cwd: FOLDER,
      stdin: "null",
      stderr: "null",
    }).output();
    const screen = new TextDecoder().decode(stdout).replaceAll("\r\n", "\n");
    return { text: screen.replaceAll(CODES, ""), escapes: screen.split("\x1b").length - 1 };
  }));
}

/**
 * Runs `cli.ts` and presses Ctrl-C.
 *
 * @param seen what must be on the screen before that; the progress bar, when not given
 * @returns `stderr` is what came after the bar, without escape codes
 */
export async function interrupted(args: readonly string[], seen: RegExp = /left/): Promise<TerminalOutcome> {
  const output = await Deno.makeTempFile();
  const words = wordsOf(args);
  // `exec`: a shell that waits (dash; bash gives way of itself) is killed by the key, and its 130 hides the command's code.
  const child = new Deno.Command("script", {
    args: ["-qec", `exec env -u NO_COLOR ${words} > '${output}'`, "/dev/null"],
    cwd: FOLDER,
    env: { TERM: "xterm" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  let screen = "", isPressed = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    screen += text;
    if (isPressed || !seen.test(screen)) continue;
    isPressed = true;
    await writer.write(Uint8Array.of(3)); // what the key sends
  }
  await writer.close().catch(() => {});
  const { code } = await child.status;
  const [hidden, shown] = [screen.lastIndexOf(HIDDEN), screen.lastIndexOf(SHOWN)];
  const stdout = await Deno.readTextFile(output);
  await Deno.remove(output);
  const stderr = screen.slice(shown).replaceAll(CODES, "").replaceAll("\r", "");
  return { code, stdout, stderr, isRestored: hidden >= 0 && shown > hidden };
}
