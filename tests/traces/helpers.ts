/** Traces for tests: texts of each format, the archive of one file, and the real trace where it is there. */
import fc from "fast-check";
import { crc32, deflateRawSync } from "node:zlib";
import { existsSync } from "node:fs";
import { TraceBuilder } from "../../src/traces/builder.ts";
import type { Trace } from "../../src/traces/mod.ts";

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
};

/** Bytes of a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A zip archive of one deflated file. */
export function zipOf(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const name = bytesOf("trace.txt");
  const packed = deflateRawSync(content);
  const local = new DataView(new ArrayBuffer(30));
  const entry = new DataView(new ArrayBuffer(46));
  const end = new DataView(new ArrayBuffer(22));
  local.setUint32(0, 0x04034b50, true);
  local.setUint16(8, 8, true);
  local.setUint16(26, name.length, true);
  entry.setUint32(0, 0x02014b50, true);
  entry.setUint16(10, 8, true);
  entry.setUint32(16, crc32(content), true);
  entry.setUint32(20, packed.length, true);
  entry.setUint32(24, content.length, true);
  entry.setUint16(28, name.length, true);
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, 1, true);
  end.setUint16(10, 1, true);
  end.setUint32(12, entry.byteLength + name.length, true);
  end.setUint32(16, local.byteLength + name.length + packed.length, true);
  const parts = [local, name, packed, entry, name, end];
  return new Uint8Array(parts.flatMap((part) => [...new Uint8Array(part.buffer, part.byteOffset, part.byteLength)]));
}

/** Where the real trace is: `HAKMEM_TRACES`, else beside the repository; undefined where it is missing. */
export function realTrace(): string | undefined {
  const beside = decodeURIComponent(new URL("../../../shared/traces", import.meta.url).pathname);
  const path = `${Deno.env.get("HAKMEM_TRACES") || beside}/systemui.zip`;
  return existsSync(path) ? path : undefined;
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
