/** A Worker that dies in the middle of allocating a large block, after as many steps as it is told. */

import { attachMortal, Death } from "./mortal.ts";

const scope = globalThis as unknown as { postMessage(message: string): void };

addEventListener("message", async (event) => {
  const { shared, left } = (event as MessageEvent).data;
  const { heap, life } = await attachMortal(shared);
  life.tells = false;
  life.left = left;
  try {
    heap!.malloc(300 * 1024);
    scope.postMessage("it lived");
  } catch (error) {
    scope.postMessage(error instanceof Death ? "died" : String(error));
  }
});
