/** What terminals of several widths and abilities show of real commands, and what a reader who leaves does to them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { progressLine } from "../../../src/cli/shared/terminal.ts";
import { FOLDER, mallocLabText, outcome, withFile } from "../helpers.ts";
import { shownIn, terminalTest } from "../terminal.ts";

terminalTest(
  "what commands print, help and errors too, is as wide as the terminal; a dumb one gets no escape codes",
  () =>
    withFile(mallocLabText(2000), async (trace) => {
      for (const [columns, term] of [[60, "dumb"], [60, "xterm"], [80, "dumb"], [120, "xterm"]] as const) {
        const commands = [["flags", "slab-map,refill=32"], ["bench", "--help"], ["bench", "--size", "7"], [
          "trace",
          "info",
          trace,
        ]];
        for (const { text, escapes } of await shownIn({ columns, term }, commands)) {
          assertEquals(text.split("\n").filter((line) => line.length > columns), [], `${columns} ${term}`);
          assert(Math.max(...text.split("\n").map(({ length }) => length)) > 0.6 * columns, `${columns}: ${text}`);
          assert(term === "xterm" || escapes === 0, `${term}: ${escapes}`);
        }
      }
    }),
);

terminalTest("paragraphs of a help are broken as a whole, so that no line of them is short but the last", async () => {
  const [help] = await shownIn({ columns: 80, term: "xterm" }, [["stress", "--help"]]);
  const [, paragraph = ""] = /\n\n(Each program is a random list [^]*?)\n\n/.exec(help!.text.replaceAll("\r", "")) ??
    [];
  const lines = paragraph.split("\n");
  assertEquals([lines.length > 3, lines.slice(0, -1).filter(({ length }) => length < 65)], [true, []], paragraph);
});

terminalTest("emphasis breaks no line of what goes to stderr: it has no width", () =>
  withFile("", async (path) => {
    const command = ["record", "-o", `${path}.recorded`, "--", "sh", "-c", ":"];
    const shown: string[] = [];
    for (const term of ["xterm", "dumb"]) {
      const [{ text, escapes } = { text: "", escapes: 0 }] = await shownIn({ columns: 60, term }, [command]);
      assertEquals([term, escapes > 0], [term, term === "xterm"]);
      shown.push(text.split("\n").filter((line) => /^ (program|sh|dash|bash|busybox) /.test(line)).join("\n"));
    }
    assertMatch(shown[0]!, /^ program +pid +events .*\n/);
    assertEquals(shown[0]!.replaceAll(/\d+/g, "0"), shown[1]!.replaceAll(/\d+/g, "0"));
  }));

terminalTest("a terminal that knows no width is taken for one of 80 columns", async () => {
  const [flags] = await shownIn({ columns: 0, term: "dumb" }, [["flags"]]);
  assertEquals(flags!.text.split("\n").filter((line) => line.length > 80), []);
});

terminalTest("progress is seen in a terminal, and not in a dumb one", async () => {
  const stress = ["stress", "--seconds", "1", "--seed", "1"];
  const [bar] = await shownIn({ columns: 60, term: "xterm" }, [stress]);
  const [none] = await shownIn({ columns: 60, term: "dumb" }, [stress]);
  assertMatch(bar!.text, /stress \[[=-]+\] \d+ %/);
  assertEquals(bar!.text.includes("LLs") || / 0 % +0 ?s left/.test(bar!.text), false, bar!.text);
  assertEquals([none!.escapes, none!.text.includes(" %")], [0, false], none!.text);
});

Deno.test("progressLine() is never too wide, and keeps the share and the time that is left", () => {
  const state = {
    phase: "run 3 of 11, random-mixed: round 4",
    label: "mimalloc 3.4.3 (/opt/mimalloc/lib/libmimalloc.so) at 1024",
    progress: 0.426,
    eta: 83,
  };
  for (let columns = 20; columns <= 120; columns++) {
    const line = progressLine(state, columns);
    assert(line.length <= columns, line);
    assertStringIncludes(line, "42 %  1 min left");
  }
  assertMatch(
    progressLine(state, 119),
    /^run 3 of 11, random-mixed: round 4 \[=+-+\] 42 % {2}1 min left {2}mimalloc .*…$/,
  );
});

Deno.test("progressLine() says no time while none is known, nor when none is left", () => {
  const state = { phase: "warm-up", label: "slab-map" };
  for (const [progress, eta] of [[0, 0], [0, "NULL"], [0.5, "INF"], [0.5, "NULL"], [1, 0], [1, 5]] as const) {
    const line = progressLine({ ...state, progress, eta }, 79);
    assertMatch(line, /^warm-up \[[=-]{30}\] \d+ % {2}slab-map$/);
  }
  assertMatch(progressLine({ ...state, progress: 0.1, eta: 59 }, 79), / 59 s left /);
  assertMatch(progressLine({ ...state, progress: 0.1, eta: 4000 }, 79), / 1 h 7 min left /);
});

Deno.test("a reader who has seen enough ends a command quietly", async () => {
  const commands = ["flags", "bench --help", "flags --json -"];
  const lines = commands.map((args) =>
    `'${Deno.execPath()}' run --quiet -P cli.ts ${args} | true; echo "\${PIPESTATUS[0]}"`
  );
  const options = { args: ["-c", lines.join("\n")], cwd: FOLDER, stdin: "null" as const };
  const { stdout, stderr } = outcome(await new Deno.Command("bash", options).output());
  assertEquals([stdout, stderr], ["0\n".repeat(commands.length), ""]);
});
