/**
 * A process in which V8 compiles the hot path of one variant, and nothing else that has the names of its functions: one
 * block is allocated and freed. See `bytecode.ts`.
 *
 * @module
 */
import { Heap } from "../../heap/mod.ts";

using heap = await Heap.open({ variant: Deno.args[0] ?? "" });
heap.free(heap.malloc(16));
