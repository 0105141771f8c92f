/**
 * What the Workers of a threaded `stress` and their coordinator tell one another: some words of shared memory for each
 * seat, which a Worker has until it ends and then its successor. Counts and last operations outlive the Worker.
 *
 * ```
 *   | pause | stop | for each seat: state, OS thread and its start, last operations | for each seat: counts |
 * ```
 *
 * Invariant: a Worker does nothing with the heap between saying `paused` and having seen that there is no pause. It says
 * `running` before it looks, so whoever asks for a pause and reads `paused` may rely on it.
 *
 * @module
 */

/** What Workers do, in the order of their counts. */
export const OPERATIONS = [
  "malloc",
  "calloc",
  "alignedAlloc",
  "realloc",
  "free",
  "inspect",
  "stats",
  "collect",
] as const;

/** One of {@linkcode OPERATIONS}. */
export type ThreadOperation = typeof OPERATIONS[number];

/** How far a Worker is. Before `attaching` nothing is known of its OS thread; `closed` is one that has ended well. */
export const STATES = ["none", "attaching", "running", "paused", "closed"] as const;

/** One of {@linkcode STATES}. */
export type SeatState = typeof STATES[number];

const PAUSE = 0;
const STOP = 1;
const HEAD_WORDS = 16;

const STATE = 0;
const THREAD_ID = 1;
const THREAD_START = 2;
/** Operations ever noted. */
const NOTED = 3;
const NOTES_AT = 4;
const NOTES = 8;
/** Words of a note: operation, block, two arguments, result, or -1 while it is under way. */
const NOTE_WORDS = 5;
const SEAT_WORDS = 48;

/** Behind the counts of operations: blocks that another had last. */
const HANDED_OVER = OPERATIONS.length;
const SEAT_COUNTS = OPERATIONS.length + 1;

/** See the module. */
export class StressBoard {
  readonly seats: number;
  readonly #words: Int32Array;
  readonly #counts: Float64Array;

  /** @param memory of `bytesFor(seats)` bytes, zeros at first. */
  constructor(memory: SharedArrayBuffer, seats: number) {
    this.seats = seats;
    this.#words = new Int32Array(memory, 0, HEAD_WORDS + seats * SEAT_WORDS);
    this.#counts = new Float64Array(memory, this.#words.byteLength);
  }

  /** Bytes that a board takes. */
  static bytesFor(seats: number): number {
    return (HEAD_WORDS + seats * SEAT_WORDS) * 4 + seats * SEAT_COUNTS * 8;
  }

  get isPaused(): boolean {
    return Atomics.load(this.#words, PAUSE) === 1;
  }

  set isPaused(value: boolean) {
    Atomics.store(this.#words, PAUSE, value ? 1 : 0);
  }

  get isOver(): boolean {
    return Atomics.load(this.#words, STOP) === 1;
  }

  /** Asks all Workers to end well. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  stateOf(seat: number): SeatState {
    return STATES[Atomics.load(this.#words, this.#seat(seat) + STATE)]!;
  }

  setState(seat: number, state: SeatState): void {
    Atomics.store(this.#words, this.#seat(seat) + STATE, STATES.indexOf(state));
  }

  /** Says which OS thread a Worker is. */
  enter(seat: number, thread: { readonly id: number; readonly start: number }): void {
    Atomics.store(this.#words, this.#seat(seat) + THREAD_ID, thread.id);
    Atomics.store(this.#words, this.#seat(seat) + THREAD_START, thread.start);
    this.setState(seat, "attaching");
  }

  threadOf(seat: number): { id: number; start: number } {
    const at = this.#seat(seat);
    return { id: Atomics.load(this.#words, at + THREAD_ID), start: Atomics.load(this.#words, at + THREAD_START) };
  }

  /** An operation begins. */
  begin(seat: number, operation: ThreadOperation, ptr: number, first: number, second: number): void {
    const at = this.#seat(seat), noted = this.#words[at + NOTED]!;
    this.#words.set(
      [OPERATIONS.indexOf(operation), ptr, first, second, -1],
      at + NOTES_AT + noted % NOTES * NOTE_WORDS,
    );
    Atomics.store(this.#words, at + NOTED, noted + 1 & 0x7fff_ffff);
  }

  /** The operation that began last is done. */
  end(seat: number, result: number, isForeign: boolean): void {
    const at = this.#seat(seat), note = at + NOTES_AT + (this.#words[at + NOTED]! - 1) % NOTES * NOTE_WORDS;
    this.#words[note + 4] = result;
    this.#count(seat, this.#words[note]!);
    if (isForeign) this.#count(seat, HANDED_OVER);
  }

  /** A number that changes with each operation that begins. */
  progressOf(seat: number): number {
    return Atomics.load(this.#words, this.#seat(seat) + NOTED);
  }

  /** Operations of all Workers that have sat there, by name. */
  counts(): Record<ThreadOperation, number> {
    return Object.fromEntries(OPERATIONS.map((name, index) => [name, this.#sum(index)])) as Record<
      ThreadOperation,
      number
    >;
  }

  /** Operations on blocks that another thread had last. */
  get handedOver(): number {
    return this.#sum(HANDED_OVER);
  }

  /** The last operations of a seat as they would be written in a program, the latest last. */
  lastOf(seat: number): string[] {
    const at = this.#seat(seat), noted = this.#words[at + NOTED]!;
    return Array.from({ length: Math.min(noted, NOTES) }, (_, index) => {
      const note = at + NOTES_AT + (noted - Math.min(noted, NOTES) + index) % NOTES * NOTE_WORDS;
      return noteText(this.#words.slice(note, note + NOTE_WORDS));
    });
  }

  #seat(seat: number): number {
    return HEAD_WORDS + seat * SEAT_WORDS;
  }

  #count(seat: number, index: number): void {
    this.#counts[seat * SEAT_COUNTS + index]!++;
  }

  #sum(index: number): number {
    let sum = 0;
    for (let seat = 0; seat < this.seats; seat++) sum += this.#counts[seat * SEAT_COUNTS + index]!;
    return sum;
  }
}

function noteText([operation = 0, ptr = 0, first = 0, second = 0, result = 0]: Int32Array): string {
  const name = OPERATIONS[operation]!;
  const outcome = result === -1 ? " ..." : ` = ${result}`;
  switch (name) {
    case "calloc":
    case "alignedAlloc":
      return `${name}(${first}, ${second})${outcome}`;
    case "malloc":
      return `${name}(${first})${outcome}`;
    case "realloc":
      return `${name}(${ptr}, ${first})${outcome}`;
    default:
      return `${name}(${ptr === 0 ? "" : ptr})${result === -1 ? " ..." : ""}`;
  }
}
