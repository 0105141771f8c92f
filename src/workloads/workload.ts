/**
 * What a workload is: a name, its parameters with their limits, and a loop over an `Allocator`.
 *
 * A turn starts from the seed and runs *units* of a fixed amount of work until it is long enough for
 * the clock. Each unit goes on where the one before it ended, for two reasons, both measured: a stream that starts
 * again every 20,000 cycles is learnt by the processor's branch predictor (the bare loop ran 1.9 times as fast), and to
 * empty the working set after each unit makes libc's malloc return its memory and fetch it back (3 times slower at 1
 * KiB).
 *
 * The checksum covers the stream of sizes and slots and never an address. So it is the same in TypeScript and in C
 * (`native/workloads/`), whatever the allocator, after the first unit and after any number of them.
 *
 * With several threads, each runs a runner of its own, with the seed plus the thread's number; or the blocks go from
 * thread to thread, in one of two ways ({@linkcode Workload.crossing}). All that a runner knows from one unit to the
 * next is in its slots and ints, so another thread can go on with them.
 *
 * How the loops are written (each point measured on Deno 2.9.6):
 * - The loop is a function that is called once per `CHUNK_ITERATIONS`. So V8 optimises the function itself; a loop
 *   entered once would be replaced on the stack, and its variables would stay tagged.
 * - Between calls the state (random stream, checksum, sink) waits in an `Int32Array`. Inside it is int32 locals: `| 0`,
 *   `^`, `<<`, `>>>` only.
 * - Nothing of an object is read inside, and nothing imported: the allocator's functions are captured
 *   ({@linkcode perAllocator}), arrays arrive as parameters, and constants are the module's own.
 *
 * How the loops of the two languages are levelled, by removing what one has alone (the machine code of both is read
 * with `objdump`; V8's comes from `--perf-prof`):
 * - No division and no modulo: a range is reduced by multiplication and shift of 32-bit integers. A processor may take
 *   5 ns to divide, on the way to a mispredicted branch, and V8 masks instead where the divisor is a power of two.
 * - What is chosen at random and not about a block is a mask where that is possible: a mispredicted branch costs more.
 * - The do-nothing allocator is inlined in both. The C twins call malloc directly, as any C program does, and are
 *   compiled with -O2, as most are: with -O3 short loops are unrolled whole, which V8 does not do.
 * - What V8 does and C does not stays: it checks the bounds of each slot and block, and in each iteration whether it
 *   was interrupted. That is hidden where the loop waits for something else, as for the random stream; so a loop has
 *   fewer instructions than that takes: tables made before the clock, one comparison where there were two, an array whose
 *   length is looked at once, before the loop. Comparisons are of signed numbers: V8 makes doubles of `>>> 0`. And a loop
 *   has no more variables than there are registers, or is two loops.
 * - `bench/twins.ts` shows what is left. Where it may be more than 15 %, the workload says so
 *   ({@linkcode Workload.loopsDiffer}).
 *
 * @module
 */
import type { Allocator } from "./allocator.ts";
import type { Workspace } from "./workspace.ts";

/** Iterations per call of a hot loop: enough that the call costs nothing, few enough to be optimised within a unit. */
export const CHUNK_ITERATIONS = 10_000;

/** Where a loop keeps its state between chunks: indices of an `Int32Array`. */
export const STATE = { RANDOM: 0, CHECKSUM: 1, SINK: 2, LENGTH: 3 } as const;

/** Why the shortest loops differ, as a workload's `loopsDiffer`. */
export const V8_CHECKS =
  "V8 checks the bounds of each slot and block, and in each iteration for interrupts; C does not";

/** Calls after which V8 keeps note of what it sees (its interrupt budget for that is some hundred bytecodes). */
const SEEN = 100;

/** A workload, bound to an allocator and to its parameters. */
export interface Runner {
  /** Before the clock starts: back to the seed. */
  begin(): void;
  /** One unit. */
  unit(): void;
  /** After the last unit, on the clock: what the workload does at its end. Returns how many operations that were. */
  drain(): number;
  /** After the clock has stopped: gives back what is left. */
  end(): void;
  /** 32 bits of the stream of sizes and slots since `begin`, as an unsigned number. */
  readonly checksum: number;
  /** The function that the time is spent in: the lab asks V8 for its tier. */
  // deno-lint-ignore ban-types
  readonly hot: Function;
}

/**
 * Makes a workload's loop, once for each allocator. V8 takes what the loop captures for constants then, as it does in a
 * program that has one allocator; of parameters it would compare each one in every iteration. It stops doing so when
 * the same source has become several closures, so a runner for another size must not make one more.
 */
export function perAllocator<Make extends (allocator: never) => unknown>(make: Make): Make {
  const made = new WeakMap<object, unknown>();
  return ((allocator: object & never) => {
    if (!made.has(allocator)) made.set(allocator, make(allocator));
    return made.get(allocator);
  }) as Make;
}

/**
 * Shows V8 what stands behind a loop, by calling it for no iterations. The first time, V8 replaces the loop while it
 * runs, by code that knows nothing of what follows: it was left again at each end, and only after hundreds of calls did
 * V8 compile the function itself. Until then random-mixed ran at 0.8 of its speed, for up to 60 ms in one process, not
 * at all in another.
 *
 * @param loop Gets a state that is not the workload's.
 */
export function seeEnd(loop: (scratch: Int32Array) => void): void {
  const scratch = new Int32Array(STATE.LENGTH + 1);
  for (let call = 0; call < SEEN; call++) loop(scratch);
}

/** Numbers by their name on the command line and in the line protocol: `{ "working-set": 8192 }`. */
export type Parameters = Readonly<Record<string, number>>;

/** One parameter: what it means, what it is if not given, and what is allowed. */
export interface ParameterSpec {
  readonly description: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** Only powers of two, so that the loop can mask instead of divide. */
  readonly powerOfTwo?: boolean;
}

/** A workload as the table holds it. */
export interface Workload {
  readonly name: string;
  readonly description: string;
  /** What one operation is, for the reports. */
  readonly operation: string;
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  /** What the parameters must satisfy together; returns what is wrong, or nothing. */
  readonly check?: (parameters: Parameters) => string | undefined;
  /** Where `size` is a parameter: the sizes that are measured if none are asked for; those of the command if absent. */
  readonly sizes?: readonly number[];
  /**
   * Where `size` is not a parameter: the size that stands for all of them in the results, a bound that none exceeds.
   */
  readonly largestSize?: (parameters: Parameters) => number;
  /** Operations of one unit of one thread; what `drain` adds is not among them. */
  readonly operationsPerUnit: (parameters: Parameters) => number;
  /**
   * How blocks cross from one thread to another; absent where none does.
   *
   * `successors`: a thread hands all that it has to a successor after each unit. There is one set of blocks more than
   * there are threads; a thread that has done a unit lets its set go, and takes the next that no one has.
   *
   * `together`: the runners of all threads know one another; their slots and ints are the same arrays.
   */
  readonly crossing?: "successors" | "together";
  /**
   * Why the loops of TypeScript and C cannot cost the same, as a sentence for people; absent where they do. What they
   * cost is what `none` takes in each language.
   */
  readonly loopsDiffer?: string;
  /** Whether it has a meaning without the crossing, too: each thread alone, with a heap of its own. */
  readonly canStayApart?: true;
  /** Which numbers of threads make sense; returns what is wrong with one, or nothing. */
  readonly checkThreads?: (threads: number) => string | undefined;
  readonly prepare: <P>(allocator: Allocator<P>, parameters: Parameters, workspace?: Workspace<P>) => Runner;
}

/** The seed that every workload has. Xorshift never leaves 0, so 0 is not a seed. */
export const SEED: ParameterSpec = {
  description: "start of the random stream",
  default: 12345,
  min: 1,
  max: 0xffff_ffff,
};

/** Parameter `name`, which the workload's table says is there. */
export function parameter(parameters: Parameters, name: string): number {
  const value = parameters[name];
  if (value === undefined) throw new Error(`parameter ${name} is missing`);
  return value;
}

/** What is wrong with `min` and `max`, an exclusive bound, if anything is. */
export function checkRange(parameters: Parameters): string | undefined {
  return parameter(parameters, "max") > parameter(parameters, "min")
    ? undefined
    : `--max ${parameters["max"]} is exclusive: it must be greater than --min ${parameters["min"]}`;
}
