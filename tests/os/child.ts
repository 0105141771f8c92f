/**
 * The program that the tests of this folder run in a process of its own, with other permissions and another
 * environment. Its first argument names one of the actions below; it prints what came out as one line of JSON.
 */
import {
  allowedProcessors,
  buildNative,
  cacheFile,
  hakmemCache,
  hakmemLibrary,
  hakmemVariant,
  noColor,
  openLibcAllocator,
  openVirtualMemory,
  viewMemory,
} from "../../src/os/mod.ts";

const PAGES = 16;

const ACTIONS: Record<string, (...args: string[]) => Promise<unknown>> = {
  /** Uses memory for all that it is for. */
  async memory() {
    const vm = await openVirtualMemory();
    const bytes = PAGES * vm.pageSize;
    const address = vm.reserve(bytes, 65_536);
    const view = new Uint8Array(viewMemory(address, bytes));
    view.fill(7);
    const residentWhenFull = vm.residentPages(address, bytes);
    vm.purge(address, bytes);
    const residentWhenPurged = vm.residentPages(address, bytes);
    const sum = view.reduce((total, byte) => total + byte, 0);
    view.buffer.transfer(0);
    vm.release(address, bytes);
    const works = address % 65_536n === 0n && residentWhenFull === PAGES && residentWhenPurged === 0 && sum === 0 &&
      !vm.isMapped(address) && vm.monotonicNanoseconds() > 0n && vm.ticks() > 0n &&
      vm.residentBytes() > 0 && vm.peakResidentBytes() > 0;
    return { source: vm.source, note: vm.note, works, same: vm === await openVirtualMemory() };
  },

  async allocator() {
    const { malloc, free } = openLibcAllocator();
    const address = malloc(100);
    free(address);
    return await Promise.resolve({ works: address > 0n });
  },

  /** Builds the target given as JSON; its sources are strings there. */
  async build(target: string) {
    const { sources, ...rest } = JSON.parse(target);
    const urls = sources.map((source: string) => new URL(source));
    const [first, second] = await Promise.all([
      buildNative({ ...rest, sources: urls }),
      buildNative({ ...rest, sources: urls }),
    ]);
    const { stdout } = rest.kind === "executable" ? await new Deno.Command(first.path).output() : { stdout: undefined };
    return { ...first, same: first.path === second.path, stdout: stdout && new TextDecoder().decode(stdout) };
  },

  /** Asks for one entry twice. */
  async cache(name: string, content: string) {
    let made = 0;
    const make = () => {
      made++;
      return Promise.resolve(new TextEncoder().encode(content));
    };
    const texts = [];
    for (let i = 0; i < 2; i++) texts.push(new TextDecoder().decode(await cacheFile(name, make)));
    return { made, texts };
  },

  async processors() {
    return await Promise.resolve({ values: allowedProcessors().map(String) });
  },

  async environment() {
    const values = [hakmemVariant(), hakmemLibrary(), hakmemCache(), noColor()];
    return await Promise.resolve({ values: values.map((value) => value ?? "undefined") });
  },
};

if (import.meta.main) {
  const [action = "", ...args] = Deno.args;
  try {
    console.log(JSON.stringify(await ACTIONS[action]!(...args)));
  } catch (error) {
    const { name, message, code, output } = error as Error & { code?: string; output?: string };
    console.log(JSON.stringify({ error: { name, message, code, output } }));
  }
}
