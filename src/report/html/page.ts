/**
 * The page: the result of each file in one line, then a part for each file. It loads nothing and runs nothing, and says
 * so to the browser: even markup that slipped through could do nothing there.
 *
 * @module
 */
import { benchSections } from "./sections/bench.ts";
import { compareSections } from "./sections/compare.ts";
import { explainSections } from "./sections/explain.ts";
import { historySections } from "./sections/history.ts";
import { headlineOf } from "./headlines.ts";
import type { ReportInput } from "./input.ts";
import { inspectSections } from "./sections/inspect.ts";
import { shortHash } from "../history.ts";
import { heapLabel } from "../tables/label.ts";
import { type Markup, markup, type Piece } from "./markup.ts";
import { dataSection, type Section } from "./sections/section.ts";
import { unlikeProcessors } from "../processor.ts";
import { POLICY, shell } from "./shell.ts";

/** What one file became. */
export interface ReportPart {
  readonly path: string;
  readonly schema: string;
  readonly headline: string;
  /** The titles of its sections. */
  readonly sections: readonly string[];
}

/** A page, and what is in it. */
export interface ReportPage {
  readonly html: string;
  readonly parts: readonly ReportPart[];
  /** What stands at its top: that its files are of unlike machines. */
  readonly warning?: string;
}

/** Makes the page of some files. */
export function renderPage(inputs: readonly ReportInput[]): ReportPage {
  const files = inputs.map((input, index) => ({
    input,
    id: `file-${index + 1}`,
    headline: headlineOf(input),
    sections: [...sectionsOf(input, `file-${index + 1}`), dataSection(input)].filter(({ content }) =>
      !isEmpty(content)
    ),
  }));
  const [first] = files;
  const warning = unlikeProcessors(inputs.map(({ path, file: { environment } }) => ({ path, environment })));
  const links = files.map(({ id, headline }) => markup`<li><a href="#${id}">${headline}</a></li>`);
  const page = shell(
    `hakmem: ${first?.headline ?? "an empty report"}`,
    POLICY,
    markup`<header>
          <h1>hakmem report</h1>
          ${warning === undefined ? "" : markup`<p role="note"><strong>${warning}</strong></p>`}
          ${files.length > 1 ? markup`<ol class="results">${links}</ol>` : ""}
        </header>
        <main>
          ${files.map((file) => part(file))}</main>`,
  );
  return {
    html: page.text,
    ...(warning === undefined ? {} : { warning }),
    parts: files.map(({ input: { path, file: { schema } }, headline, sections }) => ({
      path,
      schema,
      headline,
      sections: sections.map(({ title }) => title),
    })),
  };
}

function part({ input, id, headline, sections }: {
  input: ReportInput;
  id: string;
  headline: string;
  sections: readonly Section[];
}): Markup {
  return markup`<article id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${titleOf(input)}</h2>
    <p class="headline">${headline}</p>
    <nav aria-label="Sections of ${input.path}"><ul>${
    sections.map(({ id: section, title }) => markup`<li><a href="#${id}-${section}">${title}</a></li>`)
  }</ul></nav>
    ${
    sections.map(({ id: section, title, content }) =>
      markup`<section id="${id}-${section}" aria-labelledby="${id}-${section}-title">
        <h3 id="${id}-${section}-title">${title}</h3>
        ${content}</section>`
    )
  }</article>`;
}

function sectionsOf(input: ReportInput, id: string): Section[] {
  switch (input.kind) {
    case "bench":
      return benchSections(input.file);
    case "compare":
      return compareSections(input.file);
    case "explain":
      return explainSections(input.file);
    case "history":
      return historySections(input.file);
    case "inspect":
      return inspectSections(input.file, id);
  }
}

function titleOf(input: ReportInput): string {
  if (input.kind === "bench") return `bench: ${input.file.results[0]?.workload ?? "nothing"}`;
  if (input.kind === "inspect") return `inspect: ${input.file.trace.file} on ${heapLabel(input.file.variant)}`;
  if (input.kind === "history") {
    const { commits } = input.file;
    return `history: ${shortHash(commits[0]!)} to ${shortHash(commits.at(-1)!)}`;
  }
  return `${input.kind}: ${input.file.a} and ${input.file.b}`;
}

function isEmpty(content: Piece): boolean {
  return markup`${content}`.text.trim() === "";
}
