/**
 * A Worker of a threaded `stress`: attaches to the heap, does random operations on the blocks of the shared oracle, and
 * ends as it was told to: well, or at a random step of whatever it is doing, the heap's own sections among it.
 *
 * `worker.terminate()` stops a Worker of Deno only where it awaits, so it ends itself everywhere else: what V8 does after
 * `self.close()` is what it would do then. It stops at the next function or turn of a loop, no `finally` runs, and the
 * thread is gone.
 *
 * @module
 */
import { attachWith, Journal } from "../../heap/inspect/mod.ts";
import type { Heap, SharedHeap } from "../../heap/mod.ts";
import { Random } from "../../measure/random.ts";
import { openVirtualMemory } from "../../os/mod.ts";
import { SharedOracle } from "../shared_oracle.ts";
import { StressBoard, type ThreadOperation } from "./board.ts";
import { LARGEST_LOG, sizeOf } from "./program.ts";

/** What a Worker does with blocks: anything, or only one half of it. */
export type Role = "anything" | "produce" | "consume";

/**
 * How a Worker ends: with `close()`; without, between two operations, by its own end or by `terminate()`; or in the
 * middle of an operation of the oracle, of a section of the heap, or of attaching.
 */
export type Ending = "close" | "leave" | "terminate" | "operation" | "section" | "attach";

/** What a Worker is told. */
export interface WorkerOrder {
  readonly shared: SharedHeap;
  readonly oracle: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
  readonly seats: number;
  readonly seat: number;
  readonly seed: number;
  readonly role: Role;
  readonly ending: Ending;
  /** After which it ends; `terminate()` has its own time. */
  readonly milliseconds: number;
}

/** What a Worker says: why it failed. */
export interface WorkerFailure {
  readonly message: string;
}

/** From there on blocks are small. */
const MOST_LIVE_BYTES = 48 * 1024 * 1024;
const SMALL_BYTES = 200;
/** Between two chances of `terminate()`. */
const BREATH_MILLISECONDS = 5;
const PHASE_OPERATIONS = 256;
/** Steps into the middle of something: writes of sections are many. */
const OPERATION_STEPS = 24;
const SECTION_STEPS = 256;

const scope = globalThis as unknown as { postMessage(message: WorkerFailure): void; close(): void };

/** Ends this thread here and now. */
function end(): never {
  scope.close();
  for (;;);
}

/** Steps that are left until the Worker ends, of the oracle and of the journal. */
const left = { operation: Infinity, section: Infinity };

function step(kind: keyof typeof left): void {
  if (--left[kind] < 0) end();
}

/** A journal whose thread may end before or after any write, and around a commit. */
class MortalJournal extends Journal {
  override set(index: number, value: number): void {
    step("section");
    super.set(index, value);
    step("section");
  }

  override keep(): void {
    step("section");
    super.keep();
    step("section");
  }
}

/** Not `setTimeout`, which takes two milliseconds. */
const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A Worker at work. */
class Hand {
  readonly #heap: Heap;
  readonly #oracle: SharedOracle;
  readonly #board: StressBoard;
  readonly #order: WorkerOrder;
  readonly #random: Random;
  #left = 0;
  #growth = 50;
  #sizeOfPhase: () => number = () => SMALL_BYTES;

  constructor(heap: Heap, board: StressBoard, order: WorkerOrder) {
    this.#heap = heap;
    this.#board = board;
    this.#order = order;
    this.#random = new Random(order.seed);
    this.#oracle = new SharedOracle(heap, order.oracle, order.seat, () => step("operation"));
  }

  /** Works for a time, or until all is over. Its thread may end at any turn. */
  async work(milliseconds: number): Promise<void> {
    const { seat } = this.#order, board = this.#board;
    const last = performance.now() + milliseconds;
    while (!board.isOver && performance.now() < last) {
      do {
        board.setState(seat, "paused");
        while (board.isPaused) await new Promise((resolve) => setTimeout(resolve));
        board.setState(seat, "running");
      } while (board.isPaused);
      const until = Math.min(last, performance.now() + BREATH_MILLISECONDS);
      while (!board.isPaused && !board.isOver && performance.now() < until) this.operate();
      await breath();
    }
  }

  /** One operation, on a block that another may have made. */
  operate(): void {
    const random = this.#random, oracle = this.#oracle, { seat, seats, role } = this.#order;
    if (this.#left-- === 0) this.#nextPhase();
    if (role === "anything" && random.below(2048) === 0) return this.#look();
    // Mostly of its own part of the table: what it frees it has allocated, as in most programs.
    const part = random.below(4) === 0 ? random.below(seats) : seat;
    const slots = Math.floor(oracle.slots / seats);
    if (!oracle.take(role === "anything" ? part * slots + random.below(slots) : random.below(oracle.slots))) return;
    if (oracle.ptr === 0) {
      const isRefused = role === "consume" || (role === "anything" && random.below(100) >= this.#growth);
      if (isRefused) oracle.putBack();
      else this.#make();
    } else if (role === "produce") oracle.putBack();
    else this.#change();
  }

  /** Phases of growth and of decline, of few different sizes and of many. */
  #nextPhase(): void {
    const random = this.#random;
    this.#left = PHASE_OPERATIONS;
    this.#growth = 20 + random.below(65);
    const largestLog = random.below(8) === 0 ? LARGEST_LOG : 11;
    const favourite = sizeOf(random, largestLog), isMonotonous = random.below(2) === 0;
    this.#sizeOfPhase = () => isMonotonous ? favourite : sizeOf(random, largestLog);
  }

  #size(): number {
    const random = this.#random;
    if (this.#order.role === "produce") return random.below(200) === 0 ? random.below(100_000) : random.below(1000);
    const size = this.#sizeOfPhase();
    return this.#oracle.liveBytes > MOST_LIVE_BYTES ? size % SMALL_BYTES : size;
  }

  /** Fills the empty slot that is in hand. */
  #make(): void {
    const random = this.#random, oracle = this.#oracle, size = this.#size();
    const dice = this.#order.role === "produce" ? 9 : random.below(10);
    if (dice === 0) {
      const count = random.below(65), each = size >> 6;
      this.#do("calloc", count, each, () => oracle.calloc(count, each));
    } else if (dice === 1) {
      const alignment = 2 ** random.below(LARGEST_LOG + 1);
      this.#do("alignedAlloc", alignment, size, () => oracle.alignedAlloc(alignment, size));
    } else this.#do("malloc", size, 0, () => oracle.malloc(size));
  }

  /** Does something with the block that is in hand. */
  #change(): void {
    const oracle = this.#oracle, dice = this.#order.role === "consume" ? 9 : this.#random.below(10);
    if (dice === 0) this.#do("inspect", 0, 0, () => oracle.inspect());
    else if (dice < 4) {
      const size = this.#size();
      this.#do("realloc", size, 0, () => oracle.realloc(size));
    } else this.#do("free", 0, 0, () => oracle.free());
  }

  /** What concerns the whole heap. */
  #look(): void {
    const { seat } = this.#order, isCollect = this.#random.below(2) === 0;
    this.#board.begin(seat, isCollect ? "collect" : "stats", 0, 0, 0);
    if (isCollect) this.#heap.collect();
    else this.#heap.stats();
    this.#board.end(seat, 0, false);
  }

  /** Does it with the slot in hand, and notes it. */
  #do(operation: ThreadOperation, first: number, second: number, run: () => number | void): void {
    const { seat } = this.#order, oracle = this.#oracle, { ptr, isForeign } = oracle;
    this.#board.begin(seat, operation, ptr, first, second);
    try {
      this.#board.end(seat, run() ?? 0, isForeign);
    } catch (error) {
      const over = oracle.overlapping(ptr);
      if (error instanceof Error && over !== "") error.message += `; there are ${over}`;
      throw error;
    }
  }
}

async function serve(order: WorkerOrder): Promise<void> {
  const { seat, ending } = order, random = new Random(order.seed ^ 0x5bd1_e995 || 1);
  const board = new StressBoard(order.board, order.seats);
  const system = await openVirtualMemory();
  const id = system.threadId();
  if (ending === "attach") left.section = random.below(SECTION_STEPS >> 2);
  board.enter(seat, { id, start: system.threadStart(id) });
  const heap = await attachWith((words) => new MortalJournal(words), order.shared);
  const hand = new Hand(heap, board, order);
  await hand.work(order.milliseconds);
  if (!board.isOver && ending !== "close") {
    if (ending === "leave") end();
    if (ending === "operation") left.operation = random.below(OPERATION_STEPS);
    if (ending === "section") left.section = random.below(SECTION_STEPS);
    await hand.work(Infinity);
  }
  heap.close();
  system.close();
  board.setState(seat, "closed");
  scope.close();
}

// The coordinator imports the types alone.
addEventListener("message", async (event) => {
  try {
    await serve((event as MessageEvent<WorkerOrder>).data);
  } catch (error) {
    scope.postMessage({ message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
});
