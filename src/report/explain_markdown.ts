/**
 * `explain` as a Markdown report, the kind that a person would write after days of investigation: what was thought of,
 * what was found, in which order things run and how often, what each stage costs, what V8 did, and what to do. All of it
 * comes from the file.
 *
 * @module
 */
import type { ExplainFile } from "../model/explain.ts";
import { explainHeadline, recommendation } from "./explain.ts";
import { markdownTable } from "./tables/rows.ts";
import {
  bounds,
  change,
  changeWithBounds,
  counted,
  functionName,
  levelText,
  nanoseconds,
  percent,
} from "./tables/format.ts";

/** The report. */
export function renderExplainMarkdown(file: ExplainFile): string {
  return [
    `# ${file.a} → ${file.b}`,
    `**${explainHeadline(file)}.**`,
    recommendation(file),
    "## Hypotheses",
    `Each flag that differs is one: that it makes the difference. It is tested by ablation, in both directions, in ` +
    `${counted(file.rounds, "round")} of fresh processes; intervals hold ${
      levelText(file.level)
    } for all rows together. A change ` +
    `counts beyond ${percent(file.delta)}, which is what the same build differs from itself here, or 2 %.`,
    hypotheses(file),
    list(
      file.flags.map(({ flag, meaning, finding, because }) =>
        `\`${flag}\` (${meaning}) is **${finding}**: ${because}.`
      ),
    ),
    `Of the whole, ${changeWithBounds(file.total)}, the flags leave ${changeWithBounds(file.unexplained)} unexplained.`,
    file.pairs.length === 0 ? "" : "The singles do not add up, so pairs were measured: what two do beyond each alone.",
    file.pairs.length === 0
      ? ""
      : markdownTable(["pair", "beyond"], file.pairs.map((pair) => [pair.flags.join(" + "), changeWithBounds(pair)])),
    "## Call order",
    callOrder(file),
    "## Per size",
    markdownTable(
      ["size", `${file.a}, ns/op`, `${file.b}, ns/op`, "change of throughput"],
      file.sizes.map((
        row,
      ) => [String(row.size), nanoseconds(row.aNsPerOp), nanoseconds(row.bNsPerOp), changeWithBounds(row)]),
    ),
    "## Cost by stage",
    "What a stage costs alone, in a loop of its own, and how often it runs for each free. Their product is what it can " +
    "account for; stages that overlap in the processor cost less together.",
    stages(file),
    jit(file),
    "## Build flags",
    markdownTable(
      ["flag", file.a, file.b],
      file.build.map(({ flag, a, b }) => [a === b ? flag : `**${flag}**`, String(a), String(b)]),
    ),
    "## Where",
    environment(file),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

function hypotheses({ flags }: ExplainFile): string {
  return markdownTable(
    ["flag", "A", "B", "effect", "from A", "from B", "runs per million frees", "finding"],
    flags.map((flag) => [
      flag.flag,
      String(flag.a),
      String(flag.b),
      changeWithBounds(flag),
      flag.fromA === undefined ? "–" : change(flag.fromA.ratio),
      flag.fromB === undefined ? "–" : change(flag.fromB.ratio),
      flag.reachedPerMillionFrees.toLocaleString("en"),
      flag.finding,
    ]),
  );
}

/** What a free goes through, with the share of frees that gets there. */
function callOrder({ counters, a, b }: ExplainFile): string {
  const shares = (rows: ExplainFile["counters"]["a"]) => {
    const sum = (name: keyof typeof rows[number]["counts"]) =>
      rows.reduce((total, { counts }) => total + (counts[name] ?? 0), 0);
    const of = (count: number, whole: number) =>
      whole === 0 ? "–" : `${(100 * count / whole).toFixed(2)} %`.padStart(8);
    const frees = sum("frees"), mallocs = sum("mallocs");
    return [
      of(mallocs - sum("refills"), mallocs),
      of(sum("refills"), mallocs),
      of(frees, frees),
      of(sum("mincoreCalls"), frees),
      of(sum("headerRejects"), frees),
      of(sum("fastFrees"), frees),
      of(sum("frontGateCalls"), frees),
      of(sum("registryLookups"), frees),
      of(sum("spills"), frees),
    ];
  };
  const steps = [
    "malloc",
    "├─ pop of the class's list",
    "└─ refill of an empty list",
    "free",
    "├─ mincore: may the header be read?",
    "├─ header refused",
    "├─ fast: push on the class's list",
    "└─ front gate",
    "   ├─ registry lookup",
    "   └─ spill of a full list",
  ];
  const [left, right] = [shares(counters.a), shares(counters.b)];
  const at = [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8];
  const width = Math.max(...steps.map((step) => step.length)) + 2;
  const lines = steps.map((step, index) =>
    `${step.padEnd(width)}${(left[at[index]!] ?? "").padStart(10)}${(right[at[index]!] ?? "").padStart(10)}`
  );
  return [
    "```",
    `${"".padEnd(width)}${"A".padStart(10)}${"B".padStart(10)}`,
    ...lines,
    "```",
    "",
    `A is ${a}, B is ${b}.`,
  ].join("\n");
}

function stages({ stages: rows }: ExplainFile): string {
  return markdownTable(
    ["stage", "ns", "95 %", "runs per free in A", "in B", "ns per free in A", "in B"],
    rows.filter(({ a, b }) => a > 0 || b > 0).map(({ stage, nanoseconds: cost, low, high, a, b }) => [
      stage,
      nanoseconds(cost),
      bounds(low, high),
      a.toFixed(3),
      b.toFixed(3),
      nanoseconds(a * cost),
      nanoseconds(b * cost),
    ]),
  );
}

function jit({ jit: builds }: ExplainFile): string {
  if (builds.length === 0) return "";
  const rows = builds.map(({ variant, loop, tier, processes, inlined, deopts, codeBytes }) => [
    variant,
    loop,
    tier,
    inlined.filter(({ times }) => times > 0)
      .map(({ callee, times }) =>
        times === processes ? functionName(callee) : `${functionName(callee)} (${times} of ${processes})`
      ).join(", ") ||
    "nothing",
    inlined.filter(({ times }) => times === 0).map(({ callee, reason }) =>
      `${functionName(callee)}${reason === "" ? "" : ` (${reason})`}`
    ).join(", ") || "nothing",
    String(deopts.reduce((sum, { count }) => sum + count, 0)),
    codeBytes === undefined ? "unknown" : codeBytes.toLocaleString("en"),
  ]);
  const processes = Math.max(...builds.map((build) => build.processes));
  return `## What V8 did\n\nIt decides anew in each process; ${processes} of each variant were asked.\n\n` +
    markdownTable(
      ["variant", "loop", "tier", "inlined into it", "not inlined", "deopts", "bytes of machine code"],
      rows,
    ) +
    builds.flatMap(({ variant, deopts }) =>
      deopts.map((deopt) =>
        `\n- ${variant}: ${deopt.kind} deoptimisation of \`${
          functionName(deopt.function)
        }\`, ${deopt.count} times: ${deopt.reason}`
      )
    ).join("");
}

function environment({ environment: where, command, warnings, notes }: ExplainFile): string {
  return `\`${command.join(" ")}\` on ${where.cpu} (${
    counted(where.cores, "core")
  }), ${where.os}, Deno ${where.deno}, V8 ${where.v8}, ` +
    `revision ${where.revision}, ${where.date}.` +
    [...notes, ...warnings.map(({ code, message }) => `${code}: ${message}`)].map((line) => `\n\n${line}`).join("");
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}
