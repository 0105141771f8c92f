/** expat, its `XML_Memory_Handling_Suite`: a large document, in pieces, with a handler in TypeScript for each element. */

import { type NativeAllocator, openLibrary } from "../../mod.ts";
import { checksum, type Client, text, through } from "./client.ts";

const LIBRARY = "libexpat.so.1";

const SYMBOLS = {
  XML_ParserCreate_MM: {
    parameters: [/* encoding */ "pointer", "pointer", /* separator */ "pointer"],
    result: "pointer",
  },
  XML_ParserFree: { parameters: ["pointer"], result: "void" },
  XML_SetElementHandler: { parameters: ["pointer", "function", "pointer"], result: "void" },
  XML_Parse: { parameters: ["pointer", "buffer", "i32", "i32"], result: "i32" },
  XML_GetErrorCode: { parameters: ["pointer"], result: "i32" },
  XML_GetCurrentLineNumber: { parameters: ["pointer"], result: "u64" },
} as const satisfies Deno.ForeignLibraryInterface;

const PIECE = 65_536;

/** Names of elements and attributes repeat, values do not; some elements are nested deep. */
function documentOf(elements: number): Uint8Array<ArrayBuffer> {
  const lines = ['<?xml version="1.0"?>', "<all>"];
  for (let i = 1; i < elements; i++) {
    const depth = i % 100 === 0 ? 50 : 0;
    lines.push(
      "<deep>".repeat(depth) +
        `<item${i % 500} id="${i}" name="a name that is somewhat longer, number ${i}">text &amp; more of it</item${
          i % 500
        }>` +
        "</deep>".repeat(depth),
    );
  }
  return text([...lines, "</all>"].join("\n")).slice(0, -1);
}

function run(elements: number, allocator: NativeAllocator | undefined): string {
  using library = openLibrary(LIBRARY, SYMBOLS);
  const c = library.symbols, xml = documentOf(elements);
  const names: string[] = [];
  let started = 0;
  const start = new Deno.UnsafeCallback(
    { parameters: ["pointer", "pointer", "pointer"], result: "void" },
    (_userData, name) => {
      if (started++ % 1000 === 0) names.push(Deno.UnsafePointerView.getCString(name!));
    },
  );
  try {
    return through(allocator, () => {
      const parser = c.XML_ParserCreate_MM(null, allocator ? allocator.expatSuite : null, null);
      if (parser === null) throw new Error("expat has no memory");
      try {
        c.XML_SetElementHandler(parser, start.pointer, null);
        for (let at = 0; at < xml.length; at += PIECE) {
          const piece = xml.subarray(at, at + PIECE), isLast = at + PIECE >= xml.length;
          if (c.XML_Parse(parser, piece, piece.length, isLast ? 1 : 0) !== 1) {
            throw new Error(`expat: error ${c.XML_GetErrorCode(parser)} in line ${c.XML_GetCurrentLineNumber(parser)}`);
          }
        }
        return `${started} elements, ${c.XML_GetCurrentLineNumber(parser)} lines, ${checksum(text(names.join()))}`;
      } finally {
        c.XML_ParserFree(parser);
      }
    });
  } finally {
    start.close();
  }
}

/** See the module. */
export const EXPAT: Client = {
  name: "expat",
  library: LIBRARY,
  file: "expat.ts",
  amount: 100_000,
  debugAmount: 20_000,
  unit: "elements",
  run,
};
