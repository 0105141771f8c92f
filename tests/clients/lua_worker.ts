/** A Worker that runs Lua on a heap that others have, too, by functions of its own thread. */
import { LUA } from "../../bench/clients/lua.ts";
import { Heap, type SharedHeap } from "../../mod.ts";

export interface Task {
  readonly shared: SharedHeap;
  readonly rounds: number;
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Task>) => void;
  postMessage(answer: string): void;
};

scope.onmessage = async ({ data: { shared, rounds } }) => {
  const heap = await Heap.attach(shared), allocator = heap.nativeAllocator();
  const answer = LUA.run(rounds, allocator);
  heap.close(); // and the allocator with it
  scope.postMessage(answer);
};
