/**
 * The sections of an explanation.
 *
 * @module
 */
import { recommendation } from "../../explain.ts";
import type { ExplainFile } from "../../../model/explain.ts";
import { bounds, change, functionName, levelText, nanoseconds, percent, times } from "../../tables/format.ts";
import { closeBounds, closeRatio, closeRatioWithBounds } from "../close_ratio.ts";
import { badge } from "./compare.ts";
import { callOrder, countsTable } from "./counts.ts";
import { sizesFigure, stagesFigure, waterfallFigure } from "../charts/explain.ts";
import { markup, type Piece } from "../markup.ts";
import { environmentSection, figure, remarksSection, type Section } from "./section.ts";
import { numeric, renderTable } from "../table.ts";

/** The sections, in order. */
export function explainSections(file: ExplainFile): Section[] {
  const { a, b, counters, workload, rounds, level, delta, control } = file;
  return [
    { id: "attribution", title: "What makes the difference", content: figure(waterfallFigure(file)) },
    { id: "hypotheses", title: "Hypotheses", content: [hypotheses(file), pairs(file)] },
    { id: "fix", title: "What to do", content: whatToDo(file) },
    { id: "sizes", title: "Before and after", content: [figure(sizesFigure(file)), sizes(file)] },
    { id: "calls", title: "Call order", content: callOrder(counters.a, counters.b, { a, b }) },
    { id: "stages", title: "Cost by stage", content: [figure(stagesFigure(file)), stages(file)] },
    { id: "jit", title: "What V8 made of it", content: jit(file) },
    { id: "counters", title: "Counters", content: countsTable([...counters.a, ...counters.b]) },
    { id: "build", title: "Build flags", content: build(file) },
    remarksSection(file),
    environmentSection(file, {
      A: a,
      B: b,
      workload,
      rounds: `${rounds} a comparison, level ${levelText(level)}, a change counts from ${percent(delta)}`,
      control: `${closeRatioWithBounds(control)}: A over itself`,
    }),
  ];
}

function hypotheses({ flags }: ExplainFile): Piece {
  return renderTable({
    caption:
      "For each flag that differs: what it does to throughput, how often its code runs, and so whether it matters",
    isStacked: true,
    columns: [
      { head: "flag" },
      { head: "A\u00a0→\u00a0B" },
      { head: "finding" },
      numeric("effect"),
      numeric("reached per million frees"),
      { head: "because" },
    ],
    rows: flags.map((
      { flag, meaning, a, b, finding, reachedPerMillionFrees, reached, because, fromA, fromB, fastFrees, ...ratio },
    ) => [
      markup`<strong>${flag}</strong><br><small>${meaning}</small>`,
      `${a}\u00a0→ ${b}`,
      badge(finding),
      markup`${closeRatioWithBounds(ratio)}${side("in A", fromA)}${side("in B", fromB)}`,
      markup`${amount(reachedPerMillionFrees)}<br><small class="aside">${reached.what}: ${amount(reached.a)} in A, ${
        amount(reached.b)
      } in B</small>${sentElsewhere(fastFrees)}`,
      because,
    ]),
  });
}

/** What the flag does to the share of frees that are fast. */
function sentElsewhere(fastFrees: ExplainFile["flags"][number]["fastFrees"]): Piece {
  if (fastFrees === undefined) return "";
  const [a, b] = [fastFrees.a, fastFrees.b].map(percent);
  return markup`<br><small class="aside">fast frees: ${a} → ${b}</small>`;
}

/** The effect as one side measured it. */
function side(name: string, ablation: ExplainFile["flags"][number]["fromA"]): Piece {
  return ablation === undefined ? "" : markup`<br><small>${name}: ${closeRatioWithBounds(ablation)}</small>`;
}

function pairs({ pairs }: ExplainFile): Piece {
  return renderTable({
    caption: "Pairs: how much more two flags do together than each alone",
    columns: [{ head: "flags" }, numeric("effect"), numeric("interval")],
    rows: pairs.map(({ flags, ...pair }) => [flags.join(" with "), closeRatio(pair.ratio), closeBounds(pair)]),
  });
}

function whatToDo(file: ExplainFile): Piece {
  const verdict = file.fix === undefined ? "" : badge(file.fix.verdict);
  return markup`<p class="fix">${recommendation(file)} ${verdict}</p>`;
}

function sizes({ sizes }: ExplainFile): Piece {
  return renderTable({
    caption: "By size: before, after, and the change of throughput",
    columns: [
      numeric("size"),
      numeric("A, ns/op"),
      numeric("B, ns/op"),
      numeric("B\u00a0/\u00a0A"),
      numeric("interval"),
      numeric("change"),
    ],
    rows: sizes.map(({ size, aNsPerOp, bNsPerOp, ...row }) => [
      size,
      nanoseconds(aNsPerOp),
      nanoseconds(bNsPerOp),
      closeRatio(row.ratio),
      closeBounds(row),
      change(row.ratio),
    ]),
  });
}

function stages({ stages, a, b }: ExplainFile): Piece {
  return renderTable({
    caption: "Cost of each stage when it runs, and how often it runs per free",
    columns: [
      { head: "stage" },
      numeric("ns"),
      numeric("interval"),
      numeric(`per free of A: ${a}`),
      numeric(`per free of B: ${b}`),
      numeric("difference, ns per free"),
    ],
    rows: stages.filter(({ a, b }) => a > 0 || b > 0).map(({ stage, nanoseconds: cost, low, high, a: inA, b: inB }) => [
      stage,
      nanoseconds(cost),
      bounds(low, high),
      times(inA),
      times(inB),
      nanoseconds(cost * (inB - inA)),
    ]),
  });
}

function jit({ jit }: ExplainFile): Piece {
  return renderTable({
    caption: "The measured loop as V8 compiled it; it decides anew in each process, and some were asked",
    isStacked: true,
    columns: [
      { head: "variant" },
      { head: "loop" },
      { head: "tier" },
      { head: "inlined" },
      { head: "deopts" },
      numeric("optimisations"),
      numeric("code, bytes"),
    ],
    rows: jit.map(({ variant, loop, tier, processes, inlined, deopts, optimisations, codeBytes }) => [
      variant,
      markup`<code>${loop}</code>`,
      tier,
      listOf(inlined.map(({ callee, times, reason }) => {
        const share = times === 0 ? "no" : times === processes ? "yes" : `in ${times} of ${processes} processes`;
        return markup`<code>${functionName(callee)}</code>: ${share}${reason === "" ? "" : `, ${reason}`}`;
      })),
      listOf(
        deopts.map(({ function: name, reason, kind, count }) =>
          markup`<code>${functionName(name)}</code>: ${reason} (${kind}), ${count} times`
        ),
      ),
      optimisations,
      codeBytes === undefined ? "unknown" : amount(codeBytes),
    ]),
  });
}

function build({ build, a, b }: ExplainFile): Piece {
  return renderTable({
    caption: "The flags that both are built with; those in bold differ",
    columns: [{ head: "flag" }, { head: `A: ${a}` }, { head: `B: ${b}` }],
    rows: build.map((flag) =>
      flag.a === flag.b ? [flag.flag, flag.a, flag.b] : [flag.flag, flag.a, flag.b].map(strong)
    ),
  });
}

function strong(value: string | number): Piece {
  return markup`<strong>${value}</strong>`;
}

function listOf(items: readonly Piece[]): Piece {
  return items.length === 0 ? "none" : markup`<ul class="plain">${items.map((item) => markup`<li>${item}</li>`)}</ul>`;
}

function amount(value: number): string {
  return Math.round(value).toLocaleString("en");
}
