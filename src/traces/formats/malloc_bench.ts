/**
 * The traces of ClaytonKnittel's malloc-bench: a message of protocol buffers, whose field 1 comes once for each call. Blocks are
 * named by numbers.
 *
 *     Tracefile   1: line, repeated     2: most blocks at once, not used
 *     line        1: malloc  { 1: block, 2: size, 3: alignment }
 *                 2: free    { 1: block }
 *                 3: realloc { 1: new block, 2: old block, 3: size }
 *                 4: calloc  { 1: block, 2: count, 3: size }
 *
 * A malloc without a block gave memory that is never named again; a free or a realloc without one is of NULL.
 *
 * @module
 */
import type { BlockId } from "../block_table.ts";
import { TraceBuilder } from "../builder.ts";
import type { Content } from "../files/content.ts";
import type { TraceFormat } from "./format.ts";
import type { EventSink } from "../trace.ts";

/** The format. */
export const mallocBench: TraceFormat = {
  name: "malloc-bench",
  description: "malloc-bench's protocol buffers",
  // deno-lint-ignore no-control-regex -- a line, in which is a call
  recognises: (head) => /^\x0a[\x02-\x7f][\x0a\x12\x1a\x22][\x00-\x7f]/.test(head),
  decode,
};

const THREAD = 0; // the format knows one
const LINE = 1;
const CALL = { MALLOC: 1, FREE: 2, REALLOC: 3, CALLOC: 4 };
const LAST_FIELD = 3; // of a call
/** How a field's value is written: a number of 7 bits a byte, so many bytes, or a length and bytes. */
const VARINT = 0, BITS_64 = 1, BYTES = 2, BITS_32 = 5;

/** A field of a message: its number, and its value or where that lies. */
interface Field {
  readonly number: number;
  readonly type: number;
  readonly value: number | bigint;
  readonly start: number;
  readonly end: number;
}

function decode<Result>(content: Content, sink: EventSink<Result>): Result {
  const bytes = content.whole();
  let at = 0, unnamed = 0;
  const builder = new TraceBuilder<Result>(mallocBench.name, () => `byte ${at}`, { names: "decimal" }, sink);
  while (at < bytes.length) {
    const line = fieldAt(bytes, at, bytes.length);
    if (line === undefined) {
      builder.cutOff();
      break;
    }
    if (line.number === LINE && line.type === BYTES) {
      const call = fieldAt(bytes, line.start, line.end);
      const given = call?.type === BYTES ? numbersIn(bytes, call) : undefined;
      if (call === undefined || given === undefined) return builder.fail("this line is not a call");
      unnamed += Number(decodeCall(builder, call.number, given, `unnamed ${unnamed}`));
    }
    at = line.end;
  }
  if (content.isCut) builder.cutOff();
  return builder.finishFile();
}

/** Returns whether the block that it makes has no name in the trace. */
function decodeCall<Result>(
  builder: TraceBuilder<Result>,
  call: number,
  given: ReadonlyMap<number, number | bigint>,
  unnamed: string,
): boolean {
  const block = (field: number): BlockId | undefined => given.get(field);
  const size = (field: number): number => Number(given.get(field) ?? 0);
  switch (call) {
    case CALL.MALLOC:
      if (size(3) === 0) builder.malloc(THREAD, block(1) ?? unnamed, size(2));
      else builder.aligned(THREAD, block(1) ?? unnamed, size(3), size(2));
      return block(1) === undefined;
    case CALL.CALLOC:
      builder.calloc(THREAD, block(1) ?? unnamed, size(2), size(3));
      return block(1) === undefined;
    case CALL.REALLOC:
      builder.realloc(THREAD, block(2) ?? null, block(1) ?? null, size(3));
      return false;
    case CALL.FREE:
      builder.free(THREAD, block(1) ?? null);
      return false;
    default:
      return builder.fail(`${call} is not the number of a call`);
  }
}

/** The fields of a message that are numbers, by their number; undefined if it is damaged. */
function numbersIn(bytes: Uint8Array, { start, end }: Field): Map<number, number | bigint> | undefined {
  const numbers = new Map<number, number | bigint>();
  for (let at = start; at < end;) {
    const field = fieldAt(bytes, at, end);
    if (field === undefined) return undefined;
    if (field.type === VARINT && field.number <= LAST_FIELD) numbers.set(field.number, field.value);
    at = field.end;
  }
  return numbers;
}

/** The field that begins at a byte; undefined if it does not end before `limit`, or is not a field. */
function fieldAt(bytes: Uint8Array, at: number, limit: number): Field | undefined {
  const tag = varintAt(bytes, at, limit);
  if (tag === undefined) return undefined;
  const type = Number(tag.value) & 7, number = Math.floor(Number(tag.value) / 8);
  let { end: start } = tag, end = start, value: number | bigint = 0;
  if (type === VARINT || type === BYTES) {
    const found = varintAt(bytes, start, limit);
    if (found === undefined) return undefined;
    value = found.value;
    if (type === BYTES) start = found.end;
    end = type === BYTES ? found.end + Number(value) : found.end;
  } else if (type === BITS_64) end += 8;
  else if (type === BITS_32) end += 4;
  else return undefined;
  return end <= limit ? { number, type, value, start, end } : undefined;
}

function varintAt(bytes: Uint8Array, at: number, limit: number): { value: number | bigint; end: number } | undefined {
  let value = 0, large = 0n;
  for (let index = 0; index < 10 && at + index < limit; index++) {
    const byte = bytes[at + index]!, bits = byte & 127;
    if (index < 7) value += bits * 2 ** (7 * index);
    else large += BigInt(bits) << BigInt(7 * index);
    if (byte < 128) return { value: large === 0n ? value : BigInt(value) + large, end: at + index + 1 };
  }
  return undefined;
}
