/**
 * Loops made of the first stage of a path, of the first two, and so on. What a stage costs is the difference between two
 * loops: timing single calls would measure the clock.
 *
 * The loops are source text, compiled by V8 like any other; so each has code and type feedback of its own. They work on
 * blocks of a real heap. The lists are rings of blocks, so that a pop never finds one empty; the push that comes some
 * stages later puts the block back where it was.
 *
 * @module
 */
import type { Heap } from "../../heap/mod.ts";

/** One stage. */
export interface Stage {
  readonly name: string;
  /** Statements; they may use what the stages before declared, and must leave something in `sink`. */
  readonly code: string;
  /** Whether the whole has it, and so the sum that is compared with the whole. */
  readonly isOnFastPath: boolean;
}

/** A stage that the whole has, too. */
export const fast = (name: string, code: string): Stage => ({ name, code, isOnFastPath: true });
/** A stage that it does not have. */
export const extra = (name: string, code: string): Stage => ({ name, code, isOnFastPath: false });

/** Runs so many iterations; returns something that depends on all of them. */
export type Loop = (iterations: number) => number;

/** The loops of a path: `loops[n]` has the first n stages. They are of a heap that lives as long as the process. */
export interface StageLoops {
  readonly stages: readonly Stage[];
  readonly loops: readonly Loop[];
  /** The real thing: malloc and free of a variant with these very stages, in the same loop. */
  readonly whole: Loop;
  /** What `whole` is. */
  readonly variant: string;
}

/** Sizes that the loops go through, over and over: the history's small ones, in no order. */
export const LARGEST_SIZE = 2047;
const SIZES = 4096;

/**
 * Makes the loops of a path.
 *
 * @param scope what the stages may use: numbers become constants, as they are in a heap's code
 * @param reset called before each run
 */
export function stageLoops(
  variant: string,
  { malloc, free }: Heap,
  stages: readonly Stage[],
  scope: Readonly<Record<string, unknown>>,
  reset: () => void = () => {},
): StageLoops {
  const sizes = Int32Array.from(
    { length: SIZES },
    (_, index) => 1 + (index * 2_654_435_761 >>> 8) % (LARGEST_SIZE - 1),
  );
  const loops = [];
  for (let count = 0; count <= stages.length; count++) {
    const body = stages.slice(0, count).map(({ code }) => code).join("\n");
    loops.push(compileLoop(`stages${count}`, body, { ...scope, sizes }, reset));
  }
  const body = "const p = malloc(size); sink = (sink + p) | 0; free(p);";
  return { variant, stages, loops, whole: compileLoop("whole", body, { ...scope, malloc, free, sizes }, reset) };
}

/** A function that takes chunks of 10,000 iterations, each in a function that V8 optimises as a whole. */
function compileLoop(name: string, body: string, scope: Record<string, unknown>, reset: () => void): Loop {
  const numbers = Object.entries(scope).filter(([, value]) => typeof value === "number");
  const objects = Object.entries(scope).filter(([, value]) => typeof value !== "number");
  const source = `
    const fail = (p) => { throw new Error("stage: " + p); };
    ${numbers.map(([key, value]) => `const ${key} = ${value};`).join("\n")}
    function ${name}(iterations, sink, start, ${objects.map(([key]) => key).join(", ")}) {
      for (let i = 0; i < iterations; i++) {
        const size = sizes[(start + i) & ${SIZES - 1}];
        sink = (sink + size) | 0;
        ${body}
      }
      return sink;
    }
    return ${name};`;
  const chunk = new Function(source)() as (
    iterations: number,
    sink: number,
    start: number,
    ...objects: unknown[]
  ) => number;
  const values = objects.map(([, value]) => value);
  return (iterations) => {
    reset();
    let sink = 0;
    for (let left = iterations; left > 0; left -= CHUNK) sink = chunk(Math.min(left, CHUNK), sink, left, ...values);
    return sink;
  };
}

const CHUNK = 10_000;
