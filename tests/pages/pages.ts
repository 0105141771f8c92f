/**
 * The pages: every Markdown file of the project, and what the tests of this folder look for in them.
 *
 * @module
 */
import { lexer, type Token, type Tokens, walkTokens } from "marked";

/** The project's folder, with a slash at its end. */
export const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** A block of code. */
export interface CodeBlock {
  /** Behind the fence: `ts`, `sh`, `text`, or nothing for what a command printed. */
  readonly language: string;
  /** What else the fence says: `ignore` keeps `deno test --doc` from it. */
  readonly attributes: readonly string[];
  readonly text: string;
  /** The section that it is in, as it is written. */
  readonly section: string;
}

/** A Markdown file. */
export interface Page {
  /** From the project's folder. */
  readonly path: string;
  readonly text: string;
  /** What links can lead to, as GitHub names headings. */
  readonly anchors: ReadonlySet<string>;
  /** Of links and pictures. */
  readonly targets: readonly string[];
  readonly blocks: readonly CodeBlock[];
  /** Code in the middle of text; what breaks over two lines is one. */
  readonly spans: readonly string[];
}

/** A page from its text. */
export function pageOf(path: string, text: string): Page {
  const anchors: string[] = [], targets: string[] = [], spans: string[] = [], blocks: CodeBlock[] = [];
  const sections: Token[][] = [[]];
  for (const token of lexer(text)) {
    if (token.type === "heading") sections.push([]);
    sections.at(-1)!.push(token);
  }
  for (const tokens of sections) {
    const section = tokens.map(({ raw }) => raw).join("");
    walkTokens(tokens, (token) => {
      if (token.type === "heading") anchors.push(anchorOf((token as Tokens.Heading).text, anchors));
      if (token.type === "link" || token.type === "image") targets.push((token as Tokens.Link | Tokens.Image).href);
      if (token.type === "codespan") spans.push((token as Tokens.Codespan).text.replace(/\s+/g, " "));
      if (token.type === "code") {
        const { lang = "", text } = token as Tokens.Code;
        const [language = "", ...attributes] = lang.split(/[ ,]+/);
        blocks.push({ language, attributes, text, section });
      }
    });
  }
  return { path, text, anchors: new Set(anchors), targets, blocks, spans };
}

/** Lower case, no punctuation, hyphens for spaces; the second of a name ends in `-1`. */
function anchorOf(heading: string, before: readonly string[]): string {
  const anchor = heading.toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-");
  if (!before.includes(anchor)) return anchor;
  let count = 1;
  while (before.includes(`${anchor}-${count}`)) count++;
  return `${anchor}-${count}`;
}

function pathsBelow(folder: string): string[] {
  return [...Deno.readDirSync(ROOT + folder)].flatMap(({ name, isDirectory, isFile }) => {
    if (name.startsWith(".") || name === "node_modules" || name === "coverage") return [];
    if (isDirectory) return pathsBelow(`${folder}${name}/`);
    return isFile && name.endsWith(".md") ? [folder + name] : [];
  });
}

/** All of them, sorted by their paths. */
export const PAGES: readonly Page[] = pathsBelow("").toSorted().map((path) =>
  pageOf(path, Deno.readTextFileSync(ROOT + path))
);
