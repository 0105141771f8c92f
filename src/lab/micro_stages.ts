/**
 * The stages of the fast path, each a few statements of JavaScript, and loops made of the first one, the first two, and
 * so on. What a stage costs is the difference between two loops: timing single calls would measure the clock.
 *
 * The loops are source text, compiled by V8 like any other; so each has code and type feedback of its own. They work on
 * blocks of a real heap. The lists are rings of blocks, so that a pop never finds one empty; the push that comes some
 * stages later puts the block back where it was.
 *
 * @module
 */
import { Heap, type Ptr } from "../heap/mod.ts";
import * as layout from "../heap/layout.ts";
import { inverseOf, sizeClasses } from "../heap/size_classes.ts";
import { viewState } from "../heap/state_view.ts";
import { HEADER_MAGIC } from "../heap/tiny.ts";

/** One stage. */
export interface Stage {
  readonly name: string;
  /** Statements; they may use what the stages before declared, and must leave something in `sink`. */
  readonly code: string;
  /** Whether the release path of a header variant has it, and so the sum that is compared with the whole. */
  readonly isOnFastPath: boolean;
}

const fast = (name: string, code: string): Stage => ({ name, code, isOnFastPath: true });
const extra = (name: string, code: string): Stage => ({ name, code, isOnFastPath: false });

/** In the order of the path: those of malloc, those of free, and then what only some variants or slow paths have. */
export const STAGES: readonly Stage[] = [
  fast("class lookup", "const k = words[CLASS_OF + ((size + 16) >> 4)]; sink = (sink + k) | 0;"),
  fast("pop", "const p = words[HEADS + k]; words[HEADS + k] = words[p >> 2]; sink = (sink + p) | 0;"),
  fast("list check", "if (tables[SLAB_MAP + (p >>> 16)] !== k) return fail(p);"),
  fast("header write", `u8[p - 1] = ${HEADER_MAGIC} | (k - 1);`),
  fast("boundary test", "if ((p & 0xfff) === 0) sink = (sink + 1) | 0;"),
  fast("header read", "const h = u8[p - 1]; sink = (sink + h) | 0;"),
  fast("magic and class check", `if ((h & 0xf0) !== ${HEADER_MAGIC}) return fail(p); const c = (h & 15) + 1;`),
  fast("capacity check", "const room = words[ROOMS + c]; if (!(room > 0)) return fail(p); words[ROOMS + c] = room;"),
  fast("again check", "if (words[HEADS + c] === p) return fail(p);"),
  fast("push", "words[p >> 2] = words[HEADS + c]; words[HEADS + c] = p;"),
  extra("header restore", `u8[p - 1] = ${HEADER_MAGIC} | (c - 1);`),
  extra("Box: class bounds", "if (!(c >= 1 && words[INVERSES + c] > 0)) return fail(p);"),
  extra("Box: atomic counter", "Atomics.add(tables, COUNTER, 1);"),
  extra("Box: guard", "if (!(p >= 65536)) return fail(p);"),
  extra(
    "Box: contamination",
    "const v = words[INVERSES + c] >>> 0; if (!((Math.imul((~p & 0xffff) + 1, v) >>> 0) < v)) return fail(p);",
  ),
  extra(
    "Box: head range, alignment",
    "const d = words[HEADS + c]; if (!(d >= 65536) || (d & 15) !== 0) return fail(d);",
  ),
  extra("registry lookup", "if (tables[SLAB_MAP + (p >>> 16)] !== c) return fail(p);"),
  extra("AllocHeader probe", "sink = (sink + words[(p - 16) >> 2]) | 0;"),
  extra(
    "Box: scan of 100 blocks",
    "for (let at = words[p >> 2], left = 100; left > 0; left--) { sink = (sink + at) | 0; at = words[at >> 2]; }",
  ),
];

/** Runs so many iterations; returns something that depends on all of them. */
export type Loop = (iterations: number) => number;

/** The loops: `loops[n]` has the first n stages. They are of a heap that lives as long as the process. */
export interface StageLoops {
  readonly loops: readonly Loop[];
  /** The real thing: malloc and free of a variant with these very stages, in the same loop. */
  readonly whole: Loop;
  /** What `whole` is. */
  readonly variant: string;
}

/** Sizes that the loops go through, over and over. */
const SIZES = 4096;
/** Blocks in the ring of each class. */
const RING = 128;

/** The release path of a header variant without `mincore`, which is a stage of its own in the report. */
const VARIANT = "phase7,c7=header,readable=never";

/** Makes the loops. */
export async function stageLoops(): Promise<StageLoops> {
  const heap = await Heap.open({ variant: VARIANT });
  const { strides, table, largest } = sizeClasses("seed", true);
  const own = heap.malloc(64 * layout.KIB) / 4;
  const offsets = { CLASS_OF: own, HEADS: own + 4096, ROOMS: own + 4352, INVERSES: own + 4608 };
  const words = new Int32Array(heap.u8.buffer, 0, layout.SMALL_SPACE_BYTES / 4), state = viewState(heap);
  words.set(table, offsets.CLASS_OF);
  words.set(strides.map(inverseOf), offsets.INVERSES);
  for (let sizeClass = 1; sizeClass < strides.length; sizeClass++) {
    const ring = Array.from({ length: RING }, (): Ptr => heap.malloc(strides[sizeClass]! - 1));
    ring.forEach((ptr, index) => words[ptr / 4] = ring[(index + 1) % RING]!);
    words[offsets.HEADS + sizeClass] = ring[0]!;
    words[offsets.ROOMS + sizeClass] = 100;
  }
  const sizes = Int32Array.from({ length: SIZES }, (_, index) => 1 + (index * 2_654_435_761 >>> 8) % (largest - 1));
  const loops = [];
  for (let count = 0; count <= STAGES.length; count++) {
    const body = STAGES.slice(0, count).map(({ code }) => code).join("\n");
    loops.push(
      compileLoop(`stages${count}`, body, { words, tables: state, u8: heap.u8, sizes, ...constants(offsets) }),
    );
  }
  const { malloc, free, u8 } = heap;
  const body = "const p = malloc(size); sink = (sink + p) | 0; free(p);";
  const whole = compileLoop("whole", body, { malloc, free, u8, words, sizes, ...constants(offsets) });
  return { loops, whole, variant: VARIANT };
}

function constants(offsets: Record<string, number>): Record<string, number> {
  return { ...offsets, SLAB_MAP: layout.SLAB_MAP_OFFSET / 4, COUNTER: layout.WORD_BOX_OPERATIONS };
}

/** A function that takes chunks of 10,000 iterations, each in a function that V8 optimises as a whole. */
function compileLoop(name: string, body: string, scope: Record<string, unknown>): Loop {
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
    let sink = 0;
    for (let left = iterations; left > 0; left -= CHUNK) sink = chunk(Math.min(left, CHUNK), sink, left, ...values);
    return sink;
  };
}

const CHUNK = 10_000;
