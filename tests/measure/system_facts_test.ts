import { assert, assertEquals } from "@std/assert";
import { captureEnvironment } from "../../src/measure/mod.ts";
import { parseSystemFacts, SYSTEM_FILES } from "../../src/measure/system_facts.ts";

Deno.test("parseSystemFacts() reads what a laptop says", () => {
  const facts = parseSystemFacts(`/proc/cpuinfo:processor	: 0
/proc/cpuinfo:flags		: fpu tsc constant_tsc nonstop_tsc sse2
/proc/cpuinfo:processor	: 1
/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor:powersave
/sys/devices/system/cpu/intel_pstate/no_turbo:0
/sys/devices/system/cpu/smt/active:1
/sys/kernel/mm/transparent_hugepage/enabled:[always] madvise never
/proc/sys/kernel/randomize_va_space:2
/sys/devices/system/clocksource/clocksource0/current_clocksource:tsc
/proc/sys/kernel/perf_event_paranoid:-1
/proc/pressure/cpu:some avg10=7.50 avg60=6.55 avg300=7.10 total=443496211
/proc/pressure/cpu:full avg10=0.00 avg60=0.00 avg300=0.00 total=0
`);
  assertEquals(facts, {
    governor: "powersave",
    boost: true,
    simultaneousThreads: true,
    transparentHugePages: "always",
    addressRandomisation: 2,
    clockSource: "tsc",
    invariantTsc: true,
    virtualMachine: false,
    corePressure: 0.075,
    perfEventParanoid: -1,
  });
});

Deno.test("parseSystemFacts() reads the limits of containers, of both versions of control groups", () => {
  const group = "/sys/fs/cgroup";
  assertEquals(parseSystemFacts(`${group}/cpu.max:150000 100000\n${group}/memory.max:1073741824\n`), {
    coreLimit: 1.5,
    memoryLimitBytes: 2 ** 30,
  });
  assertEquals(parseSystemFacts(`${group}/cpu.max:max 100000\n${group}/memory.max:max\n`), {});
  const old = (quota: number, bytes: number) =>
    `${group}/cpu/cpu.cfs_quota_us:${quota}\n${group}/cpu/cpu.cfs_period_us:100000\n` +
    `${group}/memory/memory.limit_in_bytes:${bytes}\n`;
  assertEquals(parseSystemFacts(old(50_000, 2 ** 31)), { coreLimit: 0.5, memoryLimitBytes: 2 ** 31 });
  assertEquals(parseSystemFacts(old(-1, 9223372036854771712)), {});
});

Deno.test("parseSystemFacts() has nothing to say of files that are missing, empty or strange", () => {
  assertEquals(parseSystemFacts(""), {});
  assertEquals(parseSystemFacts(SYSTEM_FILES.map((path) => `${path}:`).join("\n")), {});
  assertEquals(parseSystemFacts(SYSTEM_FILES.map((path) => `${path}:?`).join("\n")), {
    governor: "?",
    clockSource: "?",
  });
});

Deno.test("captureEnvironment() says what every system knows, and where memory comes from", async () => {
  const { deno, cores, memoryBytes, pageBytes, nativeLibrary, date } = await captureEnvironment();
  assertEquals(deno, Deno.version.deno);
  assert(cores >= 1 && memoryBytes > 2 ** 26 && Number.isInteger(Math.log2(pageBytes ?? 0)));
  assert(nativeLibrary === "native" || nativeLibrary === "libc");
  assert(Math.abs(Date.now() - Date.parse(date)) < 60_000);
});

Deno.test("parseSystemFacts() tells the processor's family, model, stepping and level", () => {
  const cpuinfo = (...lines: string[]) => parseSystemFacts(lines.map((line) => `/proc/cpuinfo:${line}`).join("\n"));
  const second = "cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2";
  const third = "avx avx2 bmi1 bmi2 f16c fma movbe xsave";
  const fourth = "avx512f avx512bw avx512cd avx512dq avx512vl";
  const amd = cpuinfo(
    "cpu family\t: 25",
    "model\t\t: 17",
    "model name\t: AMD EPYC",
    "stepping\t: 1",
    `flags\t\t: lm ${second} ${third} ${fourth}`,
  );
  assertEquals([amd.cpuFamily, amd.cpuModel, amd.cpuStepping, amd.isaLevel], [25, 17, 1, "x86-64-v4"]);
  const level = (flags: string) => cpuinfo(`flags\t\t: ${flags}`).isaLevel;
  assertEquals(level("lm"), "x86-64-v1");
  assertEquals(level(`lm ${second}`), "x86-64-v2");
  assertEquals(level(`lm ${second} ${third}`), "x86-64-v3");
  assertEquals(level(`lm ${third} ${fourth}`), "x86-64-v1", "what a lower level asks for is missing");
  assertEquals(level("fpu"), undefined, "32 bits");
  const arm = cpuinfo(
    "Features\t: fp asimd crc32 atomics asimdrdm dcpop lrcpc",
    "CPU implementer\t: 0x41",
    "CPU architecture: 8",
    "CPU variant\t: 0x3",
    "CPU part\t: 0xd0c",
    "CPU revision\t: 1",
  );
  assertEquals([arm.cpuFamily, arm.cpuModel, arm.cpuStepping, arm.isaLevel], [0x41, 0xd0c, 0x31, "armv8.2-a"]);
});
