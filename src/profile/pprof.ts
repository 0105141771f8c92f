/**
 * The format of pprof (https://github.com/google/pprof, `proto/profile.proto`): a gzipped protobuf, which a library
 * writes. `go tool pprof`, pprof, speedscope, Grafana's Pyroscope, Parca and Polar Signals read it.
 *
 * Native frames keep their addresses and mappings, so that pprof itself can name those that have no names, from the
 * modules.
 *
 * @module
 */

import { Profile, StringTable } from "npm:pprof-format@2.3.2"; // programs that import the heap have no import map of ours
import { gzipSync } from "node:zlib";
import type { Frame, Mapping, Sample, StackProfile } from "./profile.ts";

/** Gives each of what has been asked for, by its key, a number from 1, and keeps what was made of it. */
class Numbered<Made> {
  readonly made: Made[] = [];
  readonly #ids = new Map<string, number>();

  /** @param make is called for a key that is new, before it has its number. */
  idOf(key: string, make: (id: number) => Made): number {
    let id = this.#ids.get(key);
    if (id === undefined) {
      this.#ids.set(key, id = this.#ids.size + 1);
      this.made[id - 1] = make(id);
    }
    return id;
  }
}

/** The tables of a file that is being made. */
class Tables {
  readonly strings = new StringTable();
  readonly functions = new Numbered<object>();
  readonly locations = new Numbered<object>();
  readonly mappings = new Numbered<{ hasFunctions: boolean }>();
  readonly #known: readonly Mapping[];

  constructor(mappings: readonly Mapping[]) {
    this.#known = mappings;
    for (const mapping of mappings) this.#mappingId(mapping); // pprof takes the first one for the program
  }

  locationId(frame: Frame): number {
    const { function: name, file, line, column = 0, address = 0n, module = "", buildId = "" } = frame;
    return this.locations.idOf([name, file, line, column, address, module, buildId].join("\t"), (id) => {
      const mappingId = this.#mappingOf(address, module, buildId);
      if (name !== "") {
        return { id, mappingId, address, line: [{ functionId: this.#functionId(name, file), line, column }] };
      }
      if (mappingId > 0) this.mappings.made[mappingId - 1]!.hasFunctions = false;
      return { id, mappingId, address };
    });
  }

  #functionId(name: string, file: string): number {
    return this.functions.idOf(`${name}\t${file}`, (id) => ({
      id,
      name: this.strings.dedup(name),
      systemName: this.strings.dedup(name),
      filename: this.strings.dedup(file),
    }));
  }

  #mappingOf(address: bigint, module: string, buildId: string): number {
    const known = this.#known.find(({ start, limit }) => address !== 0n && address >= start && address < limit);
    if (known !== undefined) return this.#mappingId(known);
    return module === "" ? 0 : this.#mappingId({ start: 0n, limit: 0n, offset: 0n, file: module, buildId });
  }

  #mappingId({ start, limit, offset, file, buildId }: Mapping): number {
    return this.mappings.idOf([start, limit, file, buildId].join("\t"), (id) => ({
      id,
      memoryStart: start,
      memoryLimit: limit,
      fileOffset: offset,
      filename: this.strings.dedup(file),
      buildId: this.strings.dedup(buildId),
      hasFunctions: true,
      hasFilenames: true,
      hasLineNumbers: true,
    }));
  }
}

/** Samples with the same stack and labels as one. */
function packed(samples: readonly Sample[], tables: Tables): object[] {
  const sums = new Map<string, { locationId: number[]; value: number[]; label: object[] }>();
  for (const { frames, values, labels = {} } of samples) {
    const locationId = frames.map((frame) => tables.locationId(frame)), key = JSON.stringify([locationId, labels]);
    let sum = sums.get(key);
    if (sum === undefined) {
      const label = Object.entries(labels).map(([key, value]) => ({
        key: tables.strings.dedup(key),
        ...(typeof value === "number" ? { num: Math.round(value) } : { str: tables.strings.dedup(value) }),
      }));
      sums.set(key, sum = { locationId, value: values.map(() => 0), label });
    }
    for (const [at, value] of values.entries()) sum.value[at]! += value;
  }
  return [...sums.values()].map(({ value, ...rest }) => ({ ...rest, value: value.map(Math.round) }));
}

/** A profile as a file of pprof, gzipped. */
export function toPprof(profile: StackProfile): Uint8Array<ArrayBuffer> {
  const { sampleTypes, defaultSampleType, samples, timeMs, durationMs, period, mappings = [], comments = [] } = profile;
  const tables = new Tables(mappings), { strings } = tables;
  const typed = ({ type, unit }: { type: string; unit: string }) => ({
    type: strings.dedup(type),
    unit: strings.dedup(unit),
  });
  const sample = packed(samples, tables);
  const message = new Profile({
    sampleType: sampleTypes.map(typed),
    sample,
    mapping: tables.mappings.made,
    location: tables.locations.made,
    function: tables.functions.made,
    stringTable: strings,
    ...(timeMs === undefined ? {} : { timeNanos: BigInt(Math.round(timeMs * 1e3)) * 1_000n }),
    ...(durationMs === undefined ? {} : { durationNanos: Math.round(durationMs * 1e6) }),
    ...(period === undefined ? {} : { periodType: typed(period), period: Math.round(period.value) }),
    comment: comments.map((comment) => strings.dedup(comment)),
    defaultSampleType: defaultSampleType === undefined ? 0 : strings.dedup(defaultSampleType),
  });
  return new Uint8Array(gzipSync(message.encode()));
}
