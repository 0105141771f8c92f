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
import { headline } from "../bench/headline.ts";
import { compareHeadline } from "../compare.ts";
import { explainHeadline } from "../explain.ts";
import { historyHeadline, shortHash } from "../history.ts";
import { inspectHeadline } from "../traces/inspect.ts";
import { replayHeadline } from "../traces/replay_answer.ts";
import type { ReportInput } from "./input.ts";
import { inspectSections } from "./sections/inspect.ts";
import { heapLabel } from "../tables/label.ts";
import { type Markup, markup } from "./markup.ts";
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
  const files = inputs.map((input, index) => {
    const id = `file-${index + 1}`, part = partOf(input, id);
    return { ...part, input, id, sections: [...part.sections, dataSection(input)].filter(isShown) };
  });
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
          ${files.map(articleOf)}</main>`,
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

function articleOf(
  { input, id, title, headline, sections }: ReturnType<typeof partOf> & { input: ReportInput; id: string },
): Markup {
  return markup`<article id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
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

/** What a file becomes, by its kind: a title, its result in one line, in the words of the terminal, and its sections. */
function partOf(input: ReportInput, id: string): { title: string; headline: string; sections: Section[] } {
  switch (input.kind) {
    case "bench": {
      const { file, file: { trace, results: [first] } } = input, sections = benchSections(file);
      if (trace !== undefined) return { title: `replay: ${trace.file}`, headline: replayHeadline(file), sections };
      return { title: `bench: ${first?.workload ?? "nothing"}`, headline: headline(file), sections };
    }
    case "compare": {
      const { file } = input;
      return { title: titleOf(input), headline: compareHeadline(file), sections: compareSections(file) };
    }
    case "explain": {
      const { file } = input;
      return { title: titleOf(input), headline: explainHeadline(file), sections: explainSections(file) };
    }
    case "history": {
      const { file, file: { commits } } = input;
      const title = `history: ${shortHash(commits[0]!)} to ${shortHash(commits.at(-1)!)}`;
      return { title, headline: historyHeadline(file), sections: historySections(file) };
    }
    case "inspect": {
      const { file } = input, title = `inspect: ${file.trace.file} on ${heapLabel(file.variant)}`;
      return { title, headline: inspectHeadline(file), sections: inspectSections(file, id) };
    }
  }
}

function titleOf({ kind, file: { a, b } }: ReportInput & { kind: "compare" | "explain" }): string {
  return `${kind}: ${a} and ${b}`;
}

function isShown({ content }: Section): boolean {
  return markup`${content}`.text.trim() !== "";
}
