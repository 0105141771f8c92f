/**
 * A flame graph as one page: who allocates, with the callers above what they call, as wide as what was allocated there. It
 * loads nothing; of scripts, the browser is told to run none but the one that draws it (`client.ts`).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { sampleTypeAt, type StackProfile } from "../../../profile/mod.ts";
import { type Markup, Markup as SafeMarkup, markup } from "../markup.ts";
import { POLICY, shell } from "../shell.ts";
import { flameClient } from "./client.ts";
import { flameTree } from "./tree.ts";

/** What the page says beside the graph. */
export interface FlameWords {
  /** The whole in one line. */
  readonly headline: string;
  /** By the name of a value, what it is. */
  readonly meanings: Readonly<Record<string, string>>;
  /** What a reader should know: a sentence each. */
  readonly remarks: readonly string[];
}

const SCRIPT = `(${flameClient})();`;
const SCRIPT_HASH = createHash("sha256").update(SCRIPT).digest("base64");

const STYLE = new SafeMarkup(`
body { max-width: none; }
.choice { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 1rem 0 0; padding: 0; border: 0; }
.tools { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; margin: 0.75rem 0; }
.tools input, .tools button {
  font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 6px;
  padding: 0.2rem 0.6rem;
}
.tools input { width: 16rem; max-width: 100%; box-sizing: border-box; }
.tools button:disabled { color: var(--muted); }
#detail { min-height: 3em; margin: 0.5rem 0; color: var(--quiet); font-variant-numeric: tabular-nums; }
#graph { position: relative; }
.box {
  position: absolute; height: 21px; box-sizing: border-box; padding: 0; text-indent: 4px; overflow: hidden;
  text-align: left; white-space: nowrap;
  font: 12px/20px system-ui, sans-serif; color: var(--text); cursor: pointer; text-overflow: ellipsis;
  background: color-mix(in srgb, var(--tone) 30%, var(--surface)); border: 0; border-right: 1px solid var(--surface);
  border-radius: 2px;
}
.box:hover, .box:focus-visible { background: color-mix(in srgb, var(--tone) 55%, var(--surface)); outline: 0; z-index: 1; }
.box.above { opacity: 0.6; }
.box.other { background: var(--raised); color: var(--quiet); }
.box.found { background: color-mix(in srgb, var(--unsure) 60%, var(--surface)); font-weight: 600; }
.modules { margin-top: 1.5rem; }
`);

/** Makes the page of a profile. @param value Which of its sample types is drawn first. */
export function renderFlame(profile: StackProfile, value: string, words: FlameWords): string {
  const tree = flameTree(profile, sampleTypeAt(profile, value));
  const choices = tree.values.map(({ name }, at) =>
    markup`<label><input type="radio" name="value"${at === tree.first ? CHECKED : ""}> ${name}: ${
      words.meanings[name] ?? ""
    }</label>`
  );
  const legend = tree.modules.slice(0, MOST_MODULES).flatMap((module, at) =>
    module === ""
      ? []
      : [markup`<li><span class="swatch" style="--swatch: var(--series-${at % 8 + 1})"></span>${module}</li>`]
  );
  const data = new SafeMarkup(JSON.stringify(tree).replaceAll("<", "\\u003c"));
  const body = markup`<header><h1>hakmem: who allocates</h1></header>
    <main>
      <p class="headline">${words.headline}</p>
      ${words.remarks.map((remark) => markup`<p role="note">Note: ${remark}.</p>`)}
      <p>A box is a function, as wide as what was allocated in it and in what it calls; below it is what it calls, and
        lowest who called malloc. Click a box to see it as wide as the page.</p>
      <noscript><p role="note">The graph is drawn by a script, and scripts are switched off here.</p></noscript>
      <fieldset class="choice" aria-label="What is drawn">${choices}</fieldset>
      <div class="tools">
        <input id="search" type="search" placeholder="find a function" aria-label="find a function">
        <button id="back" type="button">show all (Esc)</button>
        <span id="matched" role="status"></span>
      </div>
      <p id="detail"></p>
      <p id="empty" hidden>There is nothing to draw: this value is 0 for every stack.</p>
      <div id="graph"></div>
      <ul class="legend modules">${legend}</ul>
    </main>
    <script type="application/json" id="tree">${data}</script>
    <script>${new SafeMarkup(SCRIPT)}</script>`;
  const policy = `${POLICY}; script-src 'sha256-${SCRIPT_HASH}'`;
  return shell(`hakmem: ${words.headline}`, policy, body, STYLE).text;
}

const CHECKED: Markup = new SafeMarkup(" checked");
const MOST_MODULES = 8;
