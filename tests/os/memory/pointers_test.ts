/** Addresses, pointers and views, and libc's allocator through FFI. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { addressOf, openLibcAllocator, OsError, pointerOf, viewMemory } from "../../../src/os/mod.ts";

const { malloc, free } = openLibcAllocator();
const usableSize = Deno.build.os === "linux"
  ? Deno.dlopen("libc.so.6", { malloc_usable_size: { parameters: ["u64"], result: "u64" } }).symbols.malloc_usable_size
  : undefined;

Deno.test("pointerOf() and addressOf() are each other's inverse", () => {
  for (const address of [1n, 4096n, (1n << 47n) - 1n, (1n << 53n) + 1n]) {
    assertEquals(addressOf(pointerOf(address)), address);
  }
});

Deno.test("pointerOf() and viewMemory() throw OsError when the address is 0", () => {
  for (const call of [() => pointerOf(0n), () => viewMemory(0n, 16)]) {
    assertEquals(assertThrows(call, OsError, "address 0").code, "EFAULT");
  }
});

Deno.test("viewMemory() shows the memory itself", () => {
  const address = malloc(64);
  const [bytes, words] = [new Uint8Array(viewMemory(address, 64)), new Uint32Array(viewMemory(address + 4n, 4))];
  bytes.fill(0);
  words[0] = 0x04030201;
  assertEquals([...bytes.subarray(3, 9)], [0, 1, 2, 3, 4, 0]);
  free(address);
});

Deno.test("malloc() and free() of libc take every size, also when V8 has compiled the call", () => {
  const sizes = [0, 1, 16, 100, 4096, 100_000];
  let sum = 0n;
  for (let i = 0; i < 200_000; i++) {
    const size = sizes[i % sizes.length]!;
    const address = malloc(size);
    if (address === 0n || address % 16n !== 0n) throw new Error(`malloc(${size}) gave ${address}`);
    if (usableSize !== undefined) {
      const usable = usableSize(address);
      // Rubbish in the upper half of size_t would give a block of GiB.
      if (usable < BigInt(size) || usable > BigInt(size) + 8192n) {
        throw new Error(`malloc(${size}) has ${usable} bytes`);
      }
    }
    sum += address;
    free(address);
  }
  assertNotEquals(sum, 0n);
  free(0n);
});

Deno.test("malloc() of libc takes sizes over 2 GiB as they are", () => {
  const size = 0x8000_0010; // sign-extended, this would be more than there is
  const address = malloc(size);
  assertNotEquals(address, 0n);
  if (usableSize !== undefined) assert(usableSize(address) >= BigInt(size));
  free(address);
});
