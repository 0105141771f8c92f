/** The environment's functions, and the errors' fields. */
import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { NativeAccessError, NativeBuildError, OsError } from "../../src/os/mod.ts";
import { runChild } from "./run_child.ts";

const VALUES = { HAKMEM_VARIANT: "box", HAKMEM_LIBRARY: "/a", HAKMEM_CACHE: "/b", NO_COLOR: "1" };

Deno.test("environment functions give what is set, and undefined for what is empty", async () => {
  assertEquals(await runChild("environment", VALUES), { values: ["box", "/a", "/b", "1"] });
  const some = await runChild("environment", { NO_COLOR: "", HAKMEM_VARIANT: "e4" });
  assertEquals(some, { values: ["e4", "undefined", "undefined", "undefined"] });
});

Deno.test("environment functions give undefined for what may not be read", async () => {
  const none = await runChild("environment", VALUES, []);
  assertEquals(none, { values: ["undefined", "undefined", "undefined", "undefined"] });
  const one = await runChild("environment", VALUES, ["--allow-env=HAKMEM_LIBRARY"]);
  assertEquals(one, { values: ["undefined", "/a", "undefined", "undefined"] });
});

Deno.test("OsError names the call and the error", () => {
  const error = new OsError("reserve(0x1000, 0x1000)", 12);
  assertInstanceOf(error, Error);
  assertEquals([error.name, error.code, error.errno, error.call], ["OsError", "ENOMEM", 12, "reserve(0x1000, 0x1000)"]);
  assertStringIncludes(error.message, "reserve(0x1000, 0x1000) failed: ENOMEM (errno 12)");
  assertEquals(new OsError("x()", 4000).code, "ERRNO_4000");
});

Deno.test("NativeBuildError keeps the compiler's output, NativeAccessError its cause", () => {
  const build = new NativeBuildError("COMPILE_FAILED", "cc could not compile x", "line 1\nline 2");
  assertEquals([build.name, build.code, build.output], ["NativeBuildError", "COMPILE_FAILED", "line 1\nline 2"]);
  assertEquals([build.summary, build.message], ["cc could not compile x", "cc could not compile x\nline 1\nline 2"]);
  const cause = new Error("underneath");
  assertEquals(new NativeAccessError("BAD_LIBRARY", "no", { cause }).cause, cause);
});
