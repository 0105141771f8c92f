/**
 * The options that choose what is run: the workload, its sizes and its parameters. All commands that measure have them.
 *
 * @module
 */
import { type Command, Option, type OptionValues } from "@commander-js/extra-typings";
import { WORKLOADS } from "../../workloads/mod.ts";
import { withOptions } from "./command.ts";
import { numberList, oneOf, wholeNumber } from "./values.ts";

const NAMES = [...WORKLOADS.keys()];

/** What they are parsed into. */
export type WorkloadOptions = {
  workload?: string | undefined;
  size?: number[] | undefined;
  cycles?: number | undefined;
  workingSet?: number | undefined;
  seed?: number | undefined;
  min?: number | undefined;
  max?: number | undefined;
  chunks?: number | undefined;
  larsonRounds?: number | undefined;
};

/** Adds the options to a command. */
export function withWorkload<Args extends unknown[], Opts extends OptionValues>(
  command: Command<Args, Opts>,
): Command<Args, Opts & WorkloadOptions> {
  const whole = (flags: string, description: string, most: number) =>
    new Option(`${flags} <n>`, description).argParser(wholeNumber(flags, 1, most)) as Option;
  return withOptions(command, [
    new Option("--workload <name>", `${NAMES.join(", ")} (default: random-mixed)`)
      .argParser(oneOf("--workload", NAMES)) as Option,
    new Option("--size <list>", "sizes, powers of two from 16 to 4096 (default: 128,256,512,1024; cache-* 8)")
      .argParser(numberList("--size")) as Option,
    whole("--cycles", "cycles in one unit of work", 1_000_000_000),
    whole("--working-set", "slots, a power of two in random-mixed (default: the workload's own)", 2 ** 32),
    whole("--seed", "start of the random stream (default: 12345)", 2 ** 32 - 1),
    whole("--min", "smallest size, where a workload has a range of them (default: 8)", 2 ** 32),
    whole("--max", "sizes stay below this (default: larson 128, others their own)", 2 ** 32),
    whole("--chunks", "larson: live blocks (default: 1024)", 2 ** 32),
    whole("--larson-rounds", "larson: rounds in a generation", 2 ** 32),
  ]);
}
