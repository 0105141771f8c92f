/** What tests of the source itself read: its files, and their text. */

const ROOT = new URL("../", import.meta.url);

/** By path from the project's folder: the text of a file. */
export type Sources = ReadonlyMap<string, string>;

/** The files below a folder of the project, by their paths from its root. */
export function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(new URL(`${folder}/`, ROOT))].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(`${folder}/${name}`) : `${folder}/${name}`
  );
}

/** The source: what is TypeScript and no test. */
export const SOURCES: Sources = new Map(
  ["mod.ts", "inspect.ts", "cli.ts", ...filesBelow("src").filter((file) => file.endsWith(".ts"))].map((file) => [
    file,
    Deno.readTextFileSync(new URL(file, ROOT)),
  ]),
);
