/** A repository with a heap of some lines, whose speed is a number: what `history` needs of a tree, and no more. */
import { assert } from "@std/assert";

/** What a heap's malloc does besides. */
const IDLE = 0;
/** So much that it takes many times as long. */
export const SLOW = 200;

/** A heap, as far as workloads know one. */
function heapSource(spins: number): string {
  return `const STRIDE = 256, SPINS = ${spins};
let sink = 0;
export const Heap = {
  open() {
    const u8 = new Uint8Array(1 << 24), free: number[] = [];
    let next = STRIDE;
    const malloc = (_size: number) => {
      for (let spin = 0; spin < SPINS; spin++) sink = (sink + spin) | 0;
      return free.pop() ?? (next += STRIDE);
    };
    return Promise.resolve({ malloc, free: (pointer: number) => void free.push(pointer), u8, alignedAlloc: () => 0 });
  },
};
`;
}

const VARIANTS = `export const DEFAULT_VARIANT = "tiny";
export function parseVariant(name: string) {
  if (name !== "tiny") throw new Error("there is no variant " + name);
  return { name };
}
`;

/** The repository. */
export class TinyTree implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  /** Makes one, with one commit, "first". */
  static async make(): Promise<TinyTree> {
    const tree = new TinyTree(await Deno.makeTempDir({ prefix: "hakmem-test-" }));
    await tree.git("init", "--quiet", "--initial-branch=main");
    await tree.write("native/vm.c", "");
    await tree.write("src/heap/variants.ts", VARIANTS);
    await tree.write("mod.ts", heapSource(IDLE));
    await tree.commit("first");
    return tree;
  }

  async write(path: string, text: string): Promise<void> {
    const file = `${this.folder}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  }

  /** Commits all, and gives the hash. */
  async commit(subject: string): Promise<string> {
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", "--message", subject);
    return await this.git("rev-parse", "HEAD");
  }

  /** Another commit that changes nothing of what is measured. */
  async words(subject: string): Promise<string> {
    await this.write("README.md", subject);
    return await this.commit(subject);
  }

  /** Another commit with a malloc that does so much besides. */
  async spins(subject: string, spins: number): Promise<string> {
    await this.write("mod.ts", heapSource(spins));
    return await this.commit(subject);
  }

  /** What git says. */
  async git(...args: string[]): Promise<string> {
    const identity = ["-c", "user.name=A. Author", "-c", "user.email=author@example.org", "-c", "commit.gpgsign=false"];
    const env = {
      GIT_AUTHOR_DATE: "2026-01-02T03:04:05Z",
      GIT_COMMITTER_DATE: "2026-01-02T03:04:06Z",
      GIT_CONFIG_GLOBAL: "/dev/null",
    };
    const output = await new Deno.Command("git", { args: ["-C", this.folder, ...identity, ...args], env }).output();
    assert(output.success, new TextDecoder().decode(output.stderr));
    return new TextDecoder().decode(output.stdout).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
