/**
 * Writes Android's text (`../formats/android.ts` reads it and shows it). Blocks get addresses, 16 bytes apart in the
 * order of their allocation; a block that was reallocated keeps its address. Threads are called as the trace calls
 * them, if those are numbers and no two are alike; otherwise they are numbered from 1.
 *
 * @module
 */
import { EVENT, NO_BLOCK, type Trace } from "../trace.ts";
import { textPieces, type TraceWriter } from "./writer.ts";

const BLOCK_BYTES = 16;

/** The format. */
export const androidWriter: TraceWriter = {
  name: "android",
  description: "Android's memory_replay text",
  hasStacks: false,
  endings: [".txt"],
  pieces: (trace) => textPieces(linesOf(trace)),
};

function* linesOf(trace: Trace): Generator<string> {
  const { length, kinds, threads, blocks, sizes, alignments } = trace;
  const names = threadNumbers(trace);
  let newest = NO_BLOCK;
  for (let event = 0; event < length; event++) {
    const thread = names[threads[event]!]!, block = blocks[event]!, size = sizes[event]!;
    const address = addressOf(block), isFresh = block > newest;
    if (isFresh) newest = block;
    switch (kinds[event]) {
      case EVENT.MALLOC:
        yield `${thread}: malloc ${address} ${size}`;
        break;
      case EVENT.CALLOC:
        yield `${thread}: calloc ${address} 1 ${size}`;
        break;
      case EVENT.ALIGNED:
        yield `${thread}: memalign ${address} ${2 ** alignments[event]!} ${size}`;
        break;
      case EVENT.REALLOC:
        yield `${thread}: realloc ${address} ${isFresh ? addressOf(NO_BLOCK) : address} ${size}`;
        break;
      case EVENT.FREE:
        yield `${thread}: free ${address}`;
        break;
      default:
        yield `${thread}: thread_done 0x0`;
    }
  }
}

function addressOf(block: number): string {
  return `0x${(block * BLOCK_BYTES).toString(16)}`;
}

/** What threads are called where a name has to be a number, by their number. */
export function threadNumbers({ threadNames }: Pick<Trace, "threadNames">): readonly number[] {
  const isNumbered = threadNames.every((name) => /^[1-9]\d{0,8}$/.test(name)) &&
    new Set(threadNames).size === threadNames.length;
  return threadNames.map((name, thread) => isNumbered ? Number(name) : thread + 1);
}
