/**
 * Scales: whether values need a logarithmic one, and the ticks of that. Plot labels every tick that it is given, and
 * those of some decades side by side cannot be read.
 *
 * @module
 */
import { commonTop } from "../../tables/far.ts";

/** A scale, with ticks and the letters beside them. */
export interface Scale {
  readonly type: "linear" | "log" | "symlog";
  readonly domain: readonly [low: number, high: number];
  readonly ticks: readonly number[];
  readonly tickFormat: (value: number) => string;
  /** Up to where a `symlog` scale is linear. */
  readonly constant?: number;
}

/** Values that span more than this are shown by their logarithm: the smaller would all be 0 otherwise. */
const LINEAR_SPAN = 20;

/** A scale from 0 for throughput or time; logarithmic where the values ask for it. */
export function amountScale(values: readonly number[], ticks: number): Scale {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high / low > LINEAR_SPAN) return ratioScale(values, ticks);
  return linearScale(Math.min(0, low), high === 0 ? 1 : high * 1.02, ticks);
}

/**
 * A scale from 0 for lines of which these are the highest values. Where one of them is far above most it is logarithmic,
 * but near 0, and the highest value is a tick.
 */
export function lineScale(peaks: readonly number[], ticks: number): Scale {
  const high = Math.max(0, ...peaks), common = commonTop(peaks);
  if (high <= common || common === 0) return linearScale(0, 1.02 * high, ticks);
  const constant = common / 10;
  const below = logarithmicTicks([constant, high / 1.3], ticks); // with room for the last one
  const shown = [0, ...below, Number(high.toPrecision(3))]; // more digits have no room beside the axis
  return { type: "symlog", constant, domain: [0, 1.02 * high], ticks: shown, tickFormat: plain };
}

/** A scale of which both ends are given. */
export function linearScale(low: number, high: number, ticks: number): Scale {
  const domain = [low, low === high ? low + 1 : high] as const;
  return { type: "linear", domain, ticks: linearTicks(...domain, ticks), tickFormat: plain };
}

/** A scale of ratios: as far from 1 to a half as to the double. */
export function ratioScale(values: readonly number[], ticks: number): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (!(least > 0)) return linearScale(least, most, ticks);
  const margin = Math.max(0.005, Math.log(most / least) * 0.03);
  const domain: [number, number] = [least * Math.exp(-margin), most * Math.exp(margin)];
  return { type: "log", domain, ticks: logarithmicTicks(domain, ticks), tickFormat: plain };
}

/**
 * A scale of deviations in percent. One sample that took ten times as long must not make dots of all others one: then
 * only what is near 0 is linear, and the rest logarithmic.
 */
export function deviationScale(deviations: readonly number[], count: number): Scale {
  const [low, high] = [Math.min(-1, ...deviations) * 1.03, Math.max(1, ...deviations) * 1.03];
  if (Math.max(-low, high) <= LINEAR_PERCENT) {
    return { type: "linear", domain: [low, high], ticks: linearTicks(low, high, count), tickFormat: signed };
  }
  const powers = Math.ceil(Math.log10(Math.max(-low, high)));
  const all = Array.from({ length: powers + 1 }, (_, power) => 10 ** power);
  const dense = all.flatMap((power) => [power, 2 * power, 5 * power]);
  const ticks = (count < 8 ? all : dense).filter((tick) => tick >= 10).flatMap((tick) => [-tick, tick]);
  return {
    type: "symlog",
    constant: 5,
    domain: [low, high],
    ticks: [0, ...ticks].filter((tick) => tick >= low && tick <= high),
    tickFormat: signed,
  };
}

const LINEAR_PERCENT = 60;

/** A number with its sign. */
export function signed(value: number): string {
  const text = Math.abs(value) < 10 ? String(Number(value.toFixed(2))) : value.toFixed(0);
  return `${value > 0 ? "+" : ""}${text.replace("-", "−")}`;
}

/** At most `count` round numbers, as dense as that allows, evenly over the decades. */
export function logarithmicTicks([low, high]: readonly [number, number], count: number): number[] {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const decades = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  for (const digits of [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 3, 5], [1, 2, 5], [1, 3]]) {
    const ticks = decades.flatMap((decade) => digits.map((digit) => round(digit * 10 ** decade))).filter(isInside);
    if (ticks.length >= 4 && ticks.length <= count && areApart(ticks)) return ticks;
  }
  const powers = decades.map((decade) => round(10 ** decade)).filter(isInside);
  if (powers.length >= 3) return powers.filter((_, index) => index % Math.ceil(powers.length / count) === 0);
  for (let fewer = count; fewer > 2; fewer--) {
    const ticks = linearTicks(low, high, fewer);
    if (areApart(ticks)) return ticks;
  }
  return linearTicks(low, high, 2);

  function isInside(value: number): boolean {
    return value >= low && value <= high;
  }

  /** Whether letters fit between them: between 2 and 3 there is less room than between 1 and 2. */
  function areApart(ticks: readonly number[]): boolean {
    const steps = ticks.slice(1).map((tick, index) => Math.log(tick / (ticks[index] ?? tick)));
    return Math.min(...steps) >= Math.log(high / low) / (1.1 * count);
  }
}

/** At most `count` multiples of a round step. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= rough) ?? rough;
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => round((first + index) * step));
}

/** A tick as it is: 0.95, 20, 1500. */
function plain(value: number): string {
  return String(round(value)).replace("-", "\u2212");
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
