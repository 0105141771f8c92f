/**
 * The file of thresholds that `gate` takes: what must hold, a line of it for each threshold.
 *
 *     { "$schema": "gate.schema.json",
 *       "thresholds": [{ "name": "...", "kind": "ratio", "workload": "hot-pair", "peer": "system", "least": 1.5 }] }
 *
 * Whatever is not named in the schema is refused, so that a misspelt `least` is not a threshold that always holds. The
 * same schema as JSON Schema, for editors, is `bench/gates/gate.schema.json`, which `bench/gates/schema.ts` prints.
 *
 * @module
 */
import * as v from "valibot";
import { InvalidOptionError, parseVariant } from "../../heap/mod.ts";
import { parseJson } from "../../model/mod.ts";
import { PEER_VALUES } from "../../peers/find.ts";
import { PEERS } from "../../peers/mod.ts";
import { LIBRARY_PATH } from "../../peers/native.ts";
import { WORKLOADS } from "../../workloads/mod.ts";

const Positive = v.pipe(v.number(), v.gtValue(0));
const Share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const Whole = v.pipe(v.number(), v.integer(), v.minValue(1));
const Threads = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(64));
const SeveralThreads = v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(64));

const VariantName = v.pipe(
  v.string(),
  v.check(isVariant, (issue) => `there is no variant "${issue.input}"`),
  v.description("a variant, with flags that differ: slab-map,refill=32. The default variant if absent"),
);

const PeerText = v.pipe(
  v.union([
    v.picklist(PEERS.map(({ name }) => name)),
    v.pipe(v.string(), v.regex(LIBRARY_PATH, (issue) => `there is no peer "${issue.input}": ${PEER_VALUES}`)),
  ]),
  v.description("a peer's name, or the path of a shared library that has malloc, relative to this file"),
);

/** What all thresholds have: a name, and what is run. */
const SETTING = {
  name: v.pipe(v.string(), v.nonEmpty(), v.description("what it is called where it is printed")),
  workload: v.picklist([...WORKLOADS.keys()]),
  variant: v.exactOptional(VariantName),
  sizes: v.exactOptional(v.pipe(
    v.array(Whole),
    v.nonEmpty(),
    v.description("each is judged by itself: 128, 256, 512 and 1024 if absent; only for workloads that have a size"),
  )),
  parameters: v.exactOptional(v.pipe(
    v.strictObject({
      "cycles": v.exactOptional(Whole),
      "working-set": v.exactOptional(Whole),
      "seed": v.exactOptional(Whole),
      "min": v.exactOptional(Whole),
      "max": v.exactOptional(Whole),
      "chunks": v.exactOptional(Whole),
      "larson-rounds": v.exactOptional(Whole),
    }),
    v.description("of the workload, as the options of bench name them"),
  )),
};

/** What only the timed ones have. */
const TIMED = {
  ...SETTING,
  threads: v.exactOptional(v.pipe(Threads, v.description("threads of each contestant; 1 if absent"))),
};

const RatioThreshold = v.strictObject({
  ...TIMED,
  kind: v.pipe(v.literal("ratio"), v.description("throughput over that of a peer, measured in the same rounds")),
  peer: PeerText,
  least: Positive,
});

const NetThreshold = v.strictObject({
  ...TIMED,
  kind: v.pipe(v.literal("net-ns"), v.description("nanoseconds of an operation, without the loop around it")),
  most: Positive,
});

const ScalingThreshold = v.strictObject({
  ...SETTING,
  kind: v.pipe(v.literal("scaling"), v.description("throughput with several threads over that with one")),
  threads: SeveralThreads,
  least: Positive,
});

const SharingThreshold = v.strictObject({
  ...SETTING,
  kind: v.pipe(
    v.literal("sharing"),
    v.description("throughput of one heap for several threads over that of a heap for each of them"),
  ),
  threads: SeveralThreads,
  least: Positive,
});

const FastFreeThreshold = v.pipe(
  v.strictObject({
    ...SETTING,
    kind: v.pipe(v.literal("fast-free-share"), v.description("the share of frees that the hot path ends; counted")),
    least: v.exactOptional(Share),
    most: v.exactOptional(Share),
  }),
  v.forward(
    v.check(({ least, most }) => (least === undefined) !== (most === undefined), "one of least and most is needed"),
    ["least"],
  ),
);

const RegressionThreshold = v.pipe(
  v.strictObject({
    ...TIMED,
    kind: v.pipe(
      v.literal("regression"),
      v.description("the share of throughput that is lost, as compare measures it"),
    ),
    against: v.exactOptional(v.pipe(v.string(), v.nonEmpty(), v.description("a contestant, as compare takes it"))),
    baseline: v.exactOptional(v.pipe(v.string(), v.nonEmpty(), v.description("a baseline that compare saved"))),
    most: Share,
  }),
  v.forward(
    v.check(
      ({ against, baseline }) => (against === undefined) !== (baseline === undefined),
      "one of against and baseline is needed",
    ),
    ["against"],
  ),
);

const FootprintThreshold = v.strictObject({
  ...SETTING,
  kind: v.pipe(
    v.literal("footprint"),
    v.description("bytes of the heap in memory, over the bytes that the workload has asked for and not freed"),
  ),
  most: Positive,
});

const ThresholdSchema = v.variant("kind", [
  RatioThreshold,
  NetThreshold,
  ScalingThreshold,
  SharingThreshold,
  FastFreeThreshold,
  RegressionThreshold,
  FootprintThreshold,
]);

/** The whole file. */
export const GateThresholdsSchema = v.strictObject({
  "$schema": v.exactOptional(v.pipe(v.string(), v.description("this schema, for editors"))),
  thresholds: v.pipe(
    v.array(ThresholdSchema),
    v.nonEmpty(),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const names = dataset.value.map(({ name }) => name);
      const twice = names.find((name, index) => names.indexOf(name) !== index);
      if (twice !== undefined) addIssue({ message: `two are called "${twice}": rows are told apart by their names` });
    }),
  ),
});

/** One threshold. */
export type Threshold = v.InferOutput<typeof ThresholdSchema>;

/** With the libraries that a file names by relative paths where they are, seen from the file's folder. */
export function libraryBeside(file: string, threshold: Threshold): Threshold {
  const beside = (text: string) => {
    const isRelative = LIBRARY_PATH.test(text) && !text.startsWith("/");
    return isRelative ? `${file.slice(0, file.lastIndexOf("/") + 1) || "./"}${text.replace(/^\.\//, "")}` : text;
  };
  if (threshold.kind === "ratio") return { ...threshold, peer: beside(threshold.peer) };
  if (threshold.kind !== "regression" || threshold.against === undefined) return threshold;
  return { ...threshold, against: beside(threshold.against) };
}

/** Threads that a threshold is about. */
export function threadsOf(threshold: Threshold): number {
  return "threads" in threshold ? threshold.threads ?? 1 : 1;
}

/** The kinds of thresholds. */
export type ThresholdKind = Threshold["kind"];

/**
 * Reads a file of thresholds.
 *
 * @param path Where the text is from, for messages.
 * @throws {InvalidOptionError} if it is damaged; the message names the first field that is wrong.
 */
export function parseThresholds(text: string, path: string): Threshold[] {
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    throw new InvalidOptionError(`${path} is ${error instanceof Error ? error.message : error}`);
  }
  const parsed = v.safeParse(GateThresholdsSchema, json);
  if (parsed.success) return parsed.output.thresholds;
  const [issue] = parsed.issues;
  throw new InvalidOptionError(`${path} is not a gate file: ${v.getDotPath(issue) ?? "the whole"}: ${issue.message}`);
}

function isVariant(name: string): boolean {
  try {
    parseVariant(name);
    return true;
  } catch {
    return false;
  }
}
