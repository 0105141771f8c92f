/** cJSON, `cJSON_InitHooks`: a large document to a tree, and to text again. */

import { type NativeAllocator, openLibrary } from "../../mod.ts";
import { checksum, type Client, text, through } from "./client.ts";

const LIBRARY = "libcjson.so.1";

const SYMBOLS = {
  cJSON_InitHooks: { parameters: [/* cJSON_Hooks * */ "pointer"], result: "void" },
  cJSON_Parse: { parameters: ["buffer"], result: "pointer" },
  cJSON_GetArraySize: { parameters: ["pointer"], result: "i32" },
  cJSON_PrintUnformatted: { parameters: ["pointer"], result: "pointer" },
  cJSON_Delete: { parameters: ["pointer"], result: "void" },
  cJSON_free: { parameters: ["pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

function run(items: number, allocator: NativeAllocator | undefined): string {
  using library = openLibrary(LIBRARY, SYMBOLS);
  const c = library.symbols;
  const json = JSON.stringify(Array.from({ length: items }, (_, id) => ({
    id,
    name: `item ${id}`,
    tags: ["one", "two", `${id % 7}`],
    place: { x: id / 4, y: -id, far: id % 2 === 0 },
    note: id % 3 === 0 ? null : "a line of text\nand another",
  })));
  c.cJSON_InitHooks(allocator ? allocator.table("malloc", "free") : null);
  try {
    return through(allocator, () => {
      const tree = c.cJSON_Parse(text(json)), printed = tree === null ? null : c.cJSON_PrintUnformatted(tree);
      const result = printed === null ? undefined : Deno.UnsafePointerView.getCString(printed);
      const size = c.cJSON_GetArraySize(tree);
      c.cJSON_free(printed);
      c.cJSON_Delete(tree);
      if (result === undefined) throw new Error("cJSON has no memory");
      if (result !== json) throw new Error("cJSON lost something");
      return `${size} items, ${checksum(text(result))}`;
    });
  } finally {
    c.cJSON_InitHooks(null);
  }
}

/** See the module. */
export const CJSON: Client = {
  name: "cJSON",
  library: LIBRARY,
  file: "cjson.ts",
  amount: 50_000,
  debugAmount: 1_000,
  unit: "items",
  run,
};
