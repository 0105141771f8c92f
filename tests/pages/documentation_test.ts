/**
 * What the library exports has documentation with an example, as `deno doc` sees it. That the examples run, `deno task verify`
 * says, which tries every one in the files that this finds.
 */

import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
/** Where `deno task verify` looks for examples. */
const TRIED = ["mod.ts", "inspect.ts", "src/heap/", "src/os/"];

interface Documented {
  readonly jsDoc?: { readonly doc?: string; readonly tags?: readonly { readonly kind: string }[] };
}
/** A method or a property of a class. */
interface Member extends Documented {
  readonly name: string;
  readonly kind?: string;
  readonly accessibility?: "private" | "protected";
  readonly tsType?: { readonly kind: string };
}
interface Declaration extends Documented {
  readonly kind: string;
  readonly location: { readonly filename: string };
  readonly def?: { readonly methods?: readonly Member[]; readonly properties?: readonly Member[] };
}
interface Documentation {
  readonly nodes: Record<
    string,
    { readonly symbols: { readonly name: string; readonly declarations: Declaration[] }[] }
  >;
}

function hasExample({ jsDoc }: Documented): boolean {
  return jsDoc?.tags?.some(({ kind }) => kind === "example") ?? false;
}

/** What a program may call of a class, but for what a keyword or a console calls: `[Symbol.dispose]` and its like. */
function callsOf({ kind, def }: Declaration): Member[] {
  if (kind !== "class") return [];
  const functions = (def?.properties ?? []).filter(({ tsType }) => tsType?.kind === "fnOrConstructor");
  return [...(def?.methods ?? []).filter(({ kind }) => kind === "method"), ...functions]
    .filter(({ name, accessibility }) => accessibility === undefined && !name.startsWith("["));
}

for (const entry of ["mod.ts", "inspect.ts"]) {
  Deno.test(`every symbol of ${entry}, and every method, has documentation with an example that is tried`, async () => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--json", entry],
      cwd: ROOT,
    }).output();
    assertEquals(code, 0);
    const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as Documentation;
    const symbols = Object.values(nodes).flatMap(({ symbols }) => symbols);
    assert(symbols.length >= 10, `${symbols.length} symbols`);
    for (const { name, declarations } of symbols) {
      const documented = declarations.find(hasExample);
      assert(documented !== undefined, `${name} has no @example`);
      assert((documented.jsDoc?.doc ?? "").length > 10, `${name} has an example and no sentence`);
      const calls = Map.groupBy(declarations.flatMap(callsOf), (call) => call.name); // one may have several signatures
      const without = [...calls].filter(([, signatures]) => !signatures.some(hasExample)).map(([call]) => call);
      assertEquals(without, [], `methods of ${name} without an example`);
      if (name === "Heap") assert(calls.size > 40 && calls.has("malloc"), `Heap has ${calls.size} methods`);
      const file = documented.location.filename.slice(ROOT.href.length);
      assert(TRIED.some((tried) => file.startsWith(tried)), `${name}: nothing tries the examples of ${file}`);
    }
  });
}

Deno.test("deno task verify tries the examples of every file that exports something", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))) as { tasks: { verify: string } };
  const command = tasks.verify.split("&&").find((step) => step.includes("--doc"));
  for (const tried of TRIED) assert(command?.split(" ").includes(tried.replace(/\/$/, "")), `${command}: no ${tried}`);
});
