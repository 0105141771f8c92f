import { assertEquals, assertThrows } from "@std/assert";
import { type DoctorFile, DoctorFileSchema, FileValueError, readChecked } from "../../src/model/mod.ts";
import { doctorHeadline, percent, renderDoctor, renderDoctorMarkdown } from "../../src/report/doctor.ts";
import { PLAIN, renderJson } from "../../src/report/mod.ts";
import { fixture } from "./fixture.ts";
import { assertFits } from "./fits.ts";

const NOISE: DoctorFile["noise"] = {
  variant: "slab-map",
  workload: "random-mixed",
  size: 128,
  pairs: 96,
  slotMilliseconds: 25,
  ratio: { median: 1.004, low: 0.998, high: 1.013 },
  level: 0.99,
  floor: 0.013,
  spread: 0.021,
  tiers: ["turbofan"],
};

function file(...facts: DoctorFile["facts"]): DoctorFile {
  return { schema: "hakmem.doctor/1", command: ["deno"], environment: fixture().environment, noise: NOISE, facts };
}

const LONG = "a long text that has to be broken into lines, since the table is no wider than a terminal of 100 columns";

const FACTS: DoctorFile["facts"] = [
  { fact: "processor", value: "A CPU with a long name @ 3.00 GHz, x86_64", state: "ok", meaning: LONG },
  { fact: "governor", value: "powersave", state: "warning", meaning: LONG, advice: `do this: ${LONG}` },
  { fact: "perf", value: "not installed", state: "note", meaning: "not needed" },
  { fact: "noise floor", value: "18 %", state: "warning", meaning: "loud", advice: "mend the above" },
];

Deno.test("renderDoctor() gives the answer and a row a fact, in 100 columns", async (t) => {
  const text = renderDoctor(file(...FACTS));
  assertFits(text, doctorHeadline(file(...FACTS)));
  await t.assertSnapshot(text);
});

Deno.test("renderDoctor() emphasises the same text", () => {
  const marked = renderDoctor(file(...FACTS), { ...PLAIN, red: (text) => `<${text}>` });
  assertEquals(marked.split("<!>").length, 3);
});

Deno.test("renderDoctorMarkdown() has a row a fact, whatever its text contains", () => {
  const [first, , head, , ...rows] = renderDoctorMarkdown(file(...FACTS, {
    fact: "huge pages",
    value: "always",
    state: "warning",
    meaning: "they come and go",
    advice: "echo madvise | sudo tee file",
  })).trimEnd().split("\n");
  assertEquals(
    first,
    `**${doctorHeadline(file(...FACTS))}, huge pages**`.replace("1 thing disturbs", "2 things disturb"),
  );
  assertEquals(head, "|  | fact | value | what it means, and what to do |");
  assertEquals(rows.length, 5);
  assertEquals(rows.at(-1), "| ! | huge pages | always | they come and go; echo madvise \\| sudo tee file |");
});

Deno.test("doctorHeadline() says what can be told, and names what disturbs but not the noise itself", () => {
  const able = "this machine can tell differences of about 1.3 % from noise";
  assertEquals(doctorHeadline(file()), `${able}; nothing that is known disturbs it`);
  assertEquals(doctorHeadline(file(...FACTS)), `${able}; 1 thing disturbs it: governor`);
});

Deno.test("readChecked() reads what was written, and refuses anything else", () => {
  assertEquals(readChecked(DoctorFileSchema, renderJson(file(...FACTS))), file(...FACTS));
  assertThrows(
    () => readChecked(DoctorFileSchema, renderJson({ ...file(), schema: "hakmem.results/1" })),
    FileValueError,
    "schema",
  );
});

Deno.test("percent() shows two digits that count", () => {
  assertEquals([0.0043, 0.013, -0.013, 0.123, 0].map(percent), ["0.43 %", "1.3 %", "-1.3 %", "12 %", "0.00 %"]);
});
