/**
 * Which of V8's compilers made the code of a function: `%GetOptimizationStatus`. It and its like exist in a process
 * that was started with `--v8-flags=--allow-natives-syntax`. Its bits move between versions, so they are calibrated: a
 * function is optimised on request by each compiler, and the bit that only one of them sets is that compiler's.
 *
 * @module
 */
import type { Tier } from "./protocol.ts";

// deno-lint-ignore ban-types
type AnyFunction = Function;

/** Tells the tier of a function. */
export type TierProbe = (measured: AnyFunction) => Tier;

/** Makes what tells tiers. Without natives syntax it always says `unknown`. */
export function openTierProbe(): TierProbe {
  try {
    const status = native("GetOptimizationStatus");
    const maglev = optimised("OptimizeMaglevOnNextCall", status);
    const turbofan = optimised("OptimizeFunctionOnNextCall", status);
    const maglevBits = maglev & ~turbofan;
    const turbofanBits = turbofan & ~maglev;
    if (maglevBits === 0 || turbofanBits === 0) return () => "unknown";
    return (measured) => {
      const bits = status(measured) as number;
      return bits & turbofanBits ? "turbofan" : bits & maglevBits ? "maglev" : "baseline";
    };
  } catch {
    return () => "unknown"; // a SyntaxError: this V8 was not started with natives syntax
  }
}

/**
 * Keeps V8's compilers off a function, and so from inlining others into it; does nothing without natives syntax.
 *
 * The caller of a hot loop needs this. Once V8 finds that the caller is hot too, Maglev inlines the loop into it, where
 * it can neither be replaced on the stack nor reach TurboFan: the same loop then ran up to ten times slower.
 */
export function keepUnoptimised(caller: AnyFunction): void {
  try {
    native("NeverOptimizeFunction")(caller);
  } catch {
    // a SyntaxError, as above
  }
}

/** One of V8's natives as a function: `%name(f)` is not TypeScript, so it has to be made from text. */
function native(name: string): (f: AnyFunction) => unknown {
  return new Function("f", `return %${name}(f)`) as (f: AnyFunction) => unknown;
}

/** The status of a fresh function that was optimised by `optimise`. */
function optimised(optimise: string, status: (f: AnyFunction) => unknown): number {
  const sample = new Function("a", "b", "return a + b");
  native("PrepareFunctionForOptimization")(sample);
  sample(1, 2);
  native(optimise)(sample);
  sample(1, 2);
  return status(sample) as number;
}
