/**
 * Opens the native library before any test of the file that imports this: it stays for the whole process, which Deno's
 * resource sanitizer would take for a leak of the first test that opens a heap.
 */

import { openVirtualMemory } from "../../src/os/mod.ts";

await openVirtualMemory();
