/** Traces for tests: texts of each format, the archive of one file, and the real trace where it is there. */
import fc from "fast-check";
import { crc32, deflateRawSync } from "node:zlib";
import { existsSync } from "node:fs";
import { TraceBuilder } from "../../src/traces/builder.ts";
import type { Trace, TraceStacks } from "../../src/traces/mod.ts";

/** One small trace in each text format. All are sound. */
export const SAMPLES: Readonly<Record<string, string>> = {
  android: `7: malloc 0xb4827400 1024
7: calloc 0xb4872020 17 8
8: realloc 0xb4840a60 0xb4827400 2048
8: memalign 0xae42d080 64 104
7: free 0xb4872020
7: free 0x0
7: realloc 0xb4827400 0x0 5
8: thread_done 0x0
`,
  malloclab: "20000\n3\n8\n1\na 0 512\na 1 128\nr 0 640\na 2 128\nf 1\nr 0 768\nf 0\nf 2\n",
  wee_alloc: "Alloc(552),\nAlloc(120),\nFree(1),\nAlloc(0),\nFree(2),\n",
  heaptrack: `v 10400 3
x b /usr/bin/ls
t 7f4b5fe28b9f 0
+ 11c00 4 564f00e67540
c 1
+ 1d8 7 564f00e791e0
R 1c2
- 564f00e67540
`,
  valgrind: `==23698== Memcheck, a memory error detector
==23698== Command: ls /
--23698-- malloc(472) = 0x4B0B040
--23698-- malloc(120) = 0x4B0B260
--23698-- free(0x4B0B260)
--23698-- realloc(0x0,1600)malloc(1600) = 0x4B0CA10
--23698-- realloc(0x4B0CA10,2048) = 0x4B0D4D0
--23698-- free(0x0)
--23698-- realloc(0x4B0D4D0,0)free(0x4B0D4D0)
--23698--  = 0
--23698-- malloc(18446744073709551516)Argument 'size' of function malloc has a fishy (possibly negative) value: -100
--23698--  = 0x0
--23698-- memalign(al 64, size 100) = 0x4B0E200
--23698-- malloc_usable_size(0x4B0E200) = 100
--23698-- calloc(3,5) = 0x4B0E400
--23698-- _Znwm(4) = 0x4B0E500
--23698-- _ZdlPvm(0x4B0E500)
--23698-- malloc(7) = 0x4B0E600
--23698-- free(0x4B0E600)
==23698== HEAP SUMMARY:
`,
  mtrace: `= Start
@ ./mtr:[0x1190] + 0x556919c8a2a0 0xa
@ ./mtr:[0x11a5] < 0x556919c8a2a0
@ ./mtr:[0x11a5] > 0x556919c8a4a0 0x64
@ ./mtr:[0x11b5] - 0x556919c8a4a0
@ ./mtr:[0x11bf] + 0x556919c8a2a0 0x7
@ ./mtr:[0x11c4] ! 0x556919c8a2a0 0xffffffffffffff9c
@ ./mtr:[0x11c9] + (nil) 0xffffffffffffff9c
= End
`,
  ltrace: `7 malloc(472)                                  = 0x5581b3f062a0
7 ls->realloc(0x5581b3f062a0, 2048)              = 0x5581b3f07ac0
7 calloc(3, 5 <unfinished ...>
7 libc.so.6->malloc(15)                          = 0x5581b3f08010
8 18:33:53.985784 malloc(5)                      = 0x5581b3f08800
7 <... calloc resumed> )                         = 0x5581b3f08010
7 free(0x5581b3f08010)                           = <void>
7 memalign(64, 100, 24, 0x55cb4d7ee300)          = 0x5581b3f08040
7 strlen("malloc(8) = 0x5")                      = 15
7 malloc(18446744073709551516)                   = 0
7 operator new(unsigned long)(4, 0x7ffc175f)     = 0x5581b3f08900
7 _ZdlPvm(0x5581b3f08900, 4, 0)                  = 0
8 free(0x5581b3f08800)                           = <void>
7 +++ exited (status 0) +++
`,
  lttng:
    `[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:calloc: { cpu_id = 1 }, { vpid = 30193, vtid = 30193, procname = "m" }, { nmemb = 100, size = 1, ptr = 0x557F8AEC6550 }
[20:38:11.907395975] (+0.000004620) vm lttng_ust_cyg_profile:func_entry: { cpu_id = 1 }, { addr = 0x4006FD }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:posix_memalign: { cpu_id = 1 }, { vpid = 30193, vtid = 30196, procname = "m" }, { out_ptr = 0x7FA32C000900, alignment = 64, size = 100, result = 0 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:free: { cpu_id = 1 }, { vpid = 30193, vtid = 30196, procname = "m" }, { ptr = 0x7FA32C000900 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:malloc: { cpu_id = 1 }, { vpid = 30193, vtid = 30196, procname = "m" }, { size = 50, ptr = 0x7FA32C000C50 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:realloc: { cpu_id = 1 }, { vpid = 30193, vtid = 30196, procname = "m" }, { in_ptr = 0x7FA32C000C50, size = 5000, ptr = 0x7FA32C000C50 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:free: { cpu_id = 1 }, { vpid = 30193, vtid = 30196, procname = "m" }, { ptr = 0x0 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:free: { cpu_id = 1 }, { vpid = 30193, vtid = 30193, procname = "m" }, { ptr = 0x7FA32C000C50 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:memalign: { cpu_id = 1 }, { vpid = 30193, vtid = 30193, procname = "m" }, { alignment = 256, size = 10, ptr = 0x557F8AEC6900 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:realloc: { cpu_id = 1 }, { vpid = 30193, vtid = 30193, procname = "m" }, { in_ptr = 0x557F8AEC6900, size = 0, ptr = 0x0 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:malloc: { cpu_id = 1 }, { vpid = 30193, vtid = 30193, procname = "m" }, { size = 18446744073709551611, ptr = 0x0 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:posix_memalign: { cpu_id = 1 }, { vpid = 30193, vtid = 30193, procname = "m" }, { out_ptr = 0x7FFD00000010, alignment = 64, size = 18446744073709551611, result = 12 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:free: { cpu_id = 1 }, { vpid = 30193, vtid = 30193, procname = "m" }, { ptr = 0x557F8AEC69A0 }
[20:28:18.298660288] (+0.000029093) vm lttng_ust_libc:malloc: { cpu_id = 1 }, { vpid = 30193, vtid = 30193, procname = "m" }, { size = 7, ptr = 0x557F8AEBBAD0 }
`,
  logalloc: `13663 13665 malloc(42)=0x7f0c33502040
13663 13665 calloc(3,8)=0x7f0c33503040
13663 13666 realloc(0x7f0c33502040,60)=0x7f0c33502080
13663 13665 jemalloc_stats()
13663 13666 posix_memalign(64,100)=0x7f0c33504000
13663 13665 free(0x7f0c33503040)
13663 13665 realloc(0x0,5)=0x7f0c33503040
13663 13665 valloc(6)=0x7f0c33506000
13663 13665 realloc(0x7f0c33502080,0)=0x0
`,
  memleak: `Attaching to pid 11748, Ctrl+C to quit.
(b'top', 11748, 8, b'...11', 3393.638436, b'alloc entered, size = 7')
(b'top', 11748, 8, b'...11', 3393.638438, b'alloc exited, size = 7, result = 56140ebca620')
(b'a, b', 11749, 8, b'...11', 3393.638444, b'alloc exited, size = 9, result = 56140ebca640')
(b'top', 11748, 8, b'...11', 3393.638444, b'free entered, address = 56140ebca620, size = 7')
(b'top', 11748, 8, b'...11', 3393.638444, b'alloc exited, size = 70000000000000, result = 0')
             top-11748   [008] ...11  3393.638438: bpf_trace_printk: alloc exited, size = 5, result = 56140ebca620
`,
  chrome: `{"displayTimeUnit":"ns","otherData":{"category":"hakmem.heap"},"traceEvents":[
{"name":"thread_name","ph":"M","pid":1,"tid":202,"args":{"name":"main"}},
${chromeLine("malloc", 202, { block: 1, size: 1024 })}
{"name":"live bytes","cat":"hakmem.heap","ph":"C","ts":0,"pid":1,"args":{"bytes":1024}},
${chromeLine("calloc", 202, { block: 2, size: 136 })}
${chromeLine("realloc", 203, { block: 1, size: 2048 })}
${chromeLine("aligned", 203, { block: 3, size: 104, alignment: 64 })}
${chromeLine("free", 202, { block: 2, size: 0 })}
${chromeLine("free", 202, { block: 0, size: 0 })}
${chromeLine("realloc", 202, { block: 4, size: 5 })}
${chromeLine("thread end", 203, {})}
{"name":"process_name","ph":"M","pid":1,"args":{"name":"ls"}}
]}
`,
  "malloc-bench": [
    mallocBenchLine(1, { 1: 0, 2: 10 }),
    mallocBenchLine(1, { 1: 1, 2: 60 }),
    mallocBenchLine(2, { 1: 1, 2: 60 }),
    mallocBenchLine(3, { 1: 1, 2: 0, 3: 100 }),
    mallocBenchLine(4, { 1: 2, 2: 3, 3: 12 }),
    mallocBenchLine(2, {}),
    mallocBenchLine(2, { 1: 1 }),
    mallocBenchLine(2, { 1: 2 }),
    mallocBenchLine(1, { 2: 100, 3: 64 }),
    "\x10\x03", // the most blocks at once
  ].join(""),
};

/** A call as a line of Chrome's trace events. */
function chromeLine(name: string, tid: number, args: Record<string, number>): string {
  return `${JSON.stringify({ name, cat: "hakmem.heap", ph: "i", s: "t", ts: 0, pid: 1, tid, args })},`;
}

/** A line of malloc-bench's protocol buffers, with numbers below 128, so that its bytes are letters of a text. */
function mallocBenchLine(call: number, fields: Readonly<Record<number, number>>): string {
  const numbers = Object.entries(fields).flatMap(([field, value]) => [Number(field) << 3, value]);
  return String.fromCharCode(10, numbers.length + 2, call << 3 | 2, numbers.length, ...numbers);
}

/** Bytes of a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A zip archive of files that have the same content, deflated; folders have none. */
export function zipOf(content: Uint8Array, names: readonly string[] = ["trace.txt"]): Uint8Array<ArrayBuffer> {
  const locals: Uint8Array[] = [], entries: Uint8Array[] = [];
  const bytesIn = (parts: readonly Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0);
  for (const each of names) {
    const name = bytesOf(each), own = each.endsWith("/") ? new Uint8Array() : content, packed = deflateRawSync(own);
    const local = new DataView(new ArrayBuffer(30)), entry = new DataView(new ArrayBuffer(46));
    local.setUint32(0, 0x04034b50, true);
    local.setUint16(8, 8, true);
    local.setUint32(14, crc32(own), true);
    local.setUint32(18, packed.length, true);
    local.setUint32(22, own.length, true);
    local.setUint16(26, name.length, true);
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(10, 8, true);
    entry.setUint32(16, crc32(own), true);
    entry.setUint32(20, packed.length, true);
    entry.setUint32(24, own.length, true);
    entry.setUint16(28, name.length, true);
    entry.setUint32(42, bytesIn(locals), true);
    locals.push(new Uint8Array(local.buffer), name, new Uint8Array(packed));
    entries.push(new Uint8Array(entry.buffer), name);
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, names.length, true);
  end.setUint16(10, names.length, true);
  end.setUint32(12, bytesIn(entries), true);
  end.setUint32(16, bytesIn(locals), true);
  return new Uint8Array([...locals, ...entries, new Uint8Array(end.buffer)].flatMap((part) => [...part]));
}

/** Where the real trace is: `HAKMEM_TRACES`, otherwise next to the repository; undefined where it is missing. */
export function realTrace(): string | undefined {
  const beside = decodeURIComponent(new URL("../../../shared/traces", import.meta.url).pathname);
  const path = `${Deno.env.get("HAKMEM_TRACES") || beside}/systemui.zip`;
  return existsSync(path) ? path : undefined;
}

/** The same trace, in which some allocations have stacks, which begin alike. */
export function withStacks(trace: Trace): Trace {
  const stacks: TraceStacks = {
    by: "auto",
    depth: 8,
    sampleBytes: 512,
    modules: [{ path: "/usr/bin/ls", buildId: "0a1b" }, { path: "/lib/libc.so.6", buildId: "" }],
    parents: [0, 0, 1, 1, 3, 0],
    moduleOf: [0, 1, 1, 2, 2, 0],
    offsets: [0, 0x1000, 0x1234, 0x99, 0x100000, 0x7f0000000000],
  };
  const callers = Uint32Array.from(trace.sizes, (size, event) => size === 0 ? 0 : (event * 7 + size) % 6);
  return { ...trace, stacks, callers };
}

/** The stacks of a trace's events, from the inside, as `path+offset`. */
export function stacksOf({ stacks, callers = new Uint32Array() }: Trace): string[] {
  return [...callers].map((stack) => {
    const frames: string[] = [];
    for (let node = stack; node !== 0; node = stacks!.parents[node]!) {
      const module = stacks!.modules[stacks!.moduleOf[node]! - 1];
      frames.push(`${module?.path ?? ""}@${module?.buildId ?? ""}+${stacks!.offsets[node]}`);
    }
    return frames.join(";");
  });
}

/** Any trace that a program could have made: up to 200 events of a few threads, sizes to some pages, one of them large. */
export function arbitraryTrace(): fc.Arbitrary<Trace> {
  const size = fc.oneof(fc.nat(300), fc.nat(20_000), fc.constantFrom(0, 1, 4095, 4096, 4097, 200_000));
  const step = fc.record({ call: fc.nat(9), thread: fc.nat(3), size, pick: fc.nat(), shift: fc.nat(12) });
  return fc.array(step, { minLength: 1, maxLength: 200 }).map((steps) => {
    const trace = new TraceBuilder("arbitrary", () => "");
    const live: number[] = [];
    let next = 1;
    for (const { call, thread, size, pick, shift } of steps) {
      const chosen = live.length === 0 ? -1 : pick % live.length;
      const id = next++;
      if (call >= 6 && chosen >= 0) {
        trace.free(thread, live.splice(chosen, 1)[0]!);
      } else if (call >= 4 && chosen >= 0) {
        trace.realloc(thread, live[chosen]!, id, size);
        live[chosen] = id;
      } else {
        if (call === 0) trace.calloc(thread, id, 1, size);
        else if (call === 1) trace.aligned(thread, id, 2 ** shift, size);
        else if (call === 2) trace.realloc(thread, null, id, size);
        else trace.malloc(thread, id, size);
        live.push(id);
      }
      if (pick % 50 === 0) trace.free(thread, null);
      if (pick % 70 === 0) trace.threadEnd(thread);
    }
    return trace.finish();
  });
}
