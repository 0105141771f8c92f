import { assertEquals, assertThrows } from "@std/assert";
import { IdentityError, identityOf, LIBC } from "../../../src/lab/contest/identity.ts";

const LIBRARY = "/usr/lib/libx.so", C_LIBRARY = "/lib/libc.so.6";

function words(changes: Record<string, string> = {}, library = LIBRARY): string[] {
  const family = ["malloc", "free", "calloc", "realloc", "posix_memalign", "aligned_alloc"];
  const said = { ...Object.fromEntries(family.map((name) => [name, library])), fgets: C_LIBRARY, ...changes };
  return Object.entries(said).map(([name, value]) => `${name}=${value}`);
}

Deno.test("identityOf() gives the library and its version when it serves all functions", () => {
  assertEquals(identityOf(words({ version: "2.0.9", owned: "yes" }), LIBRARY), { library: LIBRARY, version: "2.0.9" });
  assertEquals(identityOf(words({ owned: "unknown" }), LIBRARY), { library: LIBRARY });
  assertEquals(identityOf(words({}, "/a%20folder/x%3Dy.so"), "/a folder/x=y.so"), { library: "/a folder/x=y.so" });
});

Deno.test("identityOf() takes the C library for system, wherever it is, and nothing else", () => {
  assertEquals(identityOf(words({}, C_LIBRARY), LIBC), { library: C_LIBRARY });
  assertThrows(() => identityOf(words(), LIBC), IdentityError, `its malloc is that of ${LIBRARY}, not of ${C_LIBRARY}`);
});

Deno.test("identityOf() throws, and says whose function it is, unless malloc and free are the library's", () => {
  for (const name of ["malloc", "free"]) {
    for (const other of [C_LIBRARY, "/usr/lib/liby.so", ""]) {
      const said = words({ [name]: other });
      assertThrows(
        () => identityOf(said, LIBRARY),
        IdentityError,
        `its ${name} is that of ${other}, not of ${LIBRARY}`,
      );
    }
  }
});

Deno.test("identityOf() lets the C library have what no workload mixes, and nobody else", () => {
  for (const name of ["calloc", "realloc", "posix_memalign", "aligned_alloc"]) {
    assertEquals(identityOf(words({ [name]: C_LIBRARY }), LIBRARY), { library: LIBRARY });
    assertThrows(() => identityOf(words({ [name]: "/usr/lib/liby.so" }), LIBRARY), IdentityError, `its ${name} is`);
  }
});

Deno.test("identityOf() throws when the library does not know its own block", () => {
  assertThrows(() => identityOf(words({ owned: "no" }), LIBRARY), IdentityError, "does not know the block");
});

Deno.test("identityOf() takes links for the file behind them", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [file, link] = [`${folder}/libx.so.1.2`, `${folder}/libx.so`];
    await Deno.writeTextFile(file, "");
    await Deno.symlink(file, link);
    assertEquals(identityOf(words({}, file), link), { library: link });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("identityOf() believes nothing but the C library where processes do not say it", () => {
  assertEquals(identityOf([], LIBC), { library: LIBC });
  assertThrows(() => identityOf([], LIBRARY), IdentityError, "cannot be told");
});
