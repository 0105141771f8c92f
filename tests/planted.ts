/**
 * Copies of the project with a bug built in, to see that what checks a heap finds it. The bug is a change of the source's
 * text, so the product has no code for it; if the text is not there, planting fails.
 *
 * @module
 */

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

/** Each bug, and a variant that has it once it is planted. */
const BUGS = {
  /** No header is ever written. */
  "drop-header": {
    variant: "phase7",
    changes: [
      { file: "src/heap/core/headers.ts", from: 'flags.header === "none" ? [] : this.#due', to: "[]" },
      { file: "src/heap/hot/constants.ts", from: 'hasHeader && flags.writeHeader === "alloc"', to: "false" },
    ],
  },
  /** One block in 256 that is freed links to itself. */
  "link-twice": {
    variant: "slab-map",
    changes: HOT_PATHS.map((file) => ({
      file,
      from: COUNT_DOWN,
      to: `${COUNT_DOWN} if ((ptr & 0xff0) === 0) heap[(ptr + front) >>> 2] = ptr;`,
    })),
  },
  /** One block in 256 that is freed is not counted. */
  miscount: {
    variant: "slab-map",
    changes: HOT_PATHS.map((file) => ({
      file,
      from: COUNT_DOWN,
      to: COUNT_DOWN.replace("room - 1", "(ptr & 0xff0) === 0 ? room : room - 1"),
    })),
  },
} as const satisfies Readonly<Record<string, { variant: string; changes: readonly Change[] }>>;

/** What can be planted. */
export type Bug = keyof typeof BUGS;

/** All of them, each with a variant that has it. */
export const ALL_BUGS: readonly (readonly [bug: Bug, variant: string])[] = Object.entries(BUGS).map((
  [bug, { variant }],
) => [bug as Bug, variant]);

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
