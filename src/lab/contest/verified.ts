/**
 * Contestants that may be measured: what is preloaded is verified first. A library that gives the same block again and
 * again is faster than any allocator, and one that loses what was written to a block may be, too; so `native/verify.c`,
 * which knows every block, asks it for some thousands in a process of its own. That takes a tenth of a second, once for
 * each library; whoever is measured starts afresh.
 *
 * @module
 */
import { buildNative, type NativeTarget } from "../../os/mod.ts";
import { Child, type ChildCommand } from "./child.ts";
import { NATIVE_FLAGS } from "./contestants.ts";
import { ProtocolError } from "../contestant/protocol.ts";

/** The oracle. */
const VERIFY_PROGRAM: NativeTarget = {
  name: "verify",
  sources: ["verify.c", "identity.c", "identity.h"].map((file) => new URL(`../../../native/${file}`, import.meta.url)),
  kind: "executable",
  flags: NATIVE_FLAGS,
};

/** Milliseconds in which it has to start, and then to be done: it takes a hundredth of that. */
const DEADLINE = 10_000;

/** By the library that serves. */
const verdicts = new Map<string, Promise<void>>();

/**
 * Starts a contestant's process, and waits until it is ready; the first of a library is verified before.
 *
 * @throws ContestantError if it cannot start, if its malloc is not the one that was asked for, or if that does not do
 * what an allocator has to.
 */
export async function startVerified(command: ChildCommand): Promise<Child> {
  const { serves } = command;
  if (serves !== undefined) {
    let verdict = verdicts.get(serves);
    if (verdict === undefined) verdicts.set(serves, verdict = verify(command));
    await verdict;
  }
  return await Child.start(command);
}

async function verify(command: ChildCommand): Promise<void> {
  const { path } = await buildNative(VERIFY_PROGRAM);
  await using child = await Child.start({ ...command, path, args: [] }, DEADLINE);
  await child.ask("verify", (answer) => {
    if (answer === "ok") return;
    throw new ProtocolError(answer.replace(/^error /, ""));
  }, DEADLINE);
}
