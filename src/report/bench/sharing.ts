/**
 * The price of sharing: throughput of one heap for all threads, over that of a heap for each of them.
 *
 * @module
 */
import { nameOf, ratioWithBounds, settingOf } from "../tables/format.ts";
import type { Result } from "../../model/results.ts";

/** A line for each setting at which both were measured. */
export function sharingLines(results: readonly Result[]): string[] {
  return results.flatMap((result) =>
    result.ratioToOwnHeaps === undefined ? [] : [
      `${nameOf(result)} at ${settingOf(result)}: one heap for all is ${
        ratioWithBounds(result.ratioToOwnHeaps)
      } times ` +
      "as fast as a heap for each",
    ]
  );
}
