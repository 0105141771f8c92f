/** Contestants that answer from a script, so that the coordinator can be tested without measuring. */
import { Child, type ChildCommand } from "../../src/lab/contest/child.ts";

/** A process that says `ready`, then runs `body` for each line that it reads (it has `line` and `say`). */
export function scriptedCommand(label: string, body: string): ChildCommand {
  const program = `
    const say = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text + "\\n"));
    say("ready");
    const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
    for await (const text of lines) for (const line of text.trim().split("\\n")) { ${body} }
  `;
  return { label, path: Deno.execPath(), args: ["eval", program] };
}

/** Starts one. */
export function startScripted(label: string, body: string): Promise<Child> {
  return Child.start(scriptedCommand(label, body));
}

/** The line of an answer. */
export function okLine(checksum: string, operations = 100): string {
  return `ok nanoseconds=1000 operations=${operations} checksum=${checksum} slot-checksum=${checksum} tier=turbofan`;
}
