/**
 * SQLite with out-parameters: every call of its that gives a handle or a message writes it where a pointer leads to.
 * `deno run --allow-ffi bench/examples/sqlite.ts`; Debian has the library in libsqlite3-0.
 */
import { Heap, openLibrary } from "../../mod.ts";

using sqlite = openLibrary("libsqlite3.so.0", {
  sqlite3_open: "i32 (pointer, pointer)",
  sqlite3_exec: "i32 (pointer, pointer, pointer, pointer, pointer)",
  sqlite3_prepare_v2: "i32 (pointer, pointer, i32, pointer, pointer)",
  sqlite3_bind_text: "i32 (pointer, i32, pointer, i32, pointer)",
  sqlite3_step: "i32 (pointer)",
  sqlite3_reset: "i32 (pointer)",
  sqlite3_column_text: "pointer (pointer, i32)",
  sqlite3_finalize: "i32 (pointer)",
  sqlite3_free: "void (pointer)",
  sqlite3_close: "i32 (pointer)",
});
const { symbols: c } = sqlite;
const ROW = 100;

using heap = await Heap.open();
using scope = heap.scope(); // all that is made through it is freed at the end
const out = scope.out("pointer");

const db = out.after((at) => c.sqlite3_open(scope.pointer(":memory:"), at));
const prepare = (sql: string) => out.after((at) => c.sqlite3_prepare_v2(db, scope.pointer(sql), -1, at, null));

c.sqlite3_exec(db, scope.pointer("create table fruit(name text)"), null, null, null);
const message = out.after((at) => c.sqlite3_exec(db, scope.pointer("create tabel fruit"), null, null, at));
console.log("error:", heap.readCString(message!)); // SQLite's memory
c.sqlite3_free(message);

const insert = prepare("insert into fruit values (?)");
for (const name of ["Äpfel", "日本の梨", "🍌"]) {
  c.sqlite3_bind_text(insert, 1, scope.pointer(name), -1, null); // it stays where it is until the scope ends
  c.sqlite3_step(insert);
  c.sqlite3_reset(insert);
}
c.sqlite3_finalize(insert);

const select = prepare("select name from fruit order by rowid");
while (c.sqlite3_step(select) === ROW) console.log("row:", heap.readCString(c.sqlite3_column_text(select, 0)!));
c.sqlite3_finalize(select);
c.sqlite3_close(db);
