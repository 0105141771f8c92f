/**
 * Stacks as V8 captures them, and their text. What a heap keeps of them is text: a stack that V8 has captured holds the
 * functions and the receivers of its calls, and so would keep the objects alive whose methods allocate.
 *
 * Deno's text of a stack, with its source maps, costs ten times as much as the capture. So that is made once: a stack is
 * known again by the text that V8 itself makes of it (`KnownStacks`).
 *
 * @module
 */

/** The heap's own frames say nothing about the program; where they cannot be left out, so many more are captured. */
const OWN_FRAMES = new URL("../", import.meta.url).href;
export const OWN_FRAMES_MOST = 12; // a string that `StructArray.set` assigns takes 11

/** More modules of the heap: those that it has made and imported from memory, by their URLs. */
const ownModules: string[] = [];

/** Says that a module is the heap's own, whatever its URL is. */
export function hideModule(url: string): void {
  ownModules.push(url);
}

function isOwn(line: string): boolean {
  return line.includes(OWN_FRAMES) || ownModules.some((url) => line.includes(url));
}

/** Stacks, and frames, that a thread knows again. */
const KNOWN_MOST = 65_536;

/** A stack as text, and where in a table it was last. */
export interface Stack {
  readonly text: string;
  entry: number;
  hash: number;
}

/** What V8 captures: reading `stack` makes it text. */
export interface Captured {
  readonly stack: string;
}

/** V8's own. The program may put others in their place later; V8 asks these for how stacks are to be. */
const { Error } = globalThis;
const { captureStackTrace = (holder: { stack?: string }): void => void (holder.stack = String(new Error().stack)) } =
  Error;

/** The stack of the call of a function which is under way; as many frames as the program wants. */
export function capture(callee: (...args: never[]) => unknown): Captured {
  const holder = {}; // had it a stack before, that would take a microsecond more
  captureStackTrace(holder, callee);
  return holder as Captured;
}

/**
 * Whether how stacks are captured, and made text, is for us to say: not where the program has frozen `Error`, or has made
 * the members that say it unwritable, or accessors of its own, as a hardened program has.
 */
function isSettable(): boolean {
  return isObeyed && isWritable("stackTraceLimit") && isWritable("prepareStackTrace");
}

function isWritable(name: "stackTraceLimit" | "prepareStackTrace"): boolean {
  const member = Object.getOwnPropertyDescriptor(Error, name);
  return member === undefined ? Object.isExtensible(Error) : member.writable === true;
}

/** As `capture`, so many frames; where they are not for us to say, as many as the program wants. */
export function captureFrames(limit: number, callee: (...args: never[]) => unknown): Captured {
  if (!isSettable()) return capture(callee);
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = limit;
    return capture(callee);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** As `capture`, of a call that the heap's own functions make: the frames that the program wants lie behind theirs. */
export function captureDeep(callee: (...args: never[]) => unknown): Captured {
  return captureFrames(wantedFrames() + OWN_FRAMES_MOST, callee);
}

/** As many frames as the program wants; none if it has put something else there than a number, as V8 has it. */
function wantedFrames(): number {
  const { stackTraceLimit } = Error;
  return typeof stackTraceLimit === "number" ? stackTraceLimit : 0;
}

/** Calls with Deno's own way to make text of stacks, where that is for us to say. */
function unprepared(call: () => string): string {
  if (!isSettable()) return call();
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.prepareStackTrace = undefined as never; // its type leaves that out
    Error.stackTraceLimit = 1;
    return call();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace as never;
  }
}

/**
 * Makes each stack the text that V8 itself writes, which it does where another text is being prepared, and keeps. Where
 * that is not for us to say they stay, and are read as the program wants.
 *
 * @throws {RangeError} V8's own, which a full stack is in any call, if there is no room for the calls; those that are text
 * by then stay so.
 */
export function makeTexts(stacks: Iterable<Captured>): void {
  if (isSettable() && !prepare(stacks)) throw new RangeError("Maximum call stack size exceeded");
}

/** Whether they are text now. */
function prepare(stacks: Iterable<Captured>): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error, other = {};
  let isDone = false;
  try {
    Error.stackTraceLimit = 0;
    captureStackTrace(other);
    Error.prepareStackTrace = () => {
      for (const stack of stacks) void stack.stack;
      isDone = true;
    };
    void (other as Captured).stack;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace as never;
  }
  return isDone;
}

/** Whether V8 does what `Error` says, which is another's where the program had replaced it before. */
const isObeyed = isWritable("stackTraceLimit") && isWritable("prepareStackTrace") && prepare([]);

/** A position in what V8 runs, at the end of a frame: script, line and column. */
const POSITION = /((?:file|https?|data|blob):[^()\s]*):(\d+):(\d+)(?=\)?$)/;

/**
 * A frame with its position in the source of the program. V8 has positions in what it runs, and Deno knows whence those
 * come, when it makes text of an error: so one is made by a script of the same name, at the same line and column.
 */
function inSource(frame: string): string {
  const [, filename, line, column] = POSITION.exec(frame) ?? [];
  if (filename === undefined || !isSettable()) return frame;
  try {
    const position = { filename, lineOffset: Number(line) - 1, columnOffset: Number(column) - 1 };
    const { Script } = process.getBuiltinModule("node:vm"); // imported, it would make the start of every program slower
    const script = new Script("new Error().stack", position);
    const text = unprepared(() => String(script.runInThisContext()));
    return frame.replace(POSITION, () => POSITION.exec(text)![0]);
  } catch (error) {
    if (error instanceof RangeError) throw error; // no stack is left
    return frame;
  }
}

/** The stack of whatever call of the heap this is part of, as text: so many frames of the program. */
export function captureCall(frames = wantedFrames()): string {
  const captured = captureFrames(frames + OWN_FRAMES_MOST, captureCall);
  return unprepared(() => framesOf(captured).join("\n"));
}

/** The program's frames of a stack, a line each; all frames if it has no others, as in a bundle. */
function framesOf({ stack }: Captured): string[] {
  const frames = String(stack).split("\n").filter((line) => /^\s+at /.test(line));
  const program = frames.filter((line) => !isOwn(line));
  return (program.length > 0 ? program : frames).map((line) => `    ${line.trim()}`);
}

let isReady = false;

/**
 * To be called before `KnownStacks` makes texts. Has Deno load what `inSource` needs, while there is room for it: where a stack
 * that is full ended that, Deno rejects a promise that nobody has, which would end the process, and never loads it again.
 */
export function prepareTexts(): void {
  if (isReady) return;
  const { Script } = process.getBuiltinModule("node:vm");
  new Script("0").runInThisContext();
  isReady = true;
}

/** The stacks that a thread has seen: Deno's text of each is made once. */
export class KnownStacks {
  /** By what V8 makes of them. */
  readonly #stacks = new Map<string, Stack>();
  /** Frames with their positions in the source, by what V8 makes of them. */
  readonly #frames = new Map<string, string>();

  /**
   * The same object for the same stack, as long as it is known. Its text is made here, if V8 has not made it.
   *
   * @param textOf gives Deno's text of one that is new, where its call is still under way.
   */
  of(captured: Captured, textOf = () => framesOf(captured).map((frame) => this.#inSource(frame)).join("\n")): Stack {
    const raw = String(captured.stack);
    let stack = this.#stacks.get(raw);
    if (stack === undefined) {
      stack = { text: textOf(), entry: 0, hash: 0 };
      if (this.#stacks.size === KNOWN_MOST) this.#stacks.clear();
      this.#stacks.set(raw, stack);
    }
    return stack;
  }

  #inSource(frame: string): string {
    let there = this.#frames.get(frame);
    if (there === undefined) {
      there = inSource(frame);
      if (this.#frames.size === KNOWN_MOST) this.#frames.clear();
      this.#frames.set(frame, there);
    }
    return there;
  }
}
