import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { parseHTML } from "linkedom";
import { parseReportInput, renderPage, type ReportInput, ReportInputError } from "../../../src/report/html/mod.ts";
import { causesOf } from "../../../src/report/html/charts/explain.ts";
import { markup } from "../../../src/report/html/markup.ts";
import {
  deviationScale,
  linearTicks,
  lineScale,
  logarithmicTicks,
  ratioScale,
} from "../../../src/report/html/charts/scale.ts";
import { recommendation } from "../../../src/report/explain.ts";
import { compareHeadline, explainHeadline, headline, renderJson } from "../../../src/report/mod.ts";
import { compareFixture } from "../compare_fixture.ts";
import { explainFixture } from "../explain_fixture.ts";
import { COUNTED } from "../bench/instructions_fixture.ts";
import { fixture } from "../fixture.ts";
import { historyFixture } from "../history_fixture.ts";
import { inspectFixture } from "../traces/inspect_fixture.ts";

/** The part of the browser's document that these tests ask. */
interface Node {
  readonly textContent: string;
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Node | null;
  querySelectorAll(selector: string): Iterable<Node>;
}

function input(file: object, path = "file.json"): ReportInput {
  return parseReportInput(path, renderJson(file));
}

function pageOf(...files: object[]): { html: string; document: Node } {
  const { html } = renderPage(files.map((file, index) => input(file, `file-${index}.json`)));
  return { html, document: (parseHTML(html) as unknown as { document: Node }).document };
}

function texts(document: Node, selector: string): string[] {
  return [...document.querySelectorAll(selector)].map(({ textContent }) => textContent);
}

/** A text as a page has it, in which no line ends between a number and its unit. */
function unbroken(text: string): string {
  return text.replaceAll(/(?<=\d) (?=%|ns\b)/g, "\u00a0");
}

const ALL = [fixture(), compareFixture(), explainFixture()];
/** Also what has charts of another form. */
const EVERY = [...ALL, historyFixture()];

Deno.test("renderPage() begins with the result of each file in one line, linked to its part", () => {
  const { document } = pageOf(...ALL);
  const lines = texts(document, "header li");
  assertEquals(lines[0], headline(fixture()));
  assertEquals(lines.slice(1), [compareHeadline(compareFixture()), explainHeadline(explainFixture())].map(unbroken));
  for (const link of document.querySelectorAll("a[href^='#']")) {
    assert(document.querySelector(link.getAttribute("href") ?? "") !== null, link.outerHTML);
  }
});

Deno.test("renderPage() has the sections of a benchmark, and none that the file has nothing for", () => {
  const { document } = pageOf(fixture());
  assertEquals(texts(document, "h3"), [
    "Throughput by size",
    "Ratio to system",
    "Distribution of samples",
    "Round by round",
    "Notes and warnings",
    "Environment",
    "Raw data",
  ]);
  const { results } = fixture();
  const dots = [...document.querySelectorAll("#file-1-distribution .wide g[aria-label='dot'] circle")].length;
  assertEquals(dots, results.reduce((sum, { samples }) => sum + samples.length, 0), "a dot for every sample");
  const [first] = results;
  const alone = {
    ...first!,
    samples: first!.samples.slice(0, 1),
    nsPerOp: first!.samples[0]!,
    ratioToSystem: undefined,
  };
  const little = { ...fixture(), rounds: { ...fixture().rounds, measured: 1 }, results: [alone], warnings: [] };
  const opsPerSecond = { median: 1e9 / alone.nsPerOp, low: 1e9 / alone.nsPerOp, high: 1e9 / alone.nsPerOp };
  assertEquals(texts(pageOf({ ...little, results: [{ ...alone, opsPerSecond }] }).document, "h3"), [
    "Throughput by size",
    "Distribution of samples",
    "Environment",
    "Raw data",
  ]);
});

Deno.test("renderPage() shows what was counted, and how long our code is, where a file has it", () => {
  const file = fixture();
  const results = file.results.map((result) =>
    result.runtime === "native" ? { ...result, instructions: COUNTED.instructions } : result
  );
  const { document } = pageOf({ ...file, results: [{ ...results[0]!, code: COUNTED.code }, ...results.slice(1)] });
  assertEquals(texts(document, "h3").includes("Instructions and code"), true);
  const cells = texts(document, "#file-1-instructions td");
  for (const cell of ["12,345", "1,000,000", "0.052", "-0.001", "1,652", "mixedChunk", "turbofan"]) {
    assert(cells.includes(cell), `${cell}: ${cells}`);
  }
  assertMatch(texts(document, "#file-1-instructions figcaption").join(), /counted by valgrind.*Our code in bytes/);
});

Deno.test("renderPage() leaves the ratio out where system was not measured", () => {
  const results = fixture().results.filter(({ allocator }) => allocator !== "system")
    .map(({ ratioToSystem: _, ...result }) => result);
  assertEquals(texts(pageOf({ ...fixture(), results }).document, "h3").includes("Ratio to system"), false);
});

Deno.test("renderPage() shows expectations, counters and notes of a benchmark", () => {
  const { document } = pageOf({
    ...fixture(),
    expectations: [{
      allocator: "slab-map",
      size: 128,
      expected: 2,
      measured: { ratio: 1.5, low: 1.4, high: 1.6 },
      verdict: "below",
    }],
    counters: explainFixture().counters.a,
    notes: ["thi.ng is left out"],
  });
  assertStringIncludes(document.querySelector("#file-1-expectations")?.textContent ?? "", "expected 2.00 times system");
  assertStringIncludes(document.querySelector("#file-1-counters")?.textContent ?? "", unbroken("97.94 %"));
  assertStringIncludes(document.querySelector("#file-1-remarks")?.textContent ?? "", "thi.ng is left out");
});

Deno.test("renderPage() draws a comparison: the band, every slot, what disturbed them, the discarded round", () => {
  const { document } = pageOf(compareFixture());
  assertEquals(texts(document, "#file-1-verdict .badge"), ["regression", "inconclusive"]);
  const slots = compareFixture().slots;
  const drawn = texts(document, "#file-1-timeline .wide circle > title");
  const disturbances = slots.flatMap(({ stolenMs = 0, pressureMs = 0, preemptions = 0 }) =>
    [stolenMs, pressureMs, preemptions].filter((amount) => amount > 0)
  );
  assertEquals(drawn.length, slots.length + disturbances.length);
  assertEquals(drawn.filter((title) => title.endsWith(", discarded")).length, 12);
  const bands = [...document.querySelectorAll("#file-1-verdict .wide [fill='var(--band)'] rect")];
  assertEquals(bands.length, 4, "beside B and the control, at two sizes");
  const discarded = [...document.querySelectorAll("#file-1-timeline .wide [fill='var(--discarded)'] rect")];
  assertEquals(discarded.length, 2, "one round, at two sizes");
});

Deno.test("renderPage() draws a comparison without slots, baseline or remarks as far as there is one", () => {
  const { baseline: _, ...file } = compareFixture();
  const { document } = pageOf({ ...file, slots: [], notes: [], warnings: [] });
  assertEquals(texts(document, "h3"), ["Verdict by size", "Distribution of samples", "Environment", "Raw data"]);
});

Deno.test("renderPage() says of an explanation what matters, what does not, and what to do", () => {
  const { document } = pageOf(explainFixture());
  assertEquals(texts(document, "#file-1-hypotheses .badge"), [
    "confirmed",
    "rejected",
    "confirmed",
    "rejected",
    "undecided",
  ]);
  const shown = document.querySelector("#file-1-fix .fix")?.textContent ?? "";
  assertEquals(shown.trim(), unbroken(`${recommendation(explainFixture())} equivalent`));
  const rows = texts(document, "#file-1-calls tbody tr").map((row) => row.replaceAll(/\s+/g, " ").trim());
  assert(rows.includes("└ registry lookup020.6"), rows.join("\n"));
  const { fix: _, ...unfixed } = explainFixture();
  const without = pageOf(unfixed).document.querySelector("#file-1-fix .fix")?.textContent ?? "";
  assertEquals(without.trim(), unbroken(recommendation(unfixed)));
  assertStringIncludes(document.querySelector("#file-1-jit")?.textContent ?? "", "free: in 1 of 4 processes, cumul");
});

Deno.test("causesOf() takes the pairs as causes of their own only if the total asks for it", () => {
  const ratio = (value: number) => ({ ratio: value, low: value, high: value });
  const [first, second] = explainFixture().flags;
  assert(first !== undefined && second !== undefined);
  const flags = [{ ...first, ...ratio(0.9) }, { ...second, ...ratio(0.8) }];
  const pairs = [{ flags: ["push", "restore"] as [string, string], ...ratio(0.95) }];
  const file = { ...explainFixture(), flags, pairs, unexplained: ratio(1) };
  assertEquals(causesOf({ ...file, total: ratio(0.72) }).map(({ label }) => label), [
    "restore: 0 → 1",
    "push: direct → box",
  ]);
  assertEquals(causesOf({ ...file, total: ratio(0.684) }).map(({ label }) => label).at(-1), "push with restore");
});

Deno.test("renderPage() loads nothing: no script, no address but fragments and embedded data", () => {
  const { html, document } = pageOf(...EVERY);
  assertEquals([...document.querySelectorAll("script, iframe, object, embed, img, use, foreignObject")].length, 0);
  assertEquals(/\bon[a-z]+=/.test(html.replaceAll(/>[^<]*</g, "><")), false);
  for (const element of document.querySelectorAll("[href], [src]")) {
    assertMatch(element.getAttribute("href") ?? element.getAttribute("src") ?? "", /^(#|data:)/);
  }
  assertEquals(/url\(|@import|@font-face/.test(html), false);
});

Deno.test("renderPage() embeds each file as it was, to download without a script", async () => {
  const { document } = pageOf(...EVERY);
  const links = [...document.querySelectorAll("a[download]")];
  assertEquals(links.map((link) => link.getAttribute("download")), [
    "file-0.json",
    "file-1.json",
    "file-2.json",
    "file-3.json",
  ]);
  for (const [index, link] of links.entries()) {
    const text = await (await fetch(link.getAttribute("href") ?? "")).text();
    assertEquals(text, renderJson(EVERY[index] ?? {}));
  }
});

Deno.test("renderPage() lets no text of a file become markup", () => {
  const hostile = `x"'><script>alert(1)</script><img src=x onerror=alert(2)></title></style></svg>&lt;b&gt;`;
  const { html, document } = pageOf(...EVERY.map((file) => poison(file, hostile)));
  assertEquals(html.includes("<script"), false);
  assertEquals(html.includes("<img"), false);
  assertEquals([...document.querySelectorAll("script, img, b")].length, 0);
  assertEquals(
    [...document.querySelectorAll("svg")].length,
    [...pageOf(...EVERY).document.querySelectorAll("svg")].length,
  );
  assertStringIncludes(texts(document, "h2").join(), hostile, "it is shown as it was");
  const named = renderPage([parseReportInput(`${hostile}.json`, renderJson(fixture()))]).html;
  assertEquals(named.includes("<script") || named.includes("<img"), false);
});

/** Puts a text behind every text of a file that may be any. */
function poison<T>(value: T, text: string, key = ""): T {
  if (Array.isArray(value)) return value.map((item) => poison(item, text, key)) as T;
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poison(item, text, name)])) as T;
  }
  const isChecked = ["schema", "runtime", "host", "checksum", "verdict", "finding", "contestant"].includes(key) ||
    ["hash", "certainty", "purpose"].includes(key);
  return typeof value === "string" && !isChecked ? (value + text) as T : value;
}

/** The part of a caption that says which axes are logarithmic, of each figure of a section. */
function axesOf(document: Node, section: string): string[] {
  return texts(document, `#file-1-${section} figcaption`).map((text) => /The [a-z]+ axis.*$/.exec(text)?.[0] ?? "");
}

Deno.test("a caption says which axes are logarithmic", () => {
  const { document } = pageOf(fixture());
  assertEquals(axesOf(document, "throughput")[0], "The horizontal axis is logarithmic.", "thi.ng is 800 times slower");
  assertEquals(axesOf(document, "ratio"), ["The horizontal axis is logarithmic."]);
  assertEquals(axesOf(document, "distribution"), [""], "all within some percent");
  const near = { ...fixture(), results: fixture().results.filter(({ allocator }) => allocator !== "thi.ng") };
  assertEquals(axesOf(pageOf(near).document, "throughput")[0], "");
  const [first, ...others] = fixture().results;
  const far = { ...first!, samples: first!.samples.with(-1, 10 * first!.samples[0]!) }; // the median stays
  assertMatch(
    axesOf(pageOf({ ...fixture(), results: [far, ...others] }).document, "distribution")[0]!,
    /^The horizontal axis is logarithmic beyond ±5\.$/,
  );
  const panels = [fixture(), near].flatMap(({ results }, index) =>
    [1, 2].flatMap((threads) =>
      results.map((result) => ({
        ...result,
        size: index === 0 ? 64 : result.size,
        threads,
        threadOpsPerSecond: undefined,
      }))
    )
  );
  assertEquals(
    axesOf(pageOf({ ...fixture(), results: panels }).document, "scaling"),
    ["The vertical axis of size 64, M operations/s is logarithmic."],
  );
});

Deno.test("the page of a replay has its file and its times, and speaks of no size", () => {
  const results = fixture().results.slice(0, 6).map((result) => ({
    ...result,
    workload: "replay",
    size: 32_816,
    coldSamples: result.samples.map((sample) => 2 * sample),
    events: 1_000_000,
    peakLiveBytes: 8e6,
    parameters: {},
  }));
  const trace = { file: "git.trace", format: "hakmem", events: 1_000_000, threads: 1, blocks: 9, crossThreadFrees: 0 };
  const failures = [{ allocator: "scudo", runtime: "native" as const, message: "malloc gave NULL" }];
  const { html, document } = pageOf({ ...fixture(), results, trace, failures });
  assertEquals(texts(document, "h2"), ["replay: git.trace"]);
  assertEquals(texts(document, "h3").slice(0, 2), ["Time", "Ratio to system"]);
  assertEquals(texts(document, "#file-1-environment tbody th").slice(0, 2), ["workload", "rounds"]);
  assertEquals(texts(document, "#file-1-time thead th").slice(0, 4), [
    "allocator",
    "cold ms",
    unbroken("95 %"),
    "warm ms",
  ]);
  assertEquals(texts(document, "#file-1-time tbody th").slice(-2), ["none (native)", "scudo"]);
  assertStringIncludes(texts(document, "#file-1-time p").join(), "git.trace (hakmem): 1,000,000 events");
  assertEquals(/32,?816|by size/.test(html.replaceAll(/href="data:[^"]*"/g, "")), false);
  const short = { ...fixture(), results: results.map((result) => ({ ...result, events: 100 })), trace };
  assertMatch(texts(pageOf(short).document, "#file-1-ratio").join(), /too short: it has 100 events/);
});

Deno.test("charts say what they show, tables have heads, and nothing has an identifier twice", () => {
  const { document } = pageOf(...EVERY);
  const charts = [...document.querySelectorAll("svg")];
  assert(charts.length > 20, String(charts.length));
  for (const chart of charts) {
    assertMatch(chart.getAttribute("viewBox") ?? "", /^0 0 (800|340) \d+$/);
  }
  const drawings = [...document.querySelectorAll("[role=img]")];
  assertEquals(drawings.filter((drawing) => !/\w{3}/.test(drawing.getAttribute("aria-label") ?? "")), []);
  assertEquals([...document.querySelectorAll("[role=img] svg")].length, charts.length);
  for (const table of document.querySelectorAll("table")) {
    assert([...table.querySelectorAll("thead th[scope=col]")].length >= 2);
    for (const row of table.querySelectorAll("tbody tr")) {
      assertEquals([...row.querySelectorAll("th[scope=row]")].length, 1);
    }
  }
  const identifiers = [...document.querySelectorAll("[id]")].map((element) => element.getAttribute("id"));
  assertEquals(identifiers.length, new Set(identifiers).size);
});

Deno.test("charts have no colour of their own, so the dark mode reaches them", () => {
  const { document } = pageOf(...EVERY);
  const colours = new Set<string>();
  for (const element of document.querySelectorAll("svg [fill], svg [stroke]")) {
    for (const name of ["fill", "stroke"]) colours.add(element.getAttribute(name) ?? "none");
  }
  assertEquals([...colours].filter((colour) => !/^(none|currentColor|var\(--[a-z]+(-\d)?\))$/.test(colour)), []);
});

Deno.test("charts contain no NaN where figures are as small as they may be, single or missing", () => {
  const results = fixture().results.map((result) => ({
    ...result,
    samples: [1e15],
    nsPerOp: 1e15,
    opsPerSecond: { median: 1e-6, low: 1e-9, high: 1e-6 },
    ratioToSystem: { ratio: 1e-9, low: 1e-9, high: 1e-9 },
  }));
  const single = { ...fixture(), rounds: { ...fixture().rounds, measured: 1 }, results };
  const rows = compareFixture().rows.map((row) => ({ ...row, rounds: 1, samples: { a: [1], b: [1], control: [1] } }));
  const slots = compareFixture().slots.slice(0, 1);
  const explained = { ...explainFixture(), flags: [], pairs: [], stages: [], jit: [] };
  const counters = { a: [], b: [] };
  const files = [single, { ...compareFixture(), rows, slots }, { ...explained, counters }];
  for (const chart of pageOf(...files).document.querySelectorAll("svg")) {
    assertEquals(chart.outerHTML.match(/.{60}(NaN|Infinity|undefined).{60}/g), null);
  }
});

Deno.test("markup escapes what is put into it, unless it is markup, at any depth", () => {
  assertEquals(
    markup`<a title="${`"'&<>`}">${[markup`<b>${"<"}</b>`, undefined, 3, ["x", "&"]]}</a>`.text,
    '<a title="&quot;&#39;&amp;&lt;&gt;"><b>&lt;</b>3x&amp;</a>',
  );
});

Deno.test("parseReportInput() names the file and the first field that is wrong", () => {
  const compare = compareFixture();
  const cases: [text: string, says: RegExp][] = [
    ["{", /^bad.json is not JSON/],
    [
      "[]",
      /^bad.json has no field schema: .*hakmem.results\/1 \(bench, replay\), hakmem.compare\/1, hakmem.explain\/1, hakmem.history\/1 or /,
    ],
    [renderJson({ schema: "hakmem.stress/1" }), /^bad.json has the schema hakmem.stress\/1: a report is made of/],
    [renderJson({ ...fixture(), rounds: undefined }), /^bad.json: field rounds: /],
    [
      renderJson({ ...fixture(), results: [{ ...fixture().results[0], checksum: "x" }] }),
      /^bad.json: field results\[0\]\.checksum: /,
    ],
    [renderJson({ ...compare, rows: [{ ...compare.rows[0], delta: "2 %" }] }), /^bad.json: field rows\[0\]\.delta: /],
    [renderJson({ ...explainFixture(), total: null }), /^bad.json: field total: /],
  ];
  for (const [text, says] of cases) {
    const error = assertThrows(() => parseReportInput("bad.json", text), ReportInputError);
    assertMatch(error.message, says);
  }
});

Deno.test("ticks are round numbers inside of the domain, and no more than asked for", () => {
  assertEquals(linearTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assertEquals(linearTicks(-3.1, 2.2, 6), [-3, -2, -1, 0, 1, 2]);
  assertEquals(logarithmicTicks([0.04, 3], 6), [0.05, 0.1, 0.2, 0.5, 1, 2]);
  assertEquals(logarithmicTicks([0.001, 2000], 4), [0.001, 0.1, 10, 1000]);
  assertEquals(logarithmicTicks([0.78, 1.02], 6), [0.8, 0.85, 0.9, 0.95, 1]);
  assertEquals(ratioScale([0, 2], 5).type, "linear", "0 has no logarithm");
  assertEquals(deviationScale([-3, 3], 6).type, "linear");
  const wide = deviationScale([-20, 1200], 12);
  assertEquals([wide.type, wide.ticks.includes(0), wide.ticks.includes(1000)], ["symlog", true, true]);
});

Deno.test("renderPage() draws a heap's map with a slider: a step for each frame, one of them chosen, the frame behind it", () => {
  const { document } = pageOf(inspectFixture(), inspectFixture());
  assertEquals(texts(document, "#file-1 h3"), [
    "Heap map",
    "Live bytes against every footprint",
    "Size classes",
    "Environment",
    "Raw data",
  ]);
  const names = new Set<string | null>();
  for (const id of ["file-1", "file-2"]) {
    const steps = [...document.querySelectorAll(`#${id} .frames input`)];
    const frames = [...document.querySelectorAll(`#${id} .frames input + .frame`)];
    assertEquals([steps.length, frames.length], [3, 3]);
    assertEquals(steps.map((step) => step.getAttribute("checked") !== null), [false, true, false]);
    assertEquals(
      frames.map((frame) => frame.querySelector("p")?.textContent),
      steps.map((step) => step.getAttribute("title") ?? undefined),
    );
    for (const step of steps) names.add(step.getAttribute("name"));
  }
  assertEquals(names.size, 2, "steps of two files are of two sliders");
  const paths = [...document.querySelectorAll("#file-1 .frame:nth-of-type(2) path")].map((path) =>
    path.getAttribute("d")
  );
  assertEquals(paths, ["M0 0.5h1", "M1 0.5h1", "M2 0.5h30", "M0 1.5h3", "M3 1.5h1", "M0 1.5h.2M2 1.5h.2"]);
});

Deno.test("the memory chart is as high as the highest footprint, which is drawn whole", () => {
  const file = inspectFixture();
  const [first] = file.contestants!;
  const far = { ...first!, name: "far", footprintBytes: first!.footprintBytes.map((bytes) => 50 * bytes) };
  const { document } = pageOf({ ...file, contestants: [first!, far] });
  const section = document.querySelector("#file-1-memory")!;
  const ticks = [...section.querySelectorAll("[aria-label='y-axis tick label'] text")].map((tick) =>
    Number(tick.textContent)
  );
  assertEquals(Math.max(...ticks), 150, "its peak, in megabytes");
  const lines = [...section.querySelectorAll("[aria-label='line'] path")].map((path) => path.getAttribute("d") ?? "");
  assert(lines.length > 0 && lines.every((line) => line.split("M").length === 2), "no line has a gap");
  const tops = lines.map((line) => Math.min(...[...line.matchAll(/,([\d.]+)/g)].map(([, y]) => Number(y))));
  const zero = Number(section.querySelector("[aria-label='y-grid'] line")!.getAttribute("y1"));
  assert(tops.every((top) => zero - top > 0.15 * zero), "and no other line is flat");
});

Deno.test("a scale for lines is linear as long as none is far above most, and has the highest value in any case", () => {
  const linear = lineScale([3, 4, 12], 6), far = lineScale([3, 4, 400], 6);
  assertEquals([linear.type, linear.domain], ["linear", [0, 12.24]]);
  assertEquals([far.type, far.domain, far.ticks.at(0), far.ticks.at(-1)], ["symlog", [0, 408], 0, 400]);
  assertEquals(lineScale([0, 0], 6).type, "linear");
  assertEquals(lineScale([0.4, 0.8, 25.5144], 6).ticks.at(-1), 25.5, "three digits: more have no room beside the axis");
});

Deno.test("a file of inspect whose map is not one is refused", () => {
  const file = inspectFixture();
  const frames = [{ ...file.frames[0]!, map: { "9": "<script>" } }];
  assertThrows(() => input({ ...file, frames }), ReportInputError, 'field frames[0].map["9"]');
});

Deno.test("the line at which two are equal stands beside the rows of a chart, and crosses no heading", () => {
  for (const file of ALL) {
    const { document } = pageOf(file);
    const lines = [...document.querySelectorAll("svg [aria-label=tick][stroke-dasharray] line")];
    assert(lines.length > 2, file.schema);
    for (const line of lines) {
      const height = Number(line.getAttribute("y2")) - Number(line.getAttribute("y1"));
      assert(height > 10 && height < 30, `${file.schema}: ${height}`);
    }
    assertEquals([...document.querySelectorAll("svg [aria-label=rule][stroke-dasharray='4 3'] line")].length, 0);
  }
});

Deno.test("the time line has its sizes in order, whichever ran first; what counts has one name", () => {
  const { slots = [], ...rest } = compareFixture();
  const { html } = pageOf({ ...rest, slots: slots.toReversed() });
  const sizes = [...html.matchAll(/size (\d+), ns\/op/g)].map(([, size]) => size);
  assertEquals([...new Set(sizes)], ["128", "1024"]);
  assertEquals([html.includes("δ"), html.includes("counts from")], [false, true]);
});

Deno.test("the heap map's legend has all that is drawn in it", () => {
  const { document } = pageOf(inspectFixture());
  const drawn = [...document.querySelectorAll("svg.map path")].map((path) => path.getAttribute("stroke"));
  assert(drawn.includes("var(--text)"));
  assert(texts(document, "figure").join().includes("its start"));
});
