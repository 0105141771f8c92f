/** The page of a flame graph: its tree, and what it does in Chromium, where there is one. */
import { assert, assertEquals } from "@std/assert";
import { flameTree } from "../../../src/report/html/flame/tree.ts";
import { renderFlame } from "../../../src/report/html/mod.ts";
import { type Frame, type StackProfile } from "../../../src/profile/mod.ts";

function call(name: string, line = 0): Frame {
  return { function: name, file: line > 0 ? "/src/program.c" : "", line, module: "/bin/program" };
}

/** 60 of 100 bytes by a, 39 by b, and a thousand stacks of next to nothing. */
const PROFILE: StackProfile = {
  sampleTypes: [{ type: "allocated", unit: "bytes" }, { type: "blocks", unit: "count" }],
  samples: [
    { frames: [call("a<int>(int)", 5), call("main", 9)], values: [60_000, 3] },
    { frames: [call("b</script>", 6), call("main", 10)], values: [39_000, 20_000] },
    ...Array.from({ length: 1000 }, (_, at) => ({ frames: [call(`f${at}`), call("main", 11)], values: [1, 1] })),
    { frames: [], values: [0, 1000] },
  ],
};
const WORDS = {
  headline: "program.trace",
  meanings: { allocated: "bytes", blocks: "allocations, of which it is said at some length what they are" },
  remarks: ["a remark"],
};

Deno.test("a flame graph's tree has a node for each function, and one for all that is small", () => {
  const { root: [, values, [main, none]], texts } = flameTree(PROFILE, 0);
  assertEquals(values, [100_000, 22_003]);
  assertEquals(main![1], [100_000, 21_003]);
  assertEquals(main![2].map(([text, values]) => [texts[text]![0], values]), [
    ["a (program.c:5)", [60_000, 3]],
    ["b (program.c:6)", [39_000, 20_000]],
    ["(small)", [1000, 1000]],
  ]);
  assertEquals([texts[none![0]]![0], none![1]], ["(no stack)", [0, 1000]]);
});

/** Runs in the page: says what is drawn, then clicks, types and changes the value. */
const SCRIPT = `
  const boxes = () => [...document.querySelectorAll(".box")].map((box) =>
    [box.textContent, box.className, Math.round(parseFloat(box.style.width))].join("|"));
  const said = [boxes()];
  const focused = () => document.activeElement.textContent;
  document.querySelectorAll(".box")[2].click();
  said.push(boxes(), focused());
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  said.push(focused());
  const search = document.getElementById("search");
  search.value = "B (P";
  search.dispatchEvent(new Event("input"));
  said.push(boxes(), document.getElementById("matched").textContent);
  document.querySelectorAll("[name=value]")[1].click();
  said.push(boxes(), document.documentElement.scrollWidth <= innerWidth);
  document.body.style.width = "340px"; // as on a phone
  document.querySelectorAll("[name=value]")[0].click();
  const right = (element) => element.getBoundingClientRect().right, whole = document.getElementById("graph");
  said.push([...document.querySelectorAll("label, input, .box")].filter((element) =>
    right(element) > right(whole) + 1).length);
  said.push(document.querySelectorAll(".box")[4].getBoundingClientRect().width < whole.clientWidth / 50);
  document.body.textContent = "SAID" + btoa(encodeURIComponent(JSON.stringify(said))) + "END";
`;

Deno.test("a flame graph is drawn, zooms by a click, finds what is typed, and shows another value", async () => {
  const html = renderFlame(PROFILE, "allocated", WORDS);
  assertEquals(html.match(/<\/script>/g)?.length, 2, "no name of a function ends a script");
  const folder = await Deno.makeTempDir();
  try {
    // The page itself lets no other script run, so the one that tries it is let in here.
    const open = html.replace(/script-src &#39;sha256-[^;]*?&#39;/, "script-src 'unsafe-inline'");
    assert(open !== html);
    await Deno.writeTextFile(`${folder}/page.html`, open.replace("</body>", `<script>${SCRIPT}</script></body>`));
    const args = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=800,600"];
    const found = await new Deno.Command("chromium", {
      args: [...args, `--user-data-dir=${folder}/profile`, "--dump-dom", `file://${folder}/page.html`],
    }).output().catch(() => undefined);
    if (found === undefined) {
      console.log("skipped: chromium is not installed");
      return;
    }
    const [dom, log] = [found.stdout, found.stderr].map((bytes) => new TextDecoder().decode(bytes));
    const encoded = /SAID([\w+/=]+)END/.exec(dom!)?.[1];
    assert(encoded !== undefined, log);
    assertEquals(log!.split("\n").filter((line) => line.includes("CONSOLE")), []);
    assertEquals(JSON.parse(decodeURIComponent(atob(encoded))), [
      ["all|box|100", "main|box|100", "a (program.c:5)|box|60", "b (program.c:6)|box|39", "(small)|box|1"],
      ["all|box above|100", "main|box above|100", "a (program.c:5)|box|100"],
      "a (program.c:5)",
      "a (program.c:5)",
      [
        "all|box other|100",
        "main|box other|100",
        "a (program.c:5)|box other|60",
        "b (program.c:6)|box found|39",
        "(small)|box other|1",
      ],
      "39.0 % goes through what is found",
      [
        "all|box other|100",
        "main|box other|95",
        "b (program.c:6)|box found|91",
        "(small)|box other|5",
        "(no stack)|box other|5",
      ],
      true,
      0,
      true,
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
