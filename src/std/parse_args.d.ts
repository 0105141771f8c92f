/** The part of `@std/cli/parse-args` that this project uses, typed for options that are all strings. */

export interface ParseOptions<Names extends string> {
  /** Options whose value stays a string, as typed. */
  string: readonly Names[];
  /** Called for each argument that is not a known option; returning false drops it. */
  unknown?: (argument: string) => unknown;
}

export function parseArgs<Names extends string>(
  args: readonly string[],
  options: ParseOptions<Names>,
): { _: (string | number)[] } & Partial<Record<Names, string>>;
