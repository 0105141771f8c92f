/** Allocators built for a test: shared libraries from a few lines of C. */

/** A whole allocator: blocks from one array, with the size in front of each; only the last one is ever given back. */
export const WHOLE = `
  #include <errno.h>
  #include <stddef.h>
  #include <string.h>
  static _Alignas(16384) char pool[1 << 30];
  static size_t used, before_last;
  static void *last;
  static void *take(size_t alignment, size_t size) {
    size_t at = (used + sizeof(size_t) + alignment - 1) / alignment * alignment;
    if (size > sizeof pool || at + size > sizeof pool) return NULL;
    before_last = used;
    used = at + size;
    memcpy(pool + at - sizeof size, &size, sizeof size);
    return last = pool + at;
  }
  void *malloc(size_t size) { return take(16, size); }
  void free(void *pointer) {
    if (pointer == NULL || pointer != last) return;
    used = before_last;
    last = NULL;
  }
  void *calloc(size_t count, size_t size) {
    void *fresh = take(16, count * size);
    return fresh == NULL ? NULL : memset(fresh, 0, count * size);
  }
  void *realloc(void *old, size_t size) {
    void *fresh = take(16, size);
    size_t before = 0;
    if (old != NULL) memcpy(&before, (char *)old - sizeof before, sizeof before);
    if (fresh != NULL && old != NULL) memcpy(fresh, old, before < size ? before : size);
    return fresh;
  }
  int posix_memalign(void **pointer, size_t alignment, size_t size) {
    *pointer = take(alignment, size);
    return *pointer == NULL ? ENOMEM : 0;
  }
  void *aligned_alloc(size_t alignment, size_t size) { return take(alignment, size); }
  const char *tc_version(int *major, int *minor, const char **patch) {
    *major = 9, *minor = 8, *patch = " of a test";
    return "";
  }
`;

/** The same with mimalloc's way to tell its version, by a number as of 30403 for 3.4.3. */
export function mimalloc(version: number): string {
  return WHOLE.replace(/const char \*tc_version[^]*$/, `int mi_version(void) { return ${version}; }\n`);
}

/** Only malloc and free. */
export const SMALL = `
  #include <stddef.h>
  static char pool[1 << 30];
  static size_t used;
  void *malloc(size_t size) {
    const size_t at = used;
    used = (at + size + 15) / 16 * 16;
    return used > sizeof pool ? NULL : pool + at;
  }
  void free(void *pointer) { (void)pointer; }
`;

/** A free without a malloc. */
export const ONLY_FREE = "void free(void *pointer) { (void)pointer; }";

/** An allocator that does not know the blocks which it gives. */
export const DISOWNING = `${SMALL}
  size_t malloc_usable_size(void *pointer) { (void)pointer; return 0; }
`;

/** Allocators that do not do what an allocator has to; each is `WHOLE` but for that, and what is said of it. */
export const LIARS: Readonly<Record<string, { readonly source: string; readonly says: RegExp }>> = {
  twice: liar("return take(16, size);", "static char one[1 << 20]; return one;", /returns the same block twice/),
  overlapping: liar(
    "return last = pool + at;",
    "used -= size > 64 ? 32 : 0; return last = pool + at;",
    /returns a block that overlaps/,
  ),
  misaligned: liar("return take(16, size);", "return (char *)take(16, size + 8) + 8;", /is not aligned: malloc/),
  unaligned: liar("*pointer = take(alignment, size);", "*pointer = take(16, size);", /not aligned: posix_memalign/),
  forgetful: liar("memcpy(fresh, old, before < size ? before : size);", ";", /loses a block's contents: realloc/),
  dirty: liar(": memset(fresh, 0, count * size)", ": memset(fresh, 1, count * size)", /is not zeroed: calloc/),
  scribbling: liar(
    "if (pointer == NULL || pointer != last) return;",
    "if (pointer) pool[used - 1] = 0;",
    /loses what was written/,
  ),
  empty: liar("return take(16, size);", "return NULL;", /gave NULL/),
  deadly: liar("return take(16, size);", "return *(void *volatile *)8;", /ended by SIGSEGV/),
};

function liar(honest: string, lie: string, says: RegExp): { source: string; says: RegExp } {
  if (!WHOLE.includes(honest)) throw new Error(`no such line: ${honest}`);
  return { source: WHOLE.replace(honest, lie), says };
}

/** One that hangs: in its constructor, after so many blocks, or when its process exits. */
export function hanging(when: "at start" | "at exit" | number): string {
  const hang = "for (;;) pause();";
  if (typeof when === "string") {
    return `#include <unistd.h>\n${WHOLE}
      __attribute__((${when === "at start" ? "constructor" : "destructor"})) static void hang(void) { ${hang} }`;
  }
  const counted = `static unsigned count; if (++count == ${when}) ${hang} return take(16, size);`;
  return `#include <unistd.h>\n${WHOLE.replace("return take(16, size);", counted)}`;
}

/** Compiles one into a folder; gives its path, or undefined where there is no C compiler. */
export async function compile(folder: string, name: string, source: string): Promise<string | undefined> {
  const [input, output] = [`${folder}/${name}.c`, `${folder}/${name}`];
  await Deno.writeTextFile(input, source);
  try {
    const { success, stderr } = await new Deno.Command("cc", {
      args: ["-shared", "-fPIC", "-O1", "-fno-builtin", "-o", output, input],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return output;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whether these tests can run: preloading is done on Linux, and the libraries need a C compiler. */
export const CAN_PRELOAD: boolean = Deno.build.os === "linux" && hasCompiler();

function hasCompiler(): boolean {
  try {
    return new Deno.Command("cc", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
