/**
 * The command line: `deno run -P cli.ts <command>`. Permissions are checked before anything else is loaded, because the
 * libraries behind the commands read the environment when they are imported.
 *
 * @module
 */
import "./src/os/require_deno.ts";
import { ERROR } from "./src/cli/shared/exit_codes.ts";
import { missingPermissions } from "./src/cli/permissions.ts";

const missing = missingPermissions(Deno.args);
if (missing !== undefined) {
  console.error(missing);
  Deno.exit(ERROR);
}
const { main } = await import("./src/cli/main.ts");
Deno.exit(await main(Deno.args));
