import { assertEquals, assertThrows } from "@std/assert";
import { assertWritable, fileIdentity, replaceFile } from "../../../src/os/mod.ts";

function withFolder(use: (folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).toSorted();

Deno.test("replaceFile() makes a file, replaces one, and leaves nothing beside it", () =>
  withFolder((folder) => {
    replaceFile(`${folder}/a`, "first");
    replaceFile(`${folder}/a`, new Uint8Array([0x32]));
    assertEquals(Deno.readTextFileSync(`${folder}/a`), "2");
    assertEquals(namesIn(folder), ["a"]);
  }));

Deno.test("replaceFile() writes pieces, also in place, and leaves what was there if one of them cannot be made", () =>
  withFolder((folder) => {
    const pieces = ["one ", "two ", "three"].map((text) => new TextEncoder().encode(text));
    Deno.writeTextFileSync(`${folder}/a`, "old and longer than what is written");
    replaceFile(`${folder}/a`, pieces);
    assertEquals(Deno.readTextFileSync(`${folder}/a`), "one two three");
    replaceFile("/dev/null", pieces);
    const broken = function* () {
      yield pieces[0]!;
      throw new RangeError("no second piece");
    };
    assertThrows(() => replaceFile(`${folder}/a`, { [Symbol.iterator]: broken }), RangeError, "no second piece");
    assertEquals(Deno.readTextFileSync(`${folder}/a`), "one two three");
    assertEquals(namesIn(folder), ["a"]);
  }));

Deno.test("replaceFile() keeps the mode of a file, and a link that leads to it", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/real`, "old", { mode: 0o640 });
    Deno.chmodSync(`${folder}/real`, 0o640);
    Deno.symlinkSync("real", `${folder}/link`);
    replaceFile(`${folder}/link`, "new");
    assertEquals(Deno.lstatSync(`${folder}/link`).isSymlink, true);
    assertEquals(Deno.readTextFileSync(`${folder}/real`), "new");
    assertEquals(Deno.statSync(`${folder}/real`).mode! & 0o777, 0o640);
  }));

Deno.test("replaceFile() follows a link to a file that is not there yet", () =>
  withFolder((folder) => {
    Deno.symlinkSync("later", `${folder}/link`);
    replaceFile(`${folder}/link`, "new");
    assertEquals(Deno.readTextFileSync(`${folder}/later`), "new");
  }));

Deno.test("replaceFile() writes devices in place", () => {
  replaceFile("/dev/null", "gone");
  assertEquals(Deno.statSync("/dev/null").isFile, false);
});

Deno.test("replaceFile() takes a name as long as names may be", () =>
  withFolder((folder) => {
    const name = "n".repeat(255);
    replaceFile(`${folder}/${name}`, "long");
    assertEquals(namesIn(folder), [name]);
  }));

Deno.test("assertWritable() leaves nothing, changes nothing, and refuses what cannot be written", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/old`, "old");
    assertWritable(`${folder}/old`);
    assertWritable(`${folder}/new`);
    assertEquals(namesIn(folder), ["old"]);
    assertEquals(Deno.readTextFileSync(`${folder}/old`), "old");
    assertThrows(() => assertWritable(folder), Deno.errors.IsADirectory);
    assertThrows(() => assertWritable(`${folder}/none/x`), Deno.errors.NotFound);
  }));

Deno.test("fileIdentity() is that of the file, whatever it is called", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/a`, "");
    Deno.writeTextFileSync(`${folder}/b`, "");
    Deno.symlinkSync("a", `${folder}/link`);
    Deno.linkSync(`${folder}/a`, `${folder}/hard`);
    const identity = fileIdentity(`${folder}/a`);
    for (const name of ["link", "hard", "../" + folder.split("/").at(-1) + "/a"]) {
      assertEquals(fileIdentity(`${folder}/${name}`), identity, name);
    }
    assertEquals(fileIdentity(`${folder}/b`) === identity, false);
    Deno.symlinkSync(folder, `${folder}/self`);
    assertEquals(fileIdentity(`${folder}/none`), fileIdentity(`${folder}/self/none`));
    assertEquals(fileIdentity("/dev/null"), undefined);
  }));
