/**
 * What all Deno children do: say that they are ready, then answer each line of stdin with one line on stdout, until the
 * coordinator closes it (see `protocol.ts`).
 *
 * @module
 */
import { OutOfMemory, ReplayFailure } from "../workloads/mod.ts";
import { READY } from "./protocol.ts";

/**
 * Serves until stdin ends, and ends the process.
 *
 * @param open Gets ready, and gives what answers a request.
 */
export async function serve(open: () => Promise<(request: string) => string>): Promise<never> {
  // Ctrl-C reaches every process of the terminal; the coordinator ends this one by closing its stdin.
  Deno.addSignalListener("SIGINT", () => {});
  try {
    const answer = await open();
    say(READY);
    for await (const line of linesOf(Deno.stdin.readable)) {
      try {
        say(answer(line));
      } catch (error) {
        say(`error ${messageOf(error)}`);
        // The blocks are as they are: no later answer would be right.
        if (error instanceof OutOfMemory || error instanceof ReplayFailure) Deno.exit(1);
      }
    }
  } catch (error) {
    say(`error ${messageOf(error)}`);
    Deno.exit(1);
  }
  Deno.exit(0);
}

async function* linesOf(input: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of input.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

const encoder = new TextEncoder();

function say(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll("\n", " ");
}
