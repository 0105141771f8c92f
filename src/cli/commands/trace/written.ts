/**
 * What the actions that make a trace of a trace have in common: where it goes, in which format, and what is said of it.
 *
 * @module
 */
import { type Command, Option, type OptionValues } from "@commander-js/extra-typings";
import type { TraceWrittenFile } from "../../../model/mod.ts";
import { renderWritten } from "../../../report/traces/written.ts";
import { renderJson } from "../../../report/mod.ts";
import { encodeTrace, EVENT, type Trace, traceName, writerFor, WRITERS } from "../../../traces/mod.ts";
import { COMMAND_LINE, withOptions } from "../../shared/command.ts";
import { Outputs } from "../../shared/outputs.ts";

/** Where the new trace goes, and what is said of it. */
export type WrittenOptions = { output: string; json?: string | undefined };

/** For the help: the formats, and how one is chosen. */
export const WRITERS_HELP =
  `Formats that can be written, chosen by the file's extension; a further .gz or .zst compresses:
${
    WRITERS.map(({ name, description, endings }) =>
      `  ${name.padEnd(8)} ${endings.join(", ").padEnd(7)} ${description}`
    )
      .join("\n")
  }`;

/** Adds the options. */
export function withWritten<Args extends unknown[], Opts extends OptionValues>(
  command: Command<Args, Opts>,
): Command<Args, Opts & WrittenOptions> {
  return withOptions<WrittenOptions, Args, Opts>(command, [
    new Option("-o, --output <file>", "where the trace goes; - is stdout").makeOptionMandatory() as Option,
    new Option("--json <file>", "write as JSON what was done (- is stdout)") as Option,
  ]);
}

/** A trace that was made, and what is said of it. */
interface Made {
  readonly trace: Trace;
  readonly file: TraceWrittenFile;
}

/** Where a new trace goes, which is tried before the other one is read. */
export class Written {
  readonly #action: TraceWrittenFile["action"];
  readonly #input: string;
  readonly #output: string;
  readonly #writer: (typeof WRITERS)[number];
  readonly #outputs: Outputs<Made>;

  /**
   * @param format Its name; by the file's ending if it is undefined.
   * @throws UsageError as {@linkcode Outputs}
   */
  constructor(
    action: TraceWrittenFile["action"],
    input: string,
    { output, json }: WrittenOptions,
    format?: string,
  ) {
    this.#action = action;
    this.#input = input;
    this.#output = output;
    const writer = WRITERS.find(({ name }) => name === format) ?? writerFor(output);
    this.#writer = writer;
    // A viewer may show the title, and an anonymised trace has none.
    const title = action === "anonymise" ? "program" : traceName(input);
    this.#outputs = new Outputs<Made>(
      [
        { option: "--output", path: output, render: ({ trace }) => encodeTrace(trace, writer, output, title) },
        { option: "--json", path: json, render: ({ file }) => renderJson(file) },
      ],
      [input],
      true,
    );
  }

  /** Writes it. @param notes What a reader should know, besides what is known of the trace itself. */
  publish(trace: Trace, from: Pick<Trace, "format" | "remarks">, notes: readonly string[] = []): void {
    const { kinds, blockCount, threadNames } = trace;
    const isWithout = trace.stacks !== undefined && !this.#writer.hasStacks;
    const losses = isWithout ? [`its stacks are left out, for which ${this.#writer.name} has no place`] : [];
    const file: TraceWrittenFile = {
      schema: "hakmem.trace-written/1",
      command: COMMAND_LINE,
      action: this.#action,
      file: traceName(this.#input),
      format: from.format,
      output: this.#output === "-" ? "stdout" : this.#output.split("/").at(-1) ?? this.#output,
      writtenAs: this.#writer.name,
      events: kinds.reduce((count, kind) => count + Number(kind !== EVENT.THREAD_END), 0),
      threads: threadNames.length,
      blocks: blockCount,
      notes: [...from.remarks, ...notes, ...losses],
    };
    const remarks = this.#outputs.takeStdout ? file.notes.map((note) => `note: ${note}\n`).join("") : "";
    this.#outputs.publish({ trace, file }, (palette) => renderWritten(file, palette), remarks);
  }
}
