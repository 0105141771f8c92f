/**
 * The names of native code: from an address in a module, an executable or a library, to the functions there.
 * `addr2line` says what debug information says, functions that were inlined among them, with file and line; where there is
 * none `nm` says in which function's bytes the address lies, and an address between functions gets no name. A module is asked
 * once for all of its addresses.
 *
 * A file that was changed since the recording is known by its build id, and not asked: its names would be those of other
 * addresses.
 *
 * @module
 */
import type { Frame } from "../../profile/mod.ts";
import { commandOutput } from "../../os/mod.ts";
import type { TraceModule } from "../../traces/mod.ts";

/** Addresses in a module's file. */
export interface ModuleAddresses {
  readonly module: TraceModule;
  readonly offsets: readonly number[];
}

/** The calls at each address: several if functions were inlined, the innermost first. */
export type Symbols = ReadonlyMap<number, readonly Frame[]>;

/** A module that the kernel maps into each process. */
const KERNELS = "linux-vdso.so.1";

/** What was found, and what a reader should know of it. */
export interface Symbolised {
  /** In the order of the modules. */
  readonly symbols: readonly Symbols[];
  /** A sentence each, without an end. */
  readonly notes: readonly string[];
}

/** Finds names; needs `addr2line` and `nm` of GNU's or LLVM's binutils, and does without where there are none. */
export async function symbolise(all: readonly ModuleAddresses[], signal?: AbortSignal): Promise<Symbolised> {
  const symbols: Symbols[] = [], notes: string[] = [];
  const hasTools = await commandOutput("addr2line", ["--version"]) !== undefined;
  if (!hasTools) notes.push("addr2line is not installed (Debian: binutils), so there are few names or none");
  for (const { module, offsets } of all) {
    signal?.throwIfAborted();
    const why = await distrust(module);
    if (why !== undefined && module.path !== KERNELS) notes.push(`no names for ${module.path}: ${why}`);
    symbols.push(why === undefined ? await symbolsOf(module, offsets, hasTools) : bare(module, offsets));
  }
  return { symbols, notes };
}

/** Why a module's file cannot be asked; undefined if it can. */
async function distrust({ path, buildId }: TraceModule): Promise<string | undefined> {
  if (!path.startsWith("/")) return "it is known by no path";
  try {
    if (!Deno.statSync(path).isFile) return "it is not a file";
  } catch {
    return "it is no longer there";
  }
  if (buildId === "") return undefined;
  const notes = await commandOutput("readelf", ["-n", path]);
  const found = notes === undefined ? undefined : /Build ID: ([0-9a-f]+)/.exec(notes)?.[1];
  return found === undefined || found === buildId ? undefined : "it is another file now, by its build id";
}

function bare({ path, buildId }: TraceModule, offsets: readonly number[]): Symbols {
  return new Map(offsets.map((offset) => [offset, [{ ...nowhere(path, buildId, offset) }]]));
}

/** An address without a name. */
function nowhere(module: string, buildId: string, offset: number): Frame {
  return { function: "", file: "", line: 0, address: BigInt(offset), module, buildId };
}

async function symbolsOf(module: TraceModule, offsets: readonly number[], hasTools: boolean): Promise<Symbols> {
  const { path, buildId } = module;
  const lines = hasTools ? await linesOf(path, offsets) : new Map<number, readonly Line[]>();
  const isKnown = (found: readonly Line[] | undefined) => found?.[0] !== undefined && found[0].file !== "";
  const functions = offsets.every((offset) => isKnown(lines.get(offset))) ? [] : await functionsOf(path);
  return new Map(offsets.map((offset) => {
    const bare = nowhere(path, buildId, offset), found = lines.get(offset);
    if (found !== undefined && isKnown(found)) return [offset, found.map((line) => ({ ...bare, ...line }))];
    const name = functionAt(functions, offset);
    return [offset, [name === undefined ? bare : { ...bare, function: name }]];
  }));
}

/** What addr2line says of a call. */
type Line = Pick<Frame, "function" | "file" | "line">;

/** What debug information says of addresses; of a file without any it is empty names. */
async function linesOf(path: string, offsets: readonly number[]): Promise<Map<number, readonly Line[]>> {
  const input = offsets.map((offset) => `0x${offset.toString(16)}\n`).join("");
  const text = await commandOutput("addr2line", ["-e", path, "-a", "-f", "-i", "-C"], input);
  return text === undefined ? new Map() : parseLines(text);
}

/** Parses what `addr2line -a -f -i` prints: an address, then a name and `file:line` for each call there. */
export function parseLines(text: string): Map<number, readonly Line[]> {
  const found = new Map<number, Line[]>();
  const lines = text.split("\n");
  let calls: Line[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (/^0x[0-9a-f]+$/.test(line)) {
      found.set(Number(line), calls = []);
    } else if (at + 1 < lines.length) {
      const [, file = "", number = ""] = /^(.*):(\d+|\?)(?: \(discriminator \d+\))?$/.exec(lines[++at]!) ?? [];
      const name = line === "??" ? "" : line;
      calls.push({ function: name, file: file === "??" ? "" : file, line: number === "?" ? 0 : Number(number) });
    }
  }
  return found;
}

/** Where a function lies in a file. */
interface Extent {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** The functions of a file by address; those that it exports if it was stripped. */
async function functionsOf(path: string): Promise<readonly Extent[]> {
  for (const table of [[], ["-D"]]) {
    const text = await commandOutput("nm", [...table, "--defined-only", "-S", "-C", path]);
    const functions = parseFunctions(text ?? "");
    if (functions.length > 0) return functions;
  }
  return [];
}

/** Parses what `nm -S` prints: address, size, type and name. */
export function parseFunctions(text: string): readonly Extent[] {
  const extents = text.split("\n").flatMap((line) => {
    const [, address, size, type = "", name = ""] = /^([0-9a-f]+) ([0-9a-f]+) (\S) (.+)$/.exec(line) ?? [];
    if (address === undefined || !"tTwWiuV".includes(type)) return [];
    const start = parseInt(address, 16);
    return [{ start, end: start + parseInt(size!, 16), name: name.replace(/@.*$/, "") }];
  });
  return extents.toSorted((a, b) => a.start - b.start);
}

function functionAt(functions: readonly Extent[], offset: number): string | undefined {
  let low = 0, high = functions.length; // the first that begins after the address
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (functions[middle]!.start <= offset) low = middle + 1;
    else high = middle;
  }
  const candidates = functions.slice(Math.max(0, low - ALIASES), low).toReversed();
  return candidates.find(({ end }) => offset < end)?.name;
}

/** Names that a function may have; of functions that lie within another one, the inner one comes first. */
const ALIASES = 8;
