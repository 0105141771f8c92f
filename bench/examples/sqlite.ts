/**
 * SQLite with out-parameters: every call of its that gives a handle or a message writes it where a pointer leads to.
 * `deno run --allow-ffi bench/examples/sqlite.ts`; Debian has the library in libsqlite3-0.
 */
import { Heap } from "../../mod.ts";

const { symbols: c } = Deno.dlopen("libsqlite3.so.0", {
  sqlite3_open: { parameters: ["pointer", "pointer"], result: "i32" },
  sqlite3_exec: { parameters: ["pointer", "pointer", "pointer", "pointer", "pointer"], result: "i32" },
  sqlite3_prepare_v2: { parameters: ["pointer", "pointer", "i32", "pointer", "pointer"], result: "i32" },
  sqlite3_bind_text: { parameters: ["pointer", "i32", "pointer", "i32", "pointer"], result: "i32" },
  sqlite3_step: { parameters: ["pointer"], result: "i32" },
  sqlite3_reset: { parameters: ["pointer"], result: "i32" },
  sqlite3_column_text: { parameters: ["pointer", "i32"], result: "pointer" },
  sqlite3_finalize: { parameters: ["pointer"], result: "i32" },
  sqlite3_free: { parameters: ["pointer"], result: "void" },
  sqlite3_close: { parameters: ["pointer"], result: "i32" },
});
const ROW = 100;

using heap = await Heap.open();
using scope = heap.scope(); // all that is made through it is freed at the end
const text = (value: string) => heap.pointer(scope.cstring(value));
const handle = scope.out("pointer"), message = scope.out("pointer");

c.sqlite3_open(text(":memory:"), handle.pointer);
const db = handle.value;
const prepare = (sql: string) => {
  c.sqlite3_prepare_v2(db, text(sql), -1, handle.pointer, null);
  return handle.value;
};

c.sqlite3_exec(db, text("create table fruit(name text)"), null, null, null);
c.sqlite3_exec(db, text("create tabel fruit"), null, null, message.pointer);
console.log("error:", heap.readCString(message.value!)); // SQLite's memory
c.sqlite3_free(message.value);

const insert = prepare("insert into fruit values (?)");
for (const name of ["Äpfel", "日本の梨", "🍌"]) {
  c.sqlite3_bind_text(insert, 1, text(name), -1, null); // it stays where it is until the scope ends
  c.sqlite3_step(insert);
  c.sqlite3_reset(insert);
}
c.sqlite3_finalize(insert);

const select = prepare("select name from fruit order by rowid");
while (c.sqlite3_step(select) === ROW) console.log("row:", heap.readCString(c.sqlite3_column_text(select, 0)!));
c.sqlite3_finalize(select);
c.sqlite3_close(db);
