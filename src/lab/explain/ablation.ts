/**
 * Ablations: which builds must be measured to say what each flag does. For two variants A and B, and each flag that
 * differs: A with B's value of it, over A; and B, over B with A's value of it. The mean of the two directions is the
 * flag's effect. Where flags act together two by two, half of what a pair does beyond its singles is in each of its
 * flags, and the effects add up to the whole; what they leave is due to three flags or more, or to chance.
 *
 * A flag that needs another one (the Box's integrity needs the Box) is changed with as few others as it takes, and
 * compared with a build in which those others alone are changed.
 *
 * @module
 */
import { FLAGS, type Flags, flagsToQuery, InvalidOptionError, withOverrides } from "../../heap/mod.ts";

/** A name of a flag. */
export type FlagName = keyof Flags;

/** A build to measure. */
export interface Configuration {
  /** Unique for its flags: `a`, `b`, or `a,push=box`. */
  readonly key: string;
  /** As `parseVariant` takes it. */
  readonly variant: string;
  readonly flags: Flags;
}

/** Two builds that differ in one flag: `to` has B's value of it. */
export interface Step {
  readonly from: Configuration;
  readonly to: Configuration;
}

/** One flag that differs, and how it can be told apart. */
export interface Ablation {
  readonly flag: FlagName;
  /** A, or what of B goes with it, and the same with B's value; absent if no build of that kind is possible. */
  readonly fromA?: Step;
  readonly fromB?: Step;
}

/** What is to be measured. */
export interface AblationPlan {
  readonly a: Configuration;
  readonly b: Configuration;
  readonly ablations: readonly Ablation[];
  /** All of them, A and B first; none twice. */
  readonly configurations: readonly Configuration[];
}

/** A variant by its name. */
export interface NamedFlags {
  readonly name: string;
  readonly flags: Flags;
}

const NAMES = Object.keys(FLAGS) as FlagName[];
/** A flag is changed with at most so many others. */
const MOST_OTHERS = 3;

/** Flags in which two sets differ. */
export function differingFlags(a: Flags, b: Flags): FlagName[] {
  return NAMES.filter((name) => a[name] !== b[name]);
}

/** Plans the ablations of two variants. */
export function planAblations(a: NamedFlags, b: NamedFlags): AblationPlan {
  const builds = new Map<string, Configuration>();
  const buildOf = (base: "a" | "b", changed: readonly FlagName[]): Configuration | undefined => {
    const [own, other] = base === "a" ? [a, b] : [b, a];
    const overrides = changed.map((flag) => `${flag}=${other.flags[flag]}`);
    const flags = consistent(own.flags, overrides);
    if (flags === undefined) return undefined;
    const query = flagsToQuery(flags);
    let build = builds.get(query);
    if (build === undefined) {
      build = { key: [base, ...overrides].join(","), variant: [own.name, ...overrides].join(","), flags };
      builds.set(query, build);
    }
    return build;
  };
  const first = buildOf("a", [])!, last = buildOf("b", [])!;
  const differing = differingFlags(a.flags, b.flags);
  const ablations = differing.map((flag): Ablation => {
    const others = subsets(differing.filter((each) => each !== flag), MOST_OTHERS);
    const stepOf = (base: "a" | "b"): Step | undefined => {
      for (const set of others) {
        // Both must be possible before either is measured.
        if (!isPossible(base, set) || !isPossible(base, [...set, flag])) continue;
        const without = buildOf(base, set)!, changed = buildOf(base, [...set, flag])!;
        return base === "a" ? { from: without, to: changed } : { from: changed, to: without };
      }
      return undefined;
    };
    const fromA = stepOf("a"), fromB = stepOf("b");
    return { flag, ...(fromA === undefined ? {} : { fromA }), ...(fromB === undefined ? {} : { fromB }) };
  });
  function isPossible(base: "a" | "b", changed: readonly FlagName[]): boolean {
    const [own, other] = base === "a" ? [a, b] : [b, a];
    return consistent(own.flags, changed.map((name) => `${name}=${other.flags[name]}`)) !== undefined;
  }
  return { a: first, b: last, ablations, configurations: [...builds.values()] };
}

/** B with A's values of some flags; undefined if those contradict the rest. */
export function withValuesOf(b: NamedFlags, a: NamedFlags, changed: readonly FlagName[]): Configuration | undefined {
  const overrides = changed.map((flag) => `${flag}=${a.flags[flag]}`);
  const flags = consistent(b.flags, overrides);
  const variant = [b.name, ...overrides].join(",");
  return flags === undefined ? undefined : { key: variant, variant, flags };
}

/** Every set of at most so many items, the small ones first. */
export function subsets<T>(items: readonly T[], most: number): T[][] {
  const bySize: T[][][] = [[[]]];
  for (let size = 1; size <= Math.min(most, items.length); size++) {
    bySize[size] = bySize[size - 1]!.flatMap((set) => {
      const from = set.length === 0 ? 0 : items.indexOf(set.at(-1)!) + 1;
      return items.slice(from).map((item) => [...set, item]);
    });
  }
  return bySize.flat();
}

function consistent(flags: Flags, overrides: readonly string[]): Flags | undefined {
  try {
    return withOverrides(flags, overrides);
  } catch (error) {
    if (error instanceof InvalidOptionError) return undefined;
    throw error;
  }
}
