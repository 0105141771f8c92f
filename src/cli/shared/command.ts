/**
 * What all commands share: how they are declared, and that each result can go to files, in the formats that it has.
 *
 * A command is declared in a function of its own, whose type has the options that were declared, so that nobody has to
 * name them a second time ({@linkcode OptionsOf}).
 *
 * @module
 */
import { type Command, type CommandUnknownOpts, Option, type OptionValues } from "@commander-js/extra-typings";
import { type Build, BUILDS } from "../../lab/inspect/flags.ts";
import { renderJson, visibleMarkdown } from "../../report/mod.ts";
import { type Destination, Outputs } from "./outputs.ts";
import { buildOf } from "./values.ts";

/** A command as the tree has it, whatever its options are. */
export type AnyCommand = CommandUnknownOpts;

/** By which a command that has run says what its exit code is. */
export type Finish = (exitCode: number) => void;

/** The options of a command that this function declares. */
export type OptionsOf<Declare extends () => { opts(): unknown }> = ReturnType<ReturnType<Declare>["opts"]>;

/** The command line, for people who find a result file. */
export const COMMAND_LINE: string[] = ["deno", "run", "-P", "cli.ts", ...Deno.args];

/** Adds options to a command that its type does not see one by one; `More` is what they are parsed into. */
export function withOptions<More, Args extends unknown[], Opts extends OptionValues>(
  command: Command<Args, Opts>,
  options: readonly Option[],
): Command<Args, Opts & More> {
  for (const option of options) command.addOption(option);
  return command as unknown as Command<Args, Opts & More>;
}

/** `--build`, for commands that look at one. */
export function buildOption(): Option<"--build <build>", undefined, undefined, Build> {
  return new Option("--build <build>", `${BUILDS.join(" or ")} (default: release)`).argParser(buildOf("--build"));
}

/** The files that a result goes to. */
export type FileOptions = {
  json?: string | undefined;
  csv?: string | undefined;
  markdown?: string | undefined;
  html?: string | undefined;
};

/** What a format is to be in the help, and how a result becomes it. */
type Format<File> = readonly [help: string, render: (file: File) => string];

function safe<File>([help, render]: Format<File>): Format<File> {
  return [help, (file) => visibleMarkdown(render(file))];
}

/** A kind of result: its options, and where they make it go. */
export class ResultFormats<File extends object> {
  readonly #formats: readonly (readonly [keyof FileOptions, ...Format<File>])[];
  readonly #html: string | undefined;

  /** What the help says of JSON, and of a page with charts, which not every result has. */
  constructor(json: string, formats: { csv: Format<File>; markdown: Format<File> }, html?: string) {
    this.#formats = [["json", json, renderJson], ["csv", ...formats.csv], ["markdown", ...safe(formats.markdown)]];
    this.#html = html;
  }

  /** Adds the options. */
  on<Args extends unknown[], Opts extends OptionValues>(
    command: Command<Args, Opts>,
  ): Command<Args, Opts & FileOptions> {
    const options = this.#formats.map(([name, help]) => new Option(`--${name} <file>`, help) as Option);
    if (this.#html !== undefined) options.push(new Option("--html <file>", this.#html) as Option);
    return withOptions(command, options);
  }

  /**
   * Where a result goes, all of which is tried.
   *
   * @param inputs The files that the command reads; those that are undefined it does not.
   * @param isAnswer As of {@linkcode Outputs}.
   * @param others What the command writes besides.
   * @throws UsageError as {@linkcode Outputs}
   */
  async outputs(
    options: FileOptions,
    inputs: readonly (string | undefined)[] = [],
    isAnswer = false,
    others: readonly Destination<File>[] = [],
  ): Promise<Outputs<File>> {
    const destinations: Destination<File>[] = this.#formats.map(([name, , render]) => ({
      option: `--${name}`,
      path: options[name],
      render,
    }));
    if (options.html !== undefined) destinations.push(await pageDestination(options.html));
    return new Outputs([...others, ...destinations], inputs.filter((path) => path !== undefined), isAnswer);
  }
}

/** A result as the page that `report` makes of it. The charts' library is loaded only where it is asked for. */
async function pageDestination<File extends object>(path: string): Promise<Destination<File>> {
  const { parseReportInput, renderPage } = await import("../../report/html/mod.ts");
  const render = (file: File) => renderPage([parseReportInput("result.json", JSON.stringify(file))]).html;
  return { option: "--html", path, render };
}
