/**
 * Functions of C in a line each, as a header has them, in place of the objects that Deno takes:
 *
 * ```
 *   "i32 (pointer, f64)"   ->   { parameters: ["pointer", "f64"], result: "i32" }
 * ```
 *
 * TypeScript reads the text as well: the types of parameters and results are those that Deno gives the object. What is
 * not a signature is an error of types, and one at run time.
 *
 * @module
 */

import { type Library, openForeignLibrary } from "../../os/mod.ts";
import { given, InvalidTypeError } from "../errors.ts";

/** What a parameter or a result may be: a record, so that the compiler says if one of Deno's is missing. */
const NAMES: Readonly<Record<Deno.NativeResultType & string, true>> = {
  u8: true,
  i8: true,
  u16: true,
  i16: true,
  u32: true,
  i32: true,
  u64: true,
  i64: true,
  usize: true,
  isize: true,
  f32: true,
  f64: true,
  bool: true,
  pointer: true,
  buffer: true,
  function: true,
  void: true,
};

/**
 * The parameters of a {@linkcode Signature}: what stands between its parentheses. Never where one is not one of Deno's
 * types.
 *
 * @example
 * ```ts
 * import { signature, type SignatureParameters } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const parameters: SignatureParameters<"pointer, f64"> = ["pointer", "f64"];
 * assertEquals(signature("i32 (pointer, f64)").parameters, parameters);
 * ```
 */
export type SignatureParameters<Text extends string, Before extends readonly Deno.NativeType[] = readonly []> =
  Text extends ` ${infer Rest}` | `${infer Rest} ` ? SignatureParameters<Rest, Before>
    : Text extends `${infer First} ,${infer Rest}` ? SignatureParameters<`${First},${Rest}`, Before>
    : Text extends `${infer First},${infer Rest}`
      ? First extends Deno.NativeType ? SignatureParameters<Rest, readonly [...Before, First]> : never
    : Text extends "" | "void" ? Before["length"] extends 0 ? readonly [] : never
    : Text extends Deno.NativeType ? readonly [...Before, Text]
    : never;

/**
 * What {@linkcode signature} makes of a text; `never` of one that is not a signature.
 *
 * @example
 * ```ts
 * import { type Signature, signature } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const compare: Signature<"i32 (pointer, pointer)"> = signature("i32 (pointer, pointer)");
 * assertEquals(compare.result, "i32");
 * ```
 */
export type Signature<Text extends string> = Text extends ` ${infer Rest}` | `${infer Rest} ` ? Signature<Rest>
  : Text extends `${infer Result} (${infer Rest}` ? Signature<`${Result}(${Rest}`>
  : Text extends `${infer Result}(${infer Parameters})`
    ? Result extends Deno.NativeResultType ? [SignatureParameters<Parameters>] extends [never] ? never
      : { readonly parameters: SignatureParameters<Parameters>; readonly result: Result }
    : never
  : never;

/**
 * What {@linkcode openLibrary} makes of the functions that it is given: what Deno takes.
 *
 * @example
 * ```ts
 * import { type Library, openLibrary, type Signatures } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * const functions = { abs: "i32 (i32)" } as const;
 * const libc: Library<Signatures<typeof functions>> = openLibrary(
 *   Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6",
 *   functions,
 * );
 * assertEquals(libc.symbols.abs(-3), 3);
 * libc.close();
 * ```
 */
export type Signatures<Given> = {
  readonly [Name in keyof Given]: Given[Name] extends string ? Signature<Given[Name]>
    : Given[Name] extends Deno.ForeignLibraryInterface[string] ? Given[Name]
    : never;
};

/**
 * A function of C by a line of text: its result, and its parameters in parentheses, in the names that Deno has for
 * C's types. It is what `Deno.UnsafeCallback` and `Deno.UnsafeFnPointer` take; {@linkcode openLibrary} takes those of a library.
 *
 * @param text such as `"i32 (pointer, f64)"`; without parameters `"void ()"`.
 * @throws {InvalidTypeError} for what is not a signature, or names a type that there is not.
 *
 * @example
 * ```ts
 * import { Heap, signature, struct } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using heap = await Heap.open();
 * using items = heap.structs(struct({ score: "f64" }), 2);
 * const [a, b] = [items.cursor(), items.cursor()];
 * const compare = new Deno.UnsafeCallback(
 *   signature("i32 (pointer, pointer)"),
 *   (x, y) => Math.sign(a.of(x!).score - b.of(y!).score),
 * );
 * compare.close();
 * assertEquals(signature("i32 (pointer, pointer)"), { parameters: ["pointer", "pointer"], result: "i32" });
 * ```
 */
export function signature<const Text extends string>(
  text: [Signature<Text>] extends [never] ? 'result (parameter, ...), such as "i32 (pointer, f64)"' : Text,
): Signature<Text> {
  return parsed(text) as Signature<Text>;
}

/**
 * Opens a library of C, for `using`: `Deno.dlopen` with its functions as {@linkcode signature} takes them, and an end.
 * What else Deno takes, such as a function that is `nonblocking` or a variable, may stand among them as Deno has it. A
 * call of a function costs what it costs with `Deno.dlopen`, whose functions they are.
 *
 * @param file its name, as the system's loader knows it, or its path.
 * @throws {InvalidTypeError} as `signature`, and names the function; and for a file that is not a text or a `file:` URL.
 * @throws {NativeAccessError} without `--allow-ffi`; `BAD_LIBRARY` for a library that cannot be loaded, or lacks one of
 * the functions, with Deno's error as its `cause`.
 * @throws {TypeError} Deno's, for a description in Deno's own form that it does not take.
 *
 * @example
 * ```ts
 * import { Heap, openLibrary } from "@hakmem/hakmem";
 * import { assertEquals } from "@std/assert";
 *
 * using libc = openLibrary(Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6", {
 *   strlen: "usize (pointer)",
 *   usleep: { parameters: ["u32"], result: "i32", nonblocking: true },
 * });
 * using heap = await Heap.open();
 * using scope = heap.scope();
 * assertEquals(libc.symbols.strlen(scope.pointer("hello")), 5n);
 * assertEquals(await libc.symbols.usleep(1), 0);
 * ```
 */
export function openLibrary<
  const Given extends Readonly<Record<string, string | Deno.ForeignLibraryInterface[string]>>,
>(
  file: string | URL,
  functions:
    & Given
    & {
      readonly [
        // What is not a signature has to be this text instead, as the compiler says then.
        Name in keyof Given
      ]: Given[Name] extends string
        ? [Signature<Given[Name]>] extends [never] ? 'result (parameter, ...), such as "i32 (pointer, f64)"'
        : Given[Name]
        : Given[Name];
    },
): Library<Signatures<Given>> {
  if (typeof file !== "string" && !(file instanceof URL && file.protocol === "file:" && file.host === "")) {
    const named = file instanceof URL ? file.href : given(file);
    throw new InvalidTypeError(`${named}: a library is the name of a file, its path or a file: URL.`);
  }
  if (typeof functions !== "object" || functions === null) throw wrong(functions, "the functions of a library");
  const symbols = Object.entries<unknown>(functions).map(([name, each]) => [
    name,
    typeof each === "object" && each !== null ? each : parsed(each, name),
  ]);
  return openForeignLibrary(file, Object.fromEntries(symbols)) as unknown as Library<Signatures<Given>>;
}

const SHAPE = /^\s*(\w+)\s*\(([^()]*)\)\s*$/;

function parsed(text: unknown, name = "a function"): { parameters: string[]; result: string } {
  const [, result, list] = (typeof text === "string" ? SHAPE.exec(text) : null) ?? [];
  if (result === undefined || list === undefined) throw wrong(text, name);
  const parameters = list.split(",").map((each) => each.trim());
  if (parameters.length === 1 && (parameters[0] === "" || parameters[0] === "void")) parameters.pop();
  if (!Object.hasOwn(NAMES, result)) throw wrong(text, name, result);
  const bad = parameters.find((each) => each === "void" || !Object.hasOwn(NAMES, each));
  if (bad !== undefined) throw wrong(text, name, bad);
  return { parameters, result };
}

function wrong(text: unknown, name: string, type?: string): InvalidTypeError {
  const why = type === undefined
    ? 'a signature is a result and parameters in parentheses, such as "i32 (pointer, f64)".'
    : `there is no such type as ${JSON.stringify(type)}. The types are: ${
      Object.keys(NAMES).join(", ")
    }; void is for a result.`;
  return new InvalidTypeError(`${given(text)} for ${name}: ${why}`);
}
