/** The recorder's own files, as it left them and damaged. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { RECORDER } from "../../../src/lab/record/files.ts";
import { buildNative } from "../../../src/os/mod.ts";
import { decodeTrace, readTrace, type Trace, TraceError } from "../../../src/traces/mod.ts";
import { build, linuxTest, recorded } from "../../lab/record/recorded.ts";

/** Bytes of a chunk, and where in the file the first one is. */
const CHUNK = 65_536;
/** Where in a chunk it is said which one of its buffer it is, and how many were copied; and the first event. */
const INDEX = 16, APPENDED = 20, EVENTS = 40;

/** What the recorder leaves of a program, where nobody converts it. */
async function rawFile(program: string, ...args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-test-" });
  try {
    const env = { LD_PRELOAD: (await buildNative(RECORDER)).path, HAKMEM_RECORDING: folder };
    await new Deno.Command(program, { args, env }).output();
    const [{ name }] = [...Deno.readDirSync(folder)] as [Deno.DirEntry];
    const trace = readTrace(`${folder}/${name}`);
    assertEquals(trace.format, "hakmem raw");
    return Deno.readFileSync(`${folder}/${name}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function columns({ kinds, threads, blocks, sizes, alignments }: Trace): number[][] {
  return [kinds, threads, blocks, sizes, alignments].map((column) => [...column]);
}

linuxTest("a file of the recorder is a trace itself", async () => {
  const program = await build("single");
  const trace = decodeTrace(await rawFile(program));
  const { traces } = await recorded(program);
  assertEquals(columns(trace), columns(traces[0]!));
  const older = await rawFile(program);
  older.set(new TextEncoder().encode("hkmeraw3"));
  assertEquals(columns(decodeTrace(older)), columns(trace), "events without stacks are as they were");
});

linuxTest("a file of the recorder that is cut off or damaged gives a trace or an error, soon", async () => {
  const bytes = await rawFile(await build("killed"), "100");
  const survives = (damaged: Uint8Array<ArrayBuffer>) => {
    try {
      const { length, blockCount } = decodeTrace(damaged);
      assert(length > 0 && blockCount < 2 ** 16, `${length} events`);
    } catch (error) {
      assert(error instanceof TraceError, String(error));
    }
  };
  // The header, the first chunk of either thread with what was written there, and the rest, which is zeros.
  const places = fc.oneof(fc.nat(300), fc.nat(3000).map((at) => 65_536 + at), fc.nat(3000).map((at) => 131_072 + at));
  fc.assert(fc.property(places, fc.integer({ min: 1, max: 255 }), (at, flip) => {
    bytes[at]! ^= flip;
    survives(bytes);
    bytes[at]! ^= flip;
  }));
  fc.assert(fc.property(places, (length) => survives(bytes.slice(0, length))));
  const chunk = bytes.slice();
  new DataView(chunk.buffer).setUint32(CHUNK + 8, 0, true);
  assertThrows(() => decodeTrace(chunk), TraceError, "byte 65536: a chunk of 0 bytes");
});

linuxTest("a file of the recorder gives the same trace wherever its process died emptying a window", async () => {
  const whole = await rawFile(await build("killed"), "10000");
  const expected = columns(decodeTrace(whole));
  const window = whole.slice(CHUNK, 2 * CHUNK), view = new DataView(window.buffer);
  const index = view.getUint32(INDEX, true);
  assertEquals([view.getUint32(APPENDED, true), index > 0], [index, true], "there are copies");
  const died = (label: string, copied: number, change: (window: Uint8Array, view: DataView) => void) => {
    const bytes = new Uint8Array(whole.length + CHUNK);
    bytes.set(whole);
    bytes.set(window.subarray(0, copied), whole.length);
    change(bytes.subarray(CHUNK, 2 * CHUNK), new DataView(bytes.buffer, CHUNK, CHUNK));
    assertEquals(columns(decodeTrace(bytes)), expected, label);
  };
  assertThrows(() => decodeTrace(whole.slice(0, whole.length - CHUNK)), TraceError, "chunks of buffer");
  const appended = (view: DataView) => view.setUint32(APPENDED, index + 1, true);
  died("nothing is copied yet", 0, () => {});
  died("a header is copied", EVENTS, () => {});
  died("half is copied", CHUNK / 2, () => {});
  died("all is copied, and nobody knows", CHUNK, () => {});
  died("that is known", CHUNK, (_, view) => appended(view));
  died("half of the window is emptied", CHUNK, (window, view) => {
    appended(view);
    window.fill(0, EVENTS, CHUNK / 2);
  });
  died("it is emptied", CHUNK, (window, view) => {
    appended(view);
    window.fill(0, EVENTS);
  });
  died("it is the next", CHUNK, (window, view) => {
    appended(view);
    window.fill(0, EVENTS);
    view.setUint32(INDEX, index + 1, true);
  });
});
