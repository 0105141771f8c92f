/** A fault in C: a debug build finds it, and shows where the client had the block allocated. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BufferOverflowError, Heap, type NativeAllocator, UseAfterFreeError } from "../../mod.ts";
import { compile, temporaryFolder } from "../os/run_child.ts";

const CLIENT = `
#include <stddef.h>
#include <string.h>
typedef void *(*allocate)(size_t);
typedef void (*release)(void *);
/* A copy of a name, in a block that has no room for its NUL. */
char *copy_name(allocate malloc, const char *name) {
  char *copy = malloc(strlen(name));
  return copy ? strcpy(copy, name) : NULL;
}
void forget(release free, char *name) { free(name); }
/* Writes to a block that it has freed. */
void forget_and_mark(release free, char *name) { free(name); name[0] = '!'; }
`;

const SYMBOLS = {
  copy_name: { parameters: ["function", "buffer"], result: "pointer" },
  forget: { parameters: ["function", "pointer"], result: "void" },
  forget_and_mark: { parameters: ["function", "pointer"], result: "void" },
} as const satisfies Deno.ForeignLibraryInterface;

type Client = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

async function withClient(use: (client: Client, heap: Heap) => void): Promise<void> {
  using folder = temporaryFolder();
  const path = `${folder.path}/client.so`;
  await Deno.writeTextFile(`${folder.path}/client.c`, CLIENT);
  // Else the compiler would see what is wrong here.
  const flags = "-O1 -fno-builtin -shared -fPIC -o".split(" ");
  const built = await compile("cc", [...flags, path, `${folder.path}/client.c`]);
  if (built === undefined) return console.log("skipped: there is no C compiler");
  assertEquals(built, { success: true, output: "" });
  const library = Deno.dlopen(path, SYMBOLS);
  try {
    using heap = await Heap.open({ build: "debug", log: () => {} });
    use(library.symbols, heap);
  } finally {
    library.close();
  }
}

const NAME = new TextEncoder().encode("a name of twenty-two B\0");

function storeName(client: Client, allocator: NativeAllocator): Deno.PointerValue {
  return allocator.call(() => client.copy_name(allocator.malloc, NAME));
}

Deno.test("an overflow in a C client is found by a debug build, with the stack of the client's allocation", () =>
  withClient((client, heap) => {
    const allocator = heap.nativeAllocator(), copy = storeName(client, allocator);
    const { message } = assertThrows(() => heap.check(), BufferOverflowError);
    assertMatch(message, /22 bytes/);
    assertMatch(message, /at storeName .*overflow_test\.ts/);
    // C's own free finds it, too, and the block stays.
    assertThrows(() => allocator.call(() => client.forget(allocator.free, copy)), BufferOverflowError, "storeName");
    assertEquals(allocator.blocks, 1);
    allocator.close({ abandon: true });
  }));

Deno.test("a write of a C client's to what it has freed is found by a debug build", () =>
  withClient((client, heap) => {
    using allocator = heap.nativeAllocator();
    const block = allocator.give(heap.malloc(100));
    allocator.call(() => client.forget_and_mark(allocator.free, block));
    assertThrows(() => heap.check(), UseAfterFreeError, "overflow_test.ts");
  }));
