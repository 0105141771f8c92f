/**
 * The page's style: one column that fits a phone, colours as variables for light, dark and paper.
 *
 * @module
 */
import { Markup } from "./markup.ts";

const LIGHT = `
  color-scheme: light;
  --text: #1b1f24; --quiet: #57606a; --surface: #ffffff; --raised: #f6f8fa; --line: #d8dee4; --link: #0550ae;
  --muted: #8c959f; --band: #8c959f33; --discarded: #bf870040; --good: #1a7f37; --bad: #cf222e; --unsure: #9a6700;
  --series-1: #0969da; --series-2: #bc4c00; --series-3: #1a7f37; --series-4: #8250df;
  --series-5: #bf3989; --series-6: #0f7b8a; --series-7: #7d5e00; --series-8: #4d5560;`;

const DARK = `
  color-scheme: dark;
  --text: #e6edf3; --quiet: #9da7b1; --surface: #0d1117; --raised: #161b22; --line: #30363d; --link: #79c0ff;
  --muted: #8b98a5; --band: #76839044; --discarded: #bb800955; --good: #56d364; --bad: #ff7b72; --unsure: #e3b341;
  --series-1: #58a6ff; --series-2: #ffa657; --series-3: #56d364; --series-4: #bc8cff;
  --series-5: #ff7eb6; --series-6: #39c5cf; --series-7: #d9b44a; --series-8: #b1bac4;`;

/** The style sheet. */
export const STYLE = new Markup(`
:root {${LIGHT}
}
@media (prefers-color-scheme: dark) {
  :root {${DARK}
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem 10px 3rem; max-width: 54rem;
  font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--surface);
  overflow-wrap: anywhere;
}
a { color: var(--link); }
h1 { font-size: 1rem; font-weight: 600; color: var(--quiet); margin: 0; }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 2.5rem 0 0.5rem; padding-top: 1rem; border-top: 2px solid var(--line); }
h3 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
.results { margin: 0.5rem 0; padding-left: 1.5rem; font-size: 1.1rem; }
.results li { margin: 0.25rem 0; }
.results a { color: inherit; text-decoration-color: var(--muted); }
.headline { font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0; margin: 0.5rem 0; list-style: none; }
nav li { font-size: 0.9rem; }
figure { margin: 0 0 1rem; }
figcaption { color: var(--quiet); font-size: 0.875rem; padding-top: 0.25rem; }
.chart {
  --plot-background: var(--surface);
  display: block; width: 100%; height: auto; color: var(--text); font-variant-numeric: tabular-nums;
}
.chart text, .chart tspan { white-space: pre; }
.narrow { display: none; }
.panel { margin: 0.5rem 0 0; font-size: 0.875rem; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; list-style: none; padding: 0; margin: 0; font-size: 0.875rem; }
.swatch {
  display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.4em; border-radius: 50%; background: var(--swatch);
}
.swatch.ring { background: none; border: 2px solid var(--swatch); }
.swatch.band { border-radius: 2px; width: 1em; border: 1px solid var(--line); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; min-width: 50%; }
th, td { padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
tbody th { font-weight: 500; }
th, td { overflow-wrap: break-word; }
td:last-child:not(.number) { overflow-wrap: anywhere; min-width: 6rem; }
.number { text-align: right; white-space: nowrap; }
thead th { vertical-align: bottom; }
thead .number { white-space: normal; }
small { color: var(--quiet); font-weight: 400; }
.aside { display: inline-block; max-width: 11rem; white-space: normal; }
code { font-size: 0.9em; }
.depth { display: block; padding-left: calc(var(--depth) * 1.2rem); }
.plain { margin: 0; padding: 0; list-style: none; }
.badge {
  --tone: var(--quiet); display: inline-block; padding: 0 0.5em; border: 1px solid var(--tone); border-radius: 1em;
  color: var(--tone); font-weight: 600; white-space: nowrap;
}
.badge.regression, .badge.confirmed { --tone: var(--bad); }
.badge.improvement { --tone: var(--good); }
.badge.inconclusive, .badge.undecided { --tone: var(--unsure); }
.fix { padding: 0.75rem 1rem; background: var(--raised); border-left: 4px solid var(--link); margin: 0; }
.frames { display: grid; grid-template-columns: repeat(var(--frames), minmax(0, 1fr)); }
.frames input {
  grid-row: 1; appearance: none; width: 100%; height: 5rem; margin: 0; cursor: pointer; opacity: 0.5;
  background: linear-gradient(
    to top, var(--series-1) var(--live), var(--muted) var(--live) var(--resident), transparent var(--resident)
  );
}
.frames input:hover { opacity: 0.8; }
.frames input:checked { opacity: 1; box-shadow: 0 3px var(--text); }
.frames input:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.frame { display: none; grid-row: 2; grid-column: 1 / -1; }
.frame p { margin: 0.75rem 0 0.5rem; font-variant-numeric: tabular-nums; }
.frames input:checked + .frame { display: block; }
.map { display: block; width: 100%; height: auto; margin-bottom: 0.5rem; background: var(--raised); }
.map path { fill: none; stroke-width: 0.9; stroke-dasharray: 0.9 0.1; }
a:focus-visible, .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
@media screen and (max-width: 680px) {
  .wide { display: none; }
  .narrow { display: block; max-width: 480px; }
  .stacked, .stacked tbody, .stacked tr, .stacked td, .stacked th { display: block; }
  .stacked thead { display: none; }
  .stacked tr { border: 1px solid var(--line); border-radius: 6px; padding: 0.4rem 0; margin-bottom: 0.6rem; }
  .stacked td, .stacked tbody th { border: 0; padding: 0.15rem 0.6rem; text-align: left; }
  .stacked .number { white-space: normal; }
  .stacked td::before { content: attr(data-head) ": "; color: var(--quiet); }
  .stacked td .plain { padding-left: 1rem; }
}
@media print {
  :root {${LIGHT}
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, section:has(.download) { display: none; }
  a { color: inherit; text-decoration: none; }
  .scroll { overflow: visible; }
  table { font-size: 8.5pt; }
  figure, tr { break-inside: avoid; }
  figure:has(table) { break-inside: auto; }
  article + article { break-before: page; }
  h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`);
