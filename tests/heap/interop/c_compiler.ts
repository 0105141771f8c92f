/** C programs that tests compile and run, where there is a compiler. */

/** What a C program prints; undefined, with a message, where there is no compiler. */
export async function runC(source: string): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "hakmem-c-" });
  try {
    await Deno.writeTextFile(`${folder}/program.c`, source);
    const built = await output("cc", ["-std=gnu11", "-O0", "-w", "-o", `${folder}/program`, `${folder}/program.c`]);
    if (built === undefined) {
      console.log("skipped: there is no C compiler (cc)");
      return undefined;
    }
    if (!built.success) throw new Error(`cc: ${new TextDecoder().decode(built.stderr)}`);
    const { stdout, success } = (await output(`${folder}/program`, []))!;
    if (!success) throw new Error("the C program failed");
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function output(command: string, args: string[]): Promise<Deno.CommandOutput | undefined> {
  try {
    return await new Deno.Command(command, { args, stdout: "piped", stderr: "piped" }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** libc, as tests call it. */
export const LIBC = Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
