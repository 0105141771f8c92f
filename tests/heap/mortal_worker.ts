/** A Worker that dies in the middle of allocating a large block, after as many steps as it is told. */

import { Heap } from "../../src/heap/mod.ts";
import { journals } from "../../src/heap/memory.ts";
import { Death, MortalJournal } from "./mortal.ts";

const scope = globalThis as unknown as { postMessage(message: string): void };

addEventListener("message", async (event) => {
  const { shared, life } = (event as MessageEvent).data;
  let journal: MortalJournal | undefined;
  journals.make = (words) => journal = new MortalJournal(words);
  const heap = await Heap.attach(shared);
  journal!.tells = false;
  journal!.life = life;
  try {
    heap.malloc(300 * 1024);
    scope.postMessage("it lived");
  } catch (error) {
    scope.postMessage(error instanceof Death ? "died" : String(error));
  }
});
