/**
 * Opens a report in Chromium, where there is one, as a phone and as a desk would, in light and in dark: nothing may be
 * wider than the screen, no letters of a chart clipped or on top of others, and the console stays empty.
 */
import { assert, assertEquals } from "@std/assert";
import { parseReportInput, renderPage } from "../../../src/report/html/mod.ts";
import { renderJson } from "../../../src/report/mod.ts";
import { compareFixture } from "../compare_fixture.ts";
import { explainFixture } from "../explain_fixture.ts";
import { fixture } from "../fixture.ts";
import { historyFixture } from "../history_fixture.ts";
import { inspectFixture } from "../traces/inspect_fixture.ts";
import { threadsFixture } from "../bench/threads_fixture.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** What was measured of a page at one width. */
interface Measured {
  readonly width: number;
  readonly pageWidth: number;
  readonly background: string;
  /** Charts that are shown. */
  readonly charts: number;
  readonly smallestLetters: number;
  readonly clipped: string[];
  readonly overlapping: string[];
  /** Cells of few letters that take many lines. */
  readonly squeezed: string[];
}

/** Runs in the browser, in a page around the report: the report itself lets no script run. */
function measure(frame: { contentDocument: unknown; contentWindow: unknown }, width: number): Measured {
  // deno-lint-ignore no-explicit-any -- the browser's types are not Deno's
  const [document, window] = [frame.contentDocument, frame.contentWindow] as any[];
  const clipped: string[] = [], overlapping: string[] = [];
  let charts = 0, smallestLetters = Infinity;
  for (const svg of document.querySelectorAll("svg")) {
    const outer = svg.getBoundingClientRect();
    if (outer.width === 0) continue;
    charts++;
    const boxes: { text: string; box: { left: number; right: number; top: number; bottom: number } }[] = [];
    for (const element of svg.querySelectorAll("text")) {
      const box = element.getBoundingClientRect();
      const text = element.lastChild === null ? "" : element.lastChild.textContent;
      if (box.width === 0) continue;
      const scale = outer.width / svg.viewBox.baseVal.width;
      smallestLetters = Math.min(smallestLetters, parseFloat(window.getComputedStyle(element).fontSize) * scale);
      if (
        box.left < outer.left - 1 || box.right > outer.right + 1 || box.top < outer.top - 1 ||
        box.bottom > outer.bottom + 1
      ) clipped.push(text);
      for (const other of boxes) {
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > 1 && down > 3) overlapping.push(`${other.text} and ${text}`);
      }
      boxes.push({ text, box });
    }
  }
  const squeezed: string[] = [];
  for (const cell of document.querySelectorAll("td")) {
    const range = document.createRange(); // a cell is as high as its row
    range.selectNodeContents(cell);
    const { height } = range.getBoundingClientRect(), line = parseFloat(window.getComputedStyle(cell).lineHeight);
    if (cell.textContent.length < 20 && height > 5 * line) squeezed.push(`${cell.textContent} in ${height} px`);
  }
  return {
    width,
    pageWidth: document.documentElement.scrollWidth,
    background: window.getComputedStyle(document.body).backgroundColor,
    charts,
    smallestLetters,
    clipped,
    overlapping,
    squeezed,
  };
}

/** A page that measures another at some widths, and leaves what it measured as its text. */
function measuringPage(widths: readonly number[]): string {
  const frames = widths.map((width) =>
    `<iframe src="page.html" style="width:${width}px;height:800px;border:0"></iframe>`
  );
  return `<!doctype html><body>${frames.join("")}<script>
${measure.toString()}
onload = () => {
  const widths = ${JSON.stringify(widths)};
  const frames = [...document.querySelectorAll("iframe")];
  const result = frames.map((frame, index) => measure(frame, widths[index]));
  document.body.textContent = "MEASURED" + btoa(encodeURIComponent(JSON.stringify(result))) + "END";
};
</script>`;
}

/** Opens a report in a browser; undefined if there is none. */
async function browse(html: string, widths: readonly number[], options: readonly string[] = []) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/page.html`, html);
    await Deno.writeTextFile(`${folder}/measure.html`, measuringPage(widths));
    for (const name of NAMES) {
      const args = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        "--window-size=1400,1000",
        `--user-data-dir=${folder}/profile`,
        ...options,
        "--dump-dom",
        `file://${folder}/measure.html`,
      ];
      try {
        const { stdout, stderr } = await new Deno.Command(name, { args, signal: AbortSignal.timeout(60_000) }).output();
        const [dom, log] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
        const encoded = /MEASURED([\w+/=]+)END/.exec(dom)?.[1];
        assert(encoded !== undefined, `${name} measured nothing:\n${log}`);
        const measured = JSON.parse(decodeURIComponent(atob(encoded))) as Measured[];
        return { measured, messages: log.split("\n").filter((line) => line.includes("CONSOLE")) };
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    console.log(`skipped: none of ${NAMES.join(", ")} is installed`);
    return undefined;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function pageOf(...files: object[]): string {
  return renderPage(files.map((file, index) => parseReportInput(`${index}.json`, renderJson(file)))).html;
}

/** Of a replay, with the memory that it took. */
function replayed(): object {
  const trace = {
    file: "program.trace",
    format: "hakmem",
    events: 20_000,
    threads: 1,
    blocks: 9_000,
    crossThreadFrees: 0,
  };
  const memory = { peakFootprintBytes: 5_400_000, averageFootprintBytes: 3_600_000, peakLiveBytes: 5_000_000 };
  const results = fixture().results.map((result) => ({
    ...result,
    events: 20_000,
    ...(result.runtime === "harness" ? {} : { ...memory, footprintOf: "process", pageFaults: 1294, verified: true }),
  }));
  return { ...fixture(), trace, results };
}

/** Names as long as overrides make them. */
function withLongNames(): object[] {
  const name = "phase7,restore=1,integrity=1,classify=registry-last,push=box-lite,capacity=128,refill=32";
  const results = fixture().results.map((result) =>
    result.allocator === "slab-map" ? { ...result, allocator: name } : result
  );
  const explained = explainFixture();
  const flags = explained.flags.map((flag) => ({
    ...flag,
    b: `${flag.b}-and-something-that-is-much-longer-than-usual`,
  }));
  return [
    { ...fixture(), results },
    { ...compareFixture(), a: name, b: `${name},c7=header` },
    { ...explained, a: name, b: `${name},c7=header`, flags },
  ];
}

for (
  const [what, files] of [["usual", [
    fixture(),
    threadsFixture(),
    compareFixture(),
    explainFixture(),
    historyFixture(),
    inspectFixture(),
    replayed(),
  ]], [
    "long",
    withLongNames(),
  ]]
) {
  Deno.test(`a report with ${what} names fits a phone and a desk in a browser, and can be read`, async () => {
    const seen = await browse(pageOf(...files as object[]), [320, 360, 680, 681, 1200]);
    if (seen === undefined) return;
    assertEquals(seen.messages, []);
    for (const { width, pageWidth, charts, smallestLetters, clipped, overlapping, squeezed } of seen.measured) {
      assert(pageWidth <= width, `the page is ${pageWidth} px wide on a screen of ${width}`);
      assertEquals([width, clipped, overlapping, squeezed], [width, [], [], []]);
      assert(smallestLetters >= 9, `letters of ${smallestLetters} px at ${width}`);
      assert(charts > 10, `${charts} charts at ${width}`);
    }
    assertEquals(new Set(seen.measured.map(({ charts }) => charts)).size, 1, "each chart is shown once");
  });
}

Deno.test("a report is dark where the system is, without a word on the console", async () => {
  const seen = await browse(pageOf(fixture()), [360], ["--blink-settings=preferredColorScheme=0"]);
  if (seen === undefined) return;
  assertEquals(seen.messages, []);
  assertEquals(seen.measured.map(({ background }) => background), ["rgb(13, 17, 23)"]);
});
