/** A Worker of `stress` that hangs in its hundredth section. */
import { Journal } from "../../../../src/heap/state/journal.ts";
import "../../../../src/verify/stress/worker.ts";

const { run } = Journal.prototype;
let sections = 0;
Journal.prototype.run = function <Result>(body: () => Result): Result {
  return run.call(this, () => {
    while (++sections >= 100);
    return body();
  }) as Result;
};
