/**
 * Copies of the project with a bug built in, to see that what checks a heap finds it. The bug is a change of the source's
 * text, so the product has no code for it; if the text is not there, planting fails.
 *
 * @module
 */

import { assertMatch } from "@std/assert";

const ROOT = new URL("../", import.meta.url);
const PARTS = ["mod.ts", "inspect.ts", "cli.ts", "deno.json", "deno.lock", "src", "native"];
/** The hot path of the default variant, and that of all others. */
const HOT_PATHS = ["src/heap/hot/default.ts", "src/heap/hot/template.ts"];
const COUNT_DOWN = "heap[rooms + sizeClass] = room - 1;";

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What is said of a free list on which something is that should not be, or of a block that is given out from there twice. */
const WRONG_LIST =
  /(a free block of class \d+ links to 0x[\da-f]+, which is not a block of that class|a block is on the free lists twice|the heap's tables (were overwritten|disagree): |OracleError: |DoubleFreeError: )/;

/**
 * Each bug, a variant that has it once it is planted, and what is said of it by whatever finds it: a copy that does not
 * run at all is none.
 */
const BUGS = {
  /** No header is ever written. */
  "drop-header": {
    variant: "phase7",
    said: /HeaderCorruptedError: the header in front of the block 0x[\da-f]+ is 0x0, not 0x/,
    changes: [
      { file: "src/heap/core/headers.ts", from: 'flags.header === "none" ? [] : this.#due', to: "[]" },
      { file: "src/heap/hot/constants.ts", from: 'hasHeader && flags.writeHeader === "alloc"', to: "false" },
    ],
  },
  /** One block in 256 that is freed links to itself. */
  "link-twice": {
    variant: "slab-map",
    said: WRONG_LIST,
    changes: HOT_PATHS.map((file) => ({
      file,
      from: COUNT_DOWN,
      to: `${COUNT_DOWN} if ((ptr & 0xff0) === 0) heap[(ptr + front) >>> 2] = ptr;`,
    })),
  },
  /** One block in 256 that is freed is not counted. */
  miscount: {
    variant: "slab-map",
    said: WRONG_LIST,
    changes: HOT_PATHS.map((file) => ({
      file,
      from: COUNT_DOWN,
      to: COUNT_DOWN.replace("room - 1", "(ptr & 0xff0) === 0 ? room : room - 1"),
    })),
  },
} as const satisfies Readonly<Record<string, { variant: string; said: RegExp; changes: readonly Change[] }>>;

/** What can be planted. */
export type Bug = keyof typeof BUGS;

/** All of them, each with a variant that has it. */
export const ALL_BUGS: readonly (readonly [bug: Bug, variant: string])[] = Object.entries(BUGS).map((
  [bug, { variant }],
) => [bug as Bug, variant]);

/** Fails if an error or a text is not what a bug makes a checker say. */
export function assertFound(bug: Bug, said: Error | string): void {
  const text = said instanceof Error ? `${said.name}: ${said.message}` : said;
  assertMatch(text.replace(/\s+/g, " "), BUGS[bug].said); // lines of the terminal may be broken anywhere
}

/** A copy of the project. */
export interface Planted extends Disposable {
  /** Its path, with a slash at the end. */
  readonly folder: string;
}

/** Makes a copy of the project that has a bug; its folder is deleted at the end of the scope. */
export async function plant(bug: Bug): Promise<Planted> {
  const folder = `${await Deno.makeTempDir({ prefix: `hakmem-${bug}-` })}/`;
  for (const part of PARTS) await copy(`${decodeURIComponent(ROOT.pathname)}${part}`, `${folder}${part}`);
  for (const { file, from, to } of BUGS[bug].changes) {
    const text = await Deno.readTextFile(`${folder}${file}`);
    if (text.split(from).length !== 2) throw new Error(`${file} does not have this once: ${from}`);
    await Deno.writeTextFile(`${folder}${file}`, text.replace(from, () => to));
  }
  return { folder, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

/** The heap of such a copy. */
export async function heapOf({ folder }: Planted): Promise<typeof import("../src/heap/mod.ts")> {
  return await import(`file://${folder}src/heap/mod.ts`);
}

/** Copies a file, or a folder with all that is in it. */
export async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}
