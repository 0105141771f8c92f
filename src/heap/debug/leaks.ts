/**
 * Leaks: the blocks that are live, by the line of the program that allocated them.
 *
 * @module
 */

import type { Leak } from "../blocks.ts";
import type { DebugBlock } from "./block.ts";
import type { DebugStacks } from "./stacks.ts";
import { hex } from "../errors.ts";

/** Groups live blocks by their stacks; the most bytes first. Cost: the text of a stack for each block. */
export function groupLeaks(blocks: Iterable<DebugBlock>, stacks: DebugStacks): Leak[] {
  const sites = new Map<string | undefined, Leak>();
  for (const { allocated, ptr, size } of blocks) {
    const stack = stacks.text(allocated);
    const site = sites.get(stack);
    sites.set(stack, {
      blocks: (site?.blocks ?? 0) + 1,
      bytes: (site?.bytes ?? 0) + size,
      ptr: site?.ptr ?? ptr,
      stack,
    });
  }
  return [...sites.values()].sort((a, b) => b.bytes - a.bytes || b.blocks - a.blocks);
}

/** The report of a heap that is closed with live blocks, in lines; empty if it has no live blocks. */
export function leakReport(leaks: readonly Leak[]): string[] {
  if (leaks.length === 0) return [];
  const blocks = leaks.reduce((sum, leak) => sum + leak.blocks, 0);
  const bytes = leaks.reduce((sum, leak) => sum + leak.bytes, 0);
  const lines = [`hakmem: the heap was closed with live blocks: ${blocks}, of ${bytes} bytes in all.`];
  for (const leak of leaks) {
    lines.push(`  ${leak.blocks} of them, ${leak.bytes} bytes, one at ${hex(leak.ptr)}, allocated:`);
    lines.push(...(leak.stack ?? "    where no stack was captured").split("\n"));
  }
  return lines;
}
