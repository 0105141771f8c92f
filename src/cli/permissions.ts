/**
 * What the commands need to be allowed, and what to type when they are not. Imports nothing: it runs before the rest.
 *
 * @module
 */

/** Why the lab needs each permission. */
const NEEDED = {
  ffi: "to map memory and to call malloc",
  read: "to load variants, and C sources to compile",
  write: "to keep what was compiled, and to write results",
  run: "to run the C compiler and the contestants",
  env: "to find the cache, and for NO_COLOR",
  sys: "to say which machine was measured",
} as const satisfies Partial<Record<Deno.PermissionName, string>>;

/**
 * Says which permissions are missing, and the command that has them; undefined if none is. Never prompts.
 *
 * @param args The arguments to repeat in that command.
 */
export function missingPermissions(args: readonly string[]): string | undefined {
  const missing = Object.entries(NEEDED).filter(([name]) => {
    const permission = { name } as Deno.PermissionDescriptor;
    return Deno.permissions.querySync(permission).state !== "granted";
  });
  if (missing.length === 0) return undefined;
  return [
    "hakmem's lab is not allowed what it needs:",
    ...missing.map(([name, reason]) => `  --allow-${name.padEnd(6)} ${reason}`),
    "The permissions are listed in deno.json, and -P grants them. Run this in the project's folder:",
    `  ${["deno run -P cli.ts", ...args.map(quoted)].join(" ")}`,
  ].join("\n");
}

/** An argument as a shell takes it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
