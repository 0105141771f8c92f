import { assertEquals, assertThrows } from "@std/assert";
import { checkSharedLibrary, findSharedLibrary, SharedLibraryError } from "../../../src/os/mod.ts";

const ON_LINUX = Deno.build.os === "linux";
const MACHINE = Deno.build.arch === "x86_64" ? 62 : 183, OTHER = Deno.build.arch === "x86_64" ? 183 : 62;

/** The beginning of an ELF file. */
function header(machine: number, type = 3): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, type, true);
  view.setUint16(18, machine, true);
  return bytes;
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "checkSharedLibrary() says what a file is instead (Linux only)",
  ignore: !ON_LINUX,
  fn: () =>
    inFolder(async (folder) => {
      const cases: [name: string, bytes: Uint8Array, says: string][] = [
        ["text.so", new TextEncoder().encode("#!/bin/sh\nexit 0\n"), "does not begin as an ELF file"],
        ["short.so", header(MACHINE).slice(0, 19), "does not begin as an ELF file"],
        ["empty.so", new Uint8Array(), "does not begin as an ELF file"],
        ["foreign.so", header(OTHER), `is built for ${OTHER === 62 ? "x86_64" : "aarch64"}, and this machine is`],
        ["narrow.so", header(3), "is built for 32-bit x86"],
        ["strange.so", header(999), "another processor (number 999)"],
        ["object.so", header(MACHINE, 1), "not a shared library: link it with cc -shared"],
      ];
      for (const [name, bytes, says] of cases) {
        const path = `${folder}/${name}`;
        await Deno.writeFile(path, bytes);
        const { message } = assertThrows(() => checkSharedLibrary(path), SharedLibraryError, says);
        assertEquals(message.startsWith(path), true, message);
      }
      assertThrows(() => checkSharedLibrary(`${folder}/none.so`), SharedLibraryError, "none.so does not exist");
      assertThrows(() => checkSharedLibrary(folder), SharedLibraryError, "cannot be read");
      await Deno.writeFile(`${folder}/fine.so`, header(MACHINE));
      checkSharedLibrary(`${folder}/fine.so`);
    }),
});

Deno.test({
  name:
    "findSharedLibrary() finds the newest one that this machine can load, in the order of names and folders (Linux only)",
  ignore: !ON_LINUX,
  fn: () =>
    inFolder(async (folder) => {
      const files: [path: string, machine: number][] = [
        ["a/libx.so.2", MACHINE],
        ["a/libx.so.10", MACHINE],
        ["a/libx.so.11", OTHER],
        ["a/libx-secure.so.12", MACHINE],
        ["a/libx.so.old", MACHINE],
        ["b/libx.so.20", MACHINE],
        ["b/liby.so", MACHINE],
        ["clang-9/lib/libz.so", MACHINE],
        ["clang-14/lib/libz.so", MACHINE],
        ["other-15/lib/libz.so", MACHINE],
      ];
      for (const [path, machine] of files) {
        await Deno.mkdir(`${folder}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
        await Deno.writeFile(`${folder}/${path}`, header(machine));
      }
      const find = (names: string[], ...folders: string[]) =>
        findSharedLibrary(names, folders.map((each) => `${folder}/${each}`))?.slice(folder.length + 1);
      assertEquals(find(["libx"], "none", "a", "b"), "a/libx.so.10");
      assertEquals(find(["libx"], "b", "a"), "b/libx.so.20");
      assertEquals(find(["liby", "libx"], "a", "b"), "b/liby.so");
      assertEquals(find(["libz"], "clang-*/lib"), "clang-14/lib/libz.so");
      assertEquals(find(["lib"], "a", "b"), undefined);
      assertEquals(find(["libx"]), undefined);
    }),
});
