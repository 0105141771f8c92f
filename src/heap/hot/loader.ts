/**
 * Loads the hot path for a set of flags. That of the default is a file, so that bundlers see it; the others are generated
 * from the template's text when they are first opened, and imported from memory: no file is written, and none is read,
 * since the text is a part of the program as its modules are. So no permission is needed, and a program that opens no
 * variant does not load the template.
 *
 * One module serves all heaps of a set of flags, one after another and at once: each has functions of its own from it.
 * Sets of flags that do not change the hot path have modules of their own, too, and so type feedback of their own.
 *
 * @module
 */

import { type Flags, flagsToQuery } from "../flags.ts";
import { DEFAULT_VARIANT, VARIANTS } from "../variants.ts";
import { hideModule } from "../stacks/capture.ts";
import { compile as compileDefault } from "./default.ts";
import type { Compile } from "./parts.ts";

const DEFAULT_QUERY = flagsToQuery(VARIANTS[DEFAULT_VARIANT]!);

/** By the flags, as a query: those that are loaded, or on their way. */
const loaded = new Map([[DEFAULT_QUERY, Promise.resolve<Compile>(compileDefault)]]);

/** The hot path for these flags if they are the default's, which is there from the start. */
export function loadedHotPath(flags: Flags): Compile | undefined {
  return flagsToQuery(flags) === DEFAULT_QUERY ? compileDefault : undefined;
}

/** The hot path for these flags. Cost: the first time for a set of flags, generating and compiling it, some milliseconds. */
export function loadHotPath(flags: Flags): Promise<Compile> {
  const query = flagsToQuery(flags);
  let hotPath = loaded.get(query);
  if (hotPath === undefined) loaded.set(query, hotPath = load(flags));
  return hotPath;
}

async function load(flags: Flags): Promise<Compile> {
  const { hotPathSource } = await import("./source.ts");
  // Stacks and V8's own traces show it as a file of this folder.
  const source = `${hotPathSource(flags)}//# sourceURL=${new URL("./generated.ts", import.meta.url).href}\n`;
  const url = URL.createObjectURL(new Blob([source], { type: "application/typescript" }));
  try {
    hideModule(url);
    const { compile } = await import(url) as { compile: Compile };
    return compile;
  } finally {
    URL.revokeObjectURL(url);
  }
}
