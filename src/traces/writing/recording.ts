/**
 * Writes our own format (`../recording/recording.ts` shows it): the smallest, about a byte an event. It keeps a trace's
 * events, their stacks, and how long the program ran; threads are numbered in the order of their first events.
 *
 * @module
 */
import { joined } from "../files/bytes.ts";
import { RecordingWriter } from "../recording/recording.ts";
import { EVENT, NO_BLOCK, type StackFacts, type Trace, type TraceStacks } from "../trace.ts";
import type { TraceWriter } from "./writer.ts";

/** The format. */
export const recordingWriter: TraceWriter = {
  name: "hakmem",
  description: "our own, as record writes it: the smallest",
  hasStacks: true,
  endings: [".trace"],
  pieces: piecesOf,
};

function* piecesOf(trace: Trace): Generator<Uint8Array> {
  const { length, kinds, threads, blocks, sizes, alignments, ran, stacks, callers } = trace;
  const parts: Uint8Array[] = [];
  const writer = new RecordingWriter((part) => void parts.push(part.slice()), {
    ...ran,
    ...(stacks === undefined ? {} : { stacks: factsOf(stacks) }),
  });
  const written = stacks === undefined ? undefined : new WrittenStacks(writer, stacks);
  let newest = NO_BLOCK;
  for (let event = 0; event < length; event++) {
    const thread = threads[event]!, block = blocks[event]!, size = sizes[event]!, kind = kinds[event]!;
    const isFresh = block > newest;
    if (isFresh) newest = block;
    const stack = written?.number(callers?.[event] ?? 0) ?? 0;
    if (kind === EVENT.MALLOC || kind === EVENT.CALLOC) writer.allocation(kind, thread, size, stack);
    else if (kind === EVENT.ALIGNED) writer.aligned(thread, alignments[event]!, size, stack);
    else if (kind === EVENT.REALLOC) writer.realloc(thread, isFresh ? NO_BLOCK : block, size, stack);
    else if (kind === EVENT.FREE) writer.free(thread, block);
    else writer.threadEnd(thread);
    if (parts.length > 0) yield joined(parts.splice(0));
  }
  writer.finish();
  yield joined(parts);
}

function factsOf({ by, depth, sampleBytes }: TraceStacks): StackFacts {
  return { by, depth, ...(sampleBytes === undefined ? {} : { sampleBytes }) };
}

/** The stacks of a trace as they are written: those that events have, each before the first of these. */
class WrittenStacks {
  readonly #writer: RecordingWriter;
  readonly #stacks: TraceStacks;
  /** By the number in the trace, that in the file. */
  readonly #numbers = new Map<number, number>([[0, 0]]);

  constructor(writer: RecordingWriter, stacks: TraceStacks) {
    this.#writer = writer;
    this.#stacks = stacks;
  }

  /** The number of a stack in the file, which is written if it is new. */
  number(stack: number): number {
    const { parents, moduleOf, offsets, modules } = this.#stacks, above: number[] = [];
    for (let node = stack; !this.#numbers.has(node); node = parents[node]!) above.push(node);
    for (const node of above.reverse()) {
      const module = moduleOf[node]!, number = module === 0 ? 0 : this.#writer.module(modules[module - 1]!);
      this.#numbers.set(node, this.#writer.node(this.#numbers.get(parents[node]!)!, number, offsets[node]!));
    }
    return this.#numbers.get(stack)!;
  }
}
