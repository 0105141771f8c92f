/**
 * All clients.
 *
 * @module
 */

import { CJSON } from "./cjson.ts";
import { type Client, isInstalled } from "./client.ts";
import { EXPAT } from "./expat.ts";
import { GMP } from "./gmp.ts";
import { LUA } from "./lua.ts";
import { SQLITE } from "./sqlite.ts";
import { ZLIB } from "./zlib.ts";
import { ZSTD } from "./zstd.ts";

export const CLIENTS: readonly Client[] = [SQLITE, LUA, ZLIB, ZSTD, EXPAT, GMP, CJSON];
export { type Client, isInstalled };
