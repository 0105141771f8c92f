/**
 * V8's log: what it says while it compiles (`--trace-turbo-inlining`, `--trace-opt`, `--trace-deopt`), read from the
 * stdout of a contestant. As Deno 2.9.6 with V8 15 prints it, cut short:
 *
 *     [compiling method 0x.. <JSFunction mixedChunk (sfi = 0x..)> (target TURBOFAN_JS), mode: ..]
 *     Inlining small function(s) at call site #154:JSCall
 *     Inlining 0x.. {0x.. <SharedFunctionInfo write>} into 0x.. {0x.. <SharedFunctionInfo mixedChunk>}
 *     Cannot consider 0x.. {0x.. <SharedFunctionInfo boxCheck>} for inlining (reason: exceeds bytecode limit)
 *     Budget used: 672/920 -- 1 candidate(s) for inlining:
 *       - target: 0x.. {0x.. <SharedFunctionInfo refill>}, bytecode size: 298
 *     [completed compiling 0x.. <JSFunction mixedChunk (sfi = 0x..)> (target TURBOFAN_JS) - took ..]
 *     [bailout (kind: deopt-eager, reason: out of bounds): begin. deoptimizing 0x.. <JSFunction mixedChunk ..
 *
 * V8 buffers its text, and the contestant does not buffer its answers: an answer may stand in the middle of one of V8's
 * lines, and its place says nothing about time. Functions are compiled in the background, and their lines may mix;
 * `Inlining` names both functions, the others only what is called.
 *
 * @module
 */

/** Whether a function became part of the loop's code. */
export interface Inlining {
  readonly callee: string;
  readonly inlined: boolean;
  readonly reason: string;
}

/** Optimised code that V8 left because what it was built on did not hold. */
export interface Deopt {
  readonly function: string;
  readonly reason: string;
  /** `eager` at a check that failed, `lazy` where something else had changed. */
  readonly kind: string;
  readonly count: number;
}

const ANSWER = /ready\n|ok nanoseconds=\d+ operations=\d+ checksum=\w+ slot-checksum=\w+ tier=\w+\n/g;
const SHARED = String.raw`\S+ \{(\S+) <SharedFunctionInfo ?([^>]*)>\}`;
const INLINING = new RegExp(`^Inlining ${SHARED} into ${SHARED}`);
const REFUSED = new RegExp(String.raw`^Cannot consider ${SHARED} for inlining \((?:reason: )?(.*)\)`);
const BUDGET = /^Budget used: (\d+)\/(\d+) /;
const CANDIDATE = new RegExp(
  String.raw`^\s*- target: ${SHARED}, bytecode size: (\d+)(?:.*inlined bytecode size: (\d+))?`,
);
const DEOPT = /^\[bailout \(kind: (?:deopt-)?([\w-]+), reason: (.*)\): begin\. deoptimizing \S+ <JSFunction (\S*) /;
const RESERVE = 1.2; // V8's reserve_inline_budget_scale_factor
const MARK = /^\[disabled optimization for \S+ <SharedFunctionInfo unit>/;

/** V8's lines alone: the contestant's answers are taken out, and the lines that they broke are whole again. */
export function logLines(stdout: string): string[] {
  return stdout.replaceAll(ANSWER, "").split("\n");
}

/** How often V8's optimising compilers compiled a function. */
export function countOptimisations(lines: readonly string[], name: string): number {
  return lines.filter((line) => isCompilation("completed compiling", name, "", line)).length;
}

/**
 * What became part of a loop when TurboFan compiled it for the last time, and what did not, in V8's order; undefined if
 * TurboFan never did. Functions of one name are one row, that of the first, unless one was inlined and another was not.
 */
export function lastInlining(lines: readonly string[], loop: string): Inlining[] | undefined {
  const end = lines.findLastIndex((line) => isCompilation("completed compiling", loop, "TURBOFAN", line));
  const start = lines.findLastIndex((line, index) =>
    index < end && isCompilation("compiling method", loop, "TURBOFAN", line)
  );
  if (start < 0) return undefined;
  const found = new Map<string, Inlining>(); // by the function's address
  let budget = { used: 0, limit: Infinity };
  let isSmall = false;
  for (const line of lines.slice(start, end)) {
    const [, used, limit] = BUDGET.exec(line) ?? [];
    if (used !== undefined) budget = { used: Number(used), limit: Number(limit) };
    const [, address = "", callee = "", , caller] = INLINING.exec(line) ?? [];
    if (caller === loop) {
      found.set(address, { callee, inlined: true, reason: isSmall ? "small" : "within the budget" });
    }
    isSmall = line.startsWith("Inlining small function") || (isSmall && caller === loop);
    const refusal = REFUSED.exec(line) ?? CANDIDATE.exec(line);
    if (refusal === null) continue;
    const [, refused = "", name = "", detail = "", more = "0"] = refusal;
    if (found.get(refused)?.inlined === true) continue;
    const reason = /^\d+$/.test(detail) ? budgetReason(Number(detail), Number(more), budget) : detail;
    found.set(refused, { callee: name, inlined: false, reason });
  }
  // Of functions of one name the first is the one that the loop calls itself; reversed, it is the last that is set.
  const rows = [...found.values()];
  const first = new Set(new Map(rows.toReversed().map((row) => [`${row.callee} ${row.inlined}`, row])).values());
  return rows.filter((row) => first.has(row));
}

/** Deopts of some functions since warm-up; of the whole run, if the log does not say when that ended. */
export function countDeopts(lines: readonly string[], names: readonly string[]): Deopt[] {
  const marks = lines.flatMap((line, index) => MARK.test(line) ? [index] : []);
  const start = marks.length > 1 ? marks.at(-1) : 0;
  const deopts = new Map<string, Deopt>();
  for (const line of lines.slice(start)) {
    const [, kind = "", reason = "", name = ""] = DEOPT.exec(line) ?? [];
    if (kind === "" || !names.includes(name)) continue;
    const key = JSON.stringify([name, kind, reason]);
    deopts.set(key, { function: name, reason, kind, count: (deopts.get(key)?.count ?? 0) + 1 });
  }
  return [...deopts.values()];
}

/** Flags that V8 refused, named in what Deno prints before it ends: `V8 did not recognize flag '--no-such-flag'`. */
export function refusedFlags(stderr: string): string[] {
  if (!stderr.includes("did not recognize flag")) return [];
  return [...stderr.matchAll(/'(--[^'=]+)[^']*'/g)].map(([, flag = ""]) => flag).filter((flag) =>
    flag !== "--v8-flags"
  );
}

function isCompilation(what: string, name: string, compiler: string, line: string): boolean {
  return line.startsWith(`[${what} `) && line.includes(`<JSFunction ${name} (`) && line.includes(`(target ${compiler}`);
}

/** V8 counts what is inlined in the candidate's own optimised code as part of it, and keeps a fifth in reserve. */
function budgetReason(own: number, inlined: number, { used, limit }: { used: number; limit: number }): string {
  const bytes = own + inlined;
  if (used + RESERVE * bytes <= limit) return "V8 did not say why";
  const share = inlined === 0 ? "" : `, ${inlined} of them inlined,`;
  return `its ${bytes} bytes of bytecode${share} do not fit: ${used} of ${limit} were used`;
}
