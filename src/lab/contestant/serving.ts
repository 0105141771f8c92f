/**
 * What all Deno children do: say that they are ready, then answer each line of stdin with one line on stdout, until the
 * coordinator closes it (see `protocol.ts`).
 *
 * @module
 */
import { READY } from "./protocol.ts";

/** Answers a request. */
export type Answer = (request: string) => string | Promise<string>;

/**
 * Serves until stdin ends, and ends the process.
 *
 * @param open Gets ready, and gives what answers a request.
 * @param isFatal Whether an error left blocks behind, so that no later answer would be right.
 */
export async function serve(open: () => Promise<Answer>, isFatal: (error: unknown) => boolean): Promise<never> {
  // Ctrl-C reaches every process of the terminal; the coordinator ends this one by closing its stdin.
  Deno.addSignalListener("SIGINT", () => {});
  try {
    const answer = await open();
    say(READY);
    for await (const line of linesOf(Deno.stdin.readable)) {
      try {
        say(await answer(line));
      } catch (error) {
        say(`error ${messageOf(error)}`);
        if (isFatal(error)) Deno.exit(1);
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
