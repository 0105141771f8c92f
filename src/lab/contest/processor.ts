/**
 * Which processor the processes of a round run on. A virtual machine's host may slow one of two by half, and a process stays
 * where it began; so all that are compared with one another run on the same one, and the next round on any.
 *
 * @module
 */
import type { Random } from "../../measure/mod.ts";
import { allowedProcessors, keepOn } from "../../os/mod.ts";
import type { Child } from "./child.ts";

/**
 * Has the main threads of processes run on one processor, drawn from those that there are; does nothing where that
 * cannot be had. V8's other threads go where the system wants.
 */
export function shareProcessor(processes: readonly Child[], random: Random): void {
  const [processor] = random.shuffled(allowedProcessors());
  if (processor !== undefined) keepOn(processor, processes.map(({ id }) => id));
}
