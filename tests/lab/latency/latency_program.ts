/**
 * A program whose allocator has V8 collect garbage, or compile, in one malloc, and does nothing otherwise: times the
 * operations of a replay, and prints the answer.
 *
 * @module
 */
import { LATENCY_MODE, openLatencyClock } from "../../../src/os/mod.ts";
import { openNone } from "../../../src/peers/none.ts";
import { TraceBuilder } from "../../../src/traces/builder.ts";
import { replayWords } from "../../../src/traces/replay_words.ts";
import { latencyKinds, prepareReplay, timed } from "../../../src/workloads/mod.ts";

const [what] = Deno.args;
const SLOW = 777, EVENTS = 64;
const clock = await openLatencyClock();

let calls = 0;
function isSlow(size: number): boolean {
  return size === SLOW && calls++ === 1; // of several replays one, so that the event is short in others
}

const collect = new Function("gc()") as () => void;
const compile = new Function(
  "f",
  "%PrepareFunctionForOptimization(f); f(1); f(2); %OptimizeFunctionOnNextCall(f); return f(3)",
) as (f: (n: number) => number) => number;

const none = openNone();
const malloc = (size: number): number => {
  if (!isSlow(size)) return none.malloc(size);
  const pointer = none.malloc(size);
  if (what === "collector") { for (let time = 0; time < 20; time++) collect(); }
  else for (let time = 0; time < 20; time++) compile(new Function("n", `return n * ${time}`) as (n: number) => number);
  return pointer;
};

const trace = new TraceBuilder("test", () => "");
for (let block = 0; block < EVENTS; block++) trace.malloc(0, block, block === 20 ? SLOW : 100);
const words = replayWords(trace.finish());
const replay = prepareReplay(timed({ ...none, malloc }, clock), words, false);
clock.open(latencyKinds(words));
clock.forget();
const each = new Uint32Array(EVENTS);
clock.keepEach(each);
for (let unit = 0; unit < 3; unit++) {
  replay.begin();
  clock.replay(LATENCY_MODE.TIMED);
  replay.advance(replay.events);
  clock.replay(LATENCY_MODE.OFF);
  const isMarked = each[20]! >>> 31 === 1;
  if (isMarked !== (unit === 1)) throw new Error(`replay ${unit}: ${each}`);
}
console.log(clock.answer());
