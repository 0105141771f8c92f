/**
 * Whether a program can have the recorder in it. One that is linked statically, is of another kind, or runs with
 * another user's rights cannot. Its file says so, before it is run.
 *
 * @module
 */
import { commandOutput, statOf } from "../../os/mod.ts";

const SET_USER_ID = 0o4000, SET_GROUP_ID = 0o2000;

/** The file that is run for a program's name; undefined if there is none, or the shell does it itself. */
export async function programPath(program: string): Promise<string | undefined> {
  const path = (await commandOutput("sh", ["-c", 'command -v -- "$1"', "sh", program]))?.trim();
  return path?.includes("/") ? path : undefined;
}

/** Why a program cannot have the recorder in it; undefined if nothing is known that speaks against it. */
export async function obstacleOf(program: string): Promise<string | undefined> {
  const path = await programPath(program);
  if (path === undefined) return undefined; // the system will say that there is none
  const info = statOf(path);
  if (info === undefined) return undefined; // it is gone
  const { mode, uid, gid } = info;
  const isOther = ((mode ?? 0) & SET_USER_ID) !== 0 && uid !== Deno.uid() ||
    ((mode ?? 0) & SET_GROUP_ID) !== 0 && gid !== Deno.gid();
  if (isOther) return "it is setuid or setgid, and the system ignores LD_PRELOAD for such programs";
  return elfObstacle(path);
}

const ELF = { MAGIC: 0x7f454c46, CLASS: 4, CLASS_64: 2, TABLE: 32, ENTRY_BYTES: 54, ENTRIES: 56, INTERPRETER: 3 };
const ELF_HEAD_BYTES = 4096; // the table of segments follows the header

/** Whether a program that has this obstacle passes the recorder on to what it starts. */
export function isLauncher(obstacle: string): boolean {
  return obstacle === STATIC || obstacle === OLD;
}

const STATIC = "it is linked statically, and its malloc is its own";
const OLD = "it is a 32-bit program";

function elfObstacle(path: string): string | undefined {
  const bytes = new Uint8Array(ELF_HEAD_BYTES);
  try {
    using file = Deno.openSync(path);
    file.readSync(bytes);
  } catch {
    return undefined; // it may be allowed to be run, and not to be read
  }
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0) !== ELF.MAGIC) return undefined; // a script: what counts is what runs it
  if (bytes[ELF.CLASS] !== ELF.CLASS_64) return OLD;
  const size = view.getUint16(ELF.ENTRY_BYTES, true), count = view.getUint16(ELF.ENTRIES, true);
  for (let entry = 0, at = Number(view.getBigUint64(ELF.TABLE, true)); entry < count; entry++, at += size) {
    if (at + size > bytes.length || view.getUint32(at, true) === ELF.INTERPRETER) return undefined;
  }
  return STATIC;
}
