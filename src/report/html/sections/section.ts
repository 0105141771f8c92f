/**
 * The sections that files of all kinds have: where it was measured, what there is to say about it, and the data.
 *
 * @module
 */
import { counted, percent } from "../../tables/format.ts";
import { processorOf } from "../../processor.ts";
import type { ResultFile } from "../../../model/results.ts";
import { type Figure, renderFigure } from "../charts/chart.ts";
import type { ReportInput } from "../input.ts";
import { type Markup, markup, NOTHING, type Piece } from "../markup.ts";
import { renderTable } from "../table.ts";

/** A part of a file's report; one without content is not shown. */
export interface Section {
  /** A word for links. */
  readonly id: string;
  readonly title: string;
  readonly content: Piece;
}

/** A figure, if there is one. */
export function figure(of: Figure | undefined): Markup {
  return of === undefined ? NOTHING : renderFigure(of);
}

/** Notes, and warnings with their advice. */
export function remarksSection({ notes, warnings }: Pick<ResultFile, "notes" | "warnings">): Section {
  const items = [
    ...warnings.map(({ code, message, advice }) =>
      markup`<li><strong>warning ${code}</strong>: ${message}; <em>${advice}</em></li>`
    ),
    ...notes.map((note) => markup`<li>${note}</li>`),
  ];
  return { id: "remarks", title: "Notes and warnings", content: items.length === 0 ? "" : markup`<ul>${items}</ul>` };
}

/** The machine, the versions, and the command. */
export function environmentSection(
  { environment, command }: Pick<ResultFile, "environment" | "command">,
  more: Record<string, string>,
): Section {
  const { date, deno, v8, os, arch, cores, loadAverage, revision } = environment;
  const rows = Object.entries({
    ...more,
    command: command.join(" "),
    date,
    CPU: `${processorOf(environment)}, ${counted(cores, "core")}`,
    "load average": loadAverage.map((load) => load.toFixed(2)).join(", "),
    system: `${os}, ${arch}`,
    Deno: `${deno}, V8 ${v8}`,
    revision,
    ...machineOf(environment),
  }).filter(([, value]) => value !== "");
  const columns = [{ head: "what" }, { head: "value" }];
  return {
    id: "environment",
    title: "Environment",
    content: renderTable({ caption: "Where and how it was measured", columns, rows }),
  };
}

/** What more is known of a machine, in words; what its system does not say is left out. */
function machineOf(environment: ResultFile["environment"]): Record<string, string> {
  const facts: [name: string, value: string | number | boolean | undefined][] = [
    ["memory", gibibytes(environment.memoryBytes)],
    ["memory limit", gibibytes(environment.memoryLimitBytes)],
    ["core limit", environment.coreLimit],
    ["page, bytes", environment.pageBytes],
    ["huge pages", environment.transparentHugePages],
    ["virtual machine", environment.virtualMachine],
    ["governor", environment.governor],
    ["boost", environment.boost],
    ["simultaneous threads", environment.simultaneousThreads],
    ["address randomisation", environment.addressRandomisation],
    ["clock", environment.clockSource],
    ["invariant TSC", environment.invariantTsc],
    ["perf", environment.perf],
    ["native library", environment.nativeLibrary],
    [
      "waiting for a core",
      environment.corePressure === undefined ? undefined : `${percent(environment.corePressure)} of the time`,
    ],
  ];
  const known = facts.filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, YES_NO.get(value) ?? String(value)]));
}

const YES_NO = new Map<unknown, string>([[true, "yes"], [false, "no"]]);

function gibibytes(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

/** The file as it was, in a link: no script is needed to get it out again. */
export function dataSection({ path, text }: ReportInput): Section {
  const bytes = new TextEncoder().encode(text);
  const name = path.split(/[/\\]/).at(-1) ?? path;
  return {
    id: "data",
    title: "Raw data",
    content:
      markup`<p class="download"><a download="${name}" href="data:application/json;base64,${bytes.toBase64()}">Download ${name}</a> (${
        Math.ceil(bytes.length / 1024)
      } KiB): every sample, as it was measured.</p>`,
  };
}
