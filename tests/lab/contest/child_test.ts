import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Child, ContestantError, ContestantTimeout } from "../../../src/lab/contest/child.ts";
import { warmUp } from "../../../src/lab/contest/warm_up.ts";
import { okLine, startScripted } from "../helpers.ts";

const REQUEST = { workload: "hot-pair", units: 1, parameters: { size: 16 } };

Deno.test("Child.run() gives the slot that its process answered", async () => {
  await using child = await startScripted("scripted", `say("${okLine("0000002a")}")`);
  assertEquals((await child.run(REQUEST)).checksum, "0000002a");
  assertEquals((await child.run({ ...REQUEST, units: 7 })).units, 7);
});

Deno.test("Child.run() names the contestant and its stderr when its process dies", async () => {
  await using child = await startScripted("fragile", `console.error("out of luck"); Deno.exit(9);`);
  const error = await assertRejects(
    () => child.run(REQUEST),
    ContestantError,
    "contestant fragile ended with exit code 9",
  );
  assertStringIncludes(error.message, "out of luck");
});

Deno.test("Child.run() names the contestant when it cannot do its work", async () => {
  await using child = await startScripted("poor", `say("error malloc(16) gave NULL")`);
  await assertRejects(() => child.run(REQUEST), ContestantError, "contestant poor failed: malloc(16) gave NULL");
});

Deno.test("Child.run() gives up when the deadline has passed", async () => {
  await using child = await startScripted("slow", "await new Promise((done) => setTimeout(done, 60_000))");
  await assertRejects(() => child.run(REQUEST, 50), ContestantTimeout, "took more than 0.05 s");
});

Deno.test("Child.start() says why when a process is not ready", async () => {
  const start = Child.start({ label: "mute", path: Deno.execPath(), args: ["eval", "console.log('error no heap')"] });
  await assertRejects(() => start, ContestantError, "contestant mute cannot start: no heap");
});

Deno.test("warmUp() raises the units until a slot is long enough, and runs slow contestants once", async () => {
  const answer = (nanosecondsPerUnit: number) => `
    const units = Number(/units=(\\d+)/.exec(line)[1]);
    say("${okLine("00000001")}".replace("nanoseconds=1000", "nanoseconds=" + units * ${nanosecondsPerUnit}));`;
  await using fast = await startScripted("fast", answer(1000));
  const warm = await warmUp(fast, REQUEST, { slotMilliseconds: 10 });
  assertEquals(warm.units, 11_500);
  assertEquals(warm.isStable, true);
  await using slow = await startScripted("slow", answer(1e9));
  assertEquals((await warmUp(slow, REQUEST, { slotMilliseconds: 10 })).units, 1);
});

Deno.test("Child.run() takes an answer that comes with the deadline for late, or its process for alive", async () => {
  const body = `await new Promise((done) => setTimeout(done, 50)); say("${okLine("0000002a")}");`;
  await using child = await startScripted("tight", body);
  const run = child.run(REQUEST, 150);
  await new Promise((done) => setTimeout(done, 20));
  const busyUntil = performance.now() + 250;
  while (performance.now() < busyUntil); // now the answer is there, and the deadline has passed
  try {
    await run;
  } catch (error) {
    assertEquals(error instanceof ContestantTimeout, true, String(error));
    return;
  }
  assertEquals((await child.run(REQUEST)).checksum, "0000002a");
});

Deno.test("Child.start() gives up on a process that never says that it is ready, though it has one of its own", async () => {
  const program = `new Deno.Command("sleep", { args: ["60"], stderr: "inherit", stdout: "inherit" }).spawn().unref();
    setTimeout(() => {}, 60_000);`;
  const mute = { label: "mute", path: Deno.execPath(), args: ["eval", program] };
  await assertRejects(() => Child.start(mute, 1000), ContestantTimeout, "contestant mute took more than 1 s to start");
});

Deno.test("Child.run() reads what its process writes to stderr, however much", async () => {
  await using child = await startScripted("chatty", `console.error("x".repeat(4e6)); say("${okLine("0000002a")}")`);
  assertEquals((await child.run(REQUEST)).checksum, "0000002a");
});

Deno.test("Child.run() ends a process that writes without an end of line", async () => {
  await using child = await startScripted(
    "endless",
    `
    for (;;) Deno.stdout.writeSync(new Uint8Array(1e5).fill(120));`,
  );
  await assertRejects(() => child.run(REQUEST), ContestantError, "contestant endless");
});
