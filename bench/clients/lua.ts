/** Lua 5.4, its `lua_Alloc`: tables, strings and closures, most of which die young. */

import { type NativeAllocator, openLibrary } from "../../mod.ts";
import { type Client, text, through } from "./client.ts";

const LIBRARY = "liblua5.4.so.0";

const SYMBOLS = {
  lua_newstate: { parameters: ["function", "pointer"], result: "pointer" },
  luaL_newstate: { parameters: [], result: "pointer" },
  luaL_openlibs: { parameters: ["pointer"], result: "void" },
  luaL_loadstring: { parameters: ["pointer", "buffer"], result: "i32" },
  lua_pcallk: { parameters: ["pointer", "i32", "i32", "i32", "isize", "pointer"], result: "i32" },
  lua_tolstring: { parameters: ["pointer", "i32", "pointer"], result: "pointer" },
  lua_close: { parameters: ["pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

const script = (rounds: number) => `
  local live, sum = {}, 0
  for i = 1, ${rounds} do
    live[i % 5000 + 1] = { x = i, name = "item " .. i, f = function() return i end }
    local other = live[(i * 7919) % 5000 + 1]
    if other then sum = sum + other.f() + #other.name end
  end
  local parts = {}
  for i = 1, 2000 do parts[#parts + 1] = string.rep("x", i) end
  local all = table.concat(parts)
  collectgarbage()
  return sum .. " " .. #all`;

function run(rounds: number, allocator: NativeAllocator | undefined): string {
  using library = openLibrary(LIBRARY, SYMBOLS);
  const c = library.symbols;
  return through(allocator, () => {
    const state = allocator ? c.lua_newstate(allocator.luaAlloc, null) : c.luaL_newstate();
    if (state === null) throw new Error("Lua has no memory");
    try {
      c.luaL_openlibs(state);
      const failed = c.luaL_loadstring(state, text(script(rounds))) || c.lua_pcallk(state, 0, 1, 0, 0n, null);
      const result = Deno.UnsafePointerView.getCString(c.lua_tolstring(state, -1, null)!);
      if (failed) throw new Error(`Lua: ${result}`);
      return result;
    } finally {
      c.lua_close(state);
    }
  });
}

/** See the module. */
export const LUA: Client = {
  name: "Lua",
  library: LIBRARY,
  file: "lua.ts",
  amount: 500_000,
  debugAmount: 5_000,
  unit: "rounds",
  run,
};
