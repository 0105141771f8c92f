/** SQLite, all of its memory through `sqlite3_config(SQLITE_CONFIG_MALLOC)`: a table in memory, an index, deletes, a vacuum. */

import { type NativeAllocator, openLibrary } from "../../mod.ts";
import { type Client, text, through } from "./client.ts";

const LIBRARY = "libsqlite3.so.0";
const CONFIG_MALLOC = 4, CONFIG_GETMALLOC = 5, ROW = 100;

const SYMBOLS = {
  // int sqlite3_config(int, ...): variadic, which on these systems' processors is called alike
  sqlite3_config: { parameters: ["i32", "pointer"], result: "i32" },
  sqlite3_get_config: { name: "sqlite3_config", parameters: ["i32", "buffer"], result: "i32" },
  sqlite3_set_config: { name: "sqlite3_config", parameters: ["i32", "buffer"], result: "i32" },
  sqlite3_shutdown: { parameters: [], result: "i32" },
  sqlite3_open: { parameters: [/* file */ "buffer", /* sqlite3 ** */ "buffer"], result: "i32" },
  sqlite3_exec: { parameters: ["pointer", /* sql */ "buffer", "pointer", "pointer", "pointer"], result: "i32" },
  sqlite3_prepare_v2: { parameters: ["pointer", /* sql */ "buffer", "i32", "buffer", "pointer"], result: "i32" },
  sqlite3_step: { parameters: ["pointer"], result: "i32" },
  sqlite3_column_text: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_finalize: { parameters: ["pointer"], result: "i32" },
  sqlite3_close: { parameters: ["pointer"], result: "i32" },
  sqlite3_errmsg: { parameters: ["pointer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

const string = (pointer: Deno.PointerValue) => Deno.UnsafePointerView.getCString(pointer!);

function script(rows: number): string {
  return `
    create table item(id integer primary key, name text, price real, note blob);
    begin;
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
      insert into item select i, 'item ' || (i * 7919 % ${rows}), i * 0.25, zeroblob(i % 50) from n;
    commit;
    create index by_name on item(name);
    create index by_price on item(price, name);
    update item set name = name || ' (sold)' where id % 7 = 0;
    delete from item where id % 3 = 0;
    vacuum;`;
}

const QUERIES = [
  "pragma integrity_check",
  "select count(*) || ' ' || sum(price) || ' ' || sum(length(note)) from item",
  "select group_concat(name, ',') from (select name from item order by name desc, id limit 50)",
  "select group_concat(half || ' ' || c) from (select id % 10 half, count(distinct name) c from item group by 1 order by 1)",
];

function run(rows: number, allocator: NativeAllocator | undefined): string {
  using library = openLibrary(LIBRARY, SYMBOLS);
  const c = library.symbols, before = new BigUint64Array(8), out = new BigUint64Array(1);
  c.sqlite3_shutdown();
  c.sqlite3_get_config(CONFIG_GETMALLOC, before);
  if (allocator) c.sqlite3_config(CONFIG_MALLOC, allocator.sqliteMethods);
  try {
    return through(allocator, () => {
      if (c.sqlite3_open(text(":memory:"), out) !== 0) throw new Error("sqlite3_open failed");
      const db = Deno.UnsafePointer.create(out[0]!);
      const assertOk = (code: number) => {
        if (code !== 0) throw new Error(`SQLite: ${string(c.sqlite3_errmsg(db))}`);
      };
      try {
        assertOk(c.sqlite3_exec(db, text(script(rows)), null, null, null));
        return QUERIES.map((query) => {
          assertOk(c.sqlite3_prepare_v2(db, text(query), -1, out, null));
          const statement = Deno.UnsafePointer.create(out[0]!);
          const found: string[] = [];
          while (c.sqlite3_step(statement) === ROW) found.push(string(c.sqlite3_column_text(statement, 0)));
          assertOk(c.sqlite3_finalize(statement));
          return found.join("; ");
        }).join("\n");
      } finally {
        c.sqlite3_close(db);
      }
    });
  } finally {
    c.sqlite3_shutdown();
    if (allocator) c.sqlite3_set_config(CONFIG_MALLOC, before);
  }
}

/** See the module. */
export const SQLITE: Client = {
  name: "SQLite",
  library: LIBRARY,
  file: "sqlite.ts",
  amount: 200_000,
  debugAmount: 10_000,
  unit: "rows",
  run,
};
