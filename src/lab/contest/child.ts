/**
 * A contestant's process as the coordinator sees it: started, asked for one turn at a time, and ended.
 *
 * Everything that is waited for has a deadline, so that no contestant stops a run: to be ready, and to answer. How long
 * a turn may take follows from its operations, and once the process has run some, from the time that those took.
 *
 * @module
 */
import { cacheForChildren, PRELOAD, signalled } from "../../os/mod.ts";
import { completeParameters, WORKLOADS } from "../../workloads/mod.ts";
import { type Identity, IdentityError, identityOf } from "./identity.ts";
import {
  formatRequest,
  isOutOfMemory,
  parseTurn,
  ProtocolError,
  READY,
  type Request,
  type Turn,
} from "../contestant/protocol.ts";

/** What to start. */
export interface ChildCommand {
  /** Whose process it is, in messages: `system`, `hakmem`, `none (native)`. */
  readonly label: string;
  readonly path: string;
  readonly args: readonly string[];
  /** Besides what every process here has. */
  readonly env?: Readonly<Record<string, string>>;
  /** The library that has to serve its malloc; then the process says which one does. */
  readonly serves?: string;
  /** Milliseconds that any answer may take at least, besides what its work asks for; 20 s if absent. */
  readonly deadline?: number;
}

/** A contestant failed: its process died, or could not do what it was asked. */
export class ContestantError extends Error {
  override name = "ContestantError";
  /**
   * @param label Who failed.
   * @param reason What happened, as the second half of a sentence.
   * @param stderr What its process wrote there.
   */
  constructor(readonly label: string, reason: string, stderr = "") {
    super(`contestant ${label} ${reason}${stderr.trim() === "" ? "" : `\nIts stderr:\n${stderr.trim()}`}`);
  }
}

/** A contestant did not answer in time. */
export class ContestantTimeout extends ContestantError {
  override name = "ContestantTimeout";
}

/** A contestant has no memory left: a pool of a fixed size, mostly. */
export class ContestantOutOfMemory extends ContestantError {
  override name = "ContestantOutOfMemory";
}

/** Milliseconds that a process has until it is ready: a hundred times what it takes on an idle machine. */
const START_DEADLINE = 30_000;
/** Milliseconds that any answer may take at least. */
const LEAST_DEADLINE = 20_000;
/**
 * On top of that, of an operation that was never seen: a pool that looks at each free block takes 16 µs at 8,192 slots.
 */
const OPERATION_MILLISECONDS = 0.02;
/** And of what was: so many times as long. */
const SLOWDOWN = 20;
/** In how many parts a deadline is waited for. */
const TICKS = 10;
/** Milliseconds that are waited for the rest of what an ended process wrote. */
const STDERR_PATIENCE = 1000;
/** Characters of it that are kept. */
const MOST_ERRORS = 1 << 16;
/** Characters of an answer; a child that writes more is not speaking the protocol. */
const LONGEST_ANSWER = 1 << 20;

/** Milliseconds for work that was never seen. */
export function deadlineFor(operations: number, least = LEAST_DEADLINE): number {
  return least + operations * OPERATION_MILLISECONDS;
}

/** Milliseconds for work that took so many before. */
export function deadlineAfter(milliseconds: number, least = LEAST_DEADLINE): number {
  return least + SLOWDOWN * milliseconds;
}

/** The error for a contestant that said that it could not do what it was asked. */
export function failureOf(label: string, { message }: ProtocolError): ContestantError {
  const Kind = isOutOfMemory(message) ? ContestantOutOfMemory : ContestantError;
  return new Kind(label, `failed: ${message}`);
}

/** A running contestant. */
export class Child implements AsyncDisposable {
  readonly label: string;
  /** Of its process. */
  readonly id: number;
  /** What serves its malloc, if it was asked. */
  identity?: Identity;
  readonly #process: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  readonly #stderr: ReadableStreamDefaultReader<string>;
  #errors = "";
  readonly #allErrors: Promise<void>;
  /** The slowest unit of each request so far, in milliseconds. */
  readonly #slowest = new Map<string, number>();
  readonly #leastDeadline: number;
  #rest = "";

  private constructor({ label, deadline = LEAST_DEADLINE }: ChildCommand, process: Deno.ChildProcess) {
    this.label = label;
    this.#leastDeadline = deadline;
    this.id = process.pid;
    this.#process = process;
    this.#requests = process.stdin.getWriter();
    this.#answers = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#stderr = process.stderr.pipeThrough(new TextDecoderStream()).getReader();
    this.#allErrors = this.#readErrors();
  }

  /**
   * Starts a contestant's process, and waits until it is ready.
   *
   * @param deadline Milliseconds after which it is given up.
   * @throws ContestantError if it cannot start, or if its malloc is not the one that was asked for.
   */
  static async start(command: ChildCommand, deadline = START_DEADLINE): Promise<Child> {
    const { label, path, args, env, serves } = command;
    const process = new Deno.Command(path, {
      args: [...args],
      // What the user preloads would be measured instead of the contestants.
      env: { ...await cacheForChildren(), [PRELOAD]: "", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const child = new Child(command, process);
    try {
      const line = await child.#readLine(deadline, "start");
      const [verb, ...words] = line.split(" ");
      if (verb !== READY) throw new ContestantError(label, `cannot start: ${line.replace(/^error /, "")}`);
      if (serves !== undefined) await child.#identify(words, serves);
      return child;
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Runs one turn.
   *
   * @param deadline Milliseconds after which it is given up, and its process ended; what its work asks for if absent.
   */
  async run(request: Request, deadline?: number): Promise<Turn> {
    const { units, workload, parameters, threads = 1 } = request;
    const work = JSON.stringify([workload, parameters, threads]), slowest = this.#slowest.get(work);
    deadline ??= slowest === undefined
      ? deadlineFor(operationsOf(request), this.#leastDeadline)
      : deadlineAfter(units * slowest, this.#leastDeadline);
    const turn = await this.ask(formatRequest(request), (answer) => turnOf(answer, request), deadline);
    this.#slowest.set(work, Math.max(slowest ?? 0, turn.nanoseconds / 1e6 / units));
    return turn;
  }

  /**
   * Asks for anything else.
   *
   * @param parse Reads the answer; a ProtocolError of it is the contestant's.
   * @param deadline As of `run`.
   */
  async ask<R>(request: string, parse: (answer: string) => R, deadline = this.#leastDeadline): Promise<R> {
    // A write to a dead process fails; the read below finds out why.
    this.#requests.write(new TextEncoder().encode(`${request}\n`)).catch(() => {});
    try {
      return parse(await this.#readLine(deadline, "answer"));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw failureOf(this.label, error);
    }
  }

  async #identify(words: readonly string[], serves: string): Promise<void> {
    try {
      this.identity = identityOf(words, serves);
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      signalled(this.#process);
      throw new ContestantError(
        this.label,
        `would be measured with another allocator: ${error.message}`,
        await this.#lastWords(),
      );
    }
  }

  /** Ends the process at once, whatever it is doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    signalled(this.#process);
    await this.#requests.close().catch(() => {});
    await this.#answers.cancel().catch(() => {});
    await this.#stderr.cancel().catch(() => {});
    await this.#process.status;
  }

  /** The next line; a process that is late is ended. */
  async #readLine(deadline: number, verb: string): Promise<string> {
    const late = Promise.withResolvers<never>();
    // In parts: while this process is stopped, as by Ctrl-Z, no more than one of them passes.
    let ticks = 0;
    const clock = setInterval(() => {
      if (++ticks < TICKS) return;
      signalled(this.#process);
      late.reject(new ContestantTimeout(this.label, `took more than ${deadline / 1000} s to ${verb}, and was ended`));
    }, deadline / TICKS);
    try {
      return await Promise.race([this.#nextLine(), late.promise]);
    } finally {
      clearInterval(clock);
    }
  }

  async #nextLine(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#answers.read();
      if (done) {
        const status = await this.#process.status;
        const how = status.signal === null ? `with exit code ${status.code}` : `by ${status.signal}`;
        throw new ContestantError(this.label, `ended ${how} before it answered`, await this.#lastWords());
      }
      this.#rest += value;
      if (this.#rest.length > LONGEST_ANSWER) throw new ContestantError(this.label, "writes without end to its stdout");
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /** Reads its stderr as it comes, since a process stands still whose pipe is full; keeps the beginning. */
  async #readErrors(): Promise<void> {
    for (let part = await this.#stderr.read(); !part.done; part = await this.#stderr.read()) {
      if (this.#errors.length < MOST_ERRORS) this.#errors += part.value.slice(0, MOST_ERRORS);
    }
  }

  /** What an ended process wrote to stderr, as far as it is there: a process of its own may keep that open. */
  async #lastWords(): Promise<string> {
    const end = setTimeout(() => this.#stderr.cancel().catch(() => {}), STDERR_PATIENCE);
    await this.#allErrors;
    clearTimeout(end);
    return this.#errors;
  }
}

function operationsOf({ workload: name, units, threads = 1, parameters }: Request): number {
  const workload = WORKLOADS.get(name);
  return workload === undefined
    ? 0
    : units * threads * workload.operationsPerUnit(completeParameters(workload, parameters));
}

function turnOf(answer: string, { units, threads = 1 }: Request): Turn {
  const turn = parseTurn(answer, units);
  if (threads === 1 || turn.threads?.length === threads) return turn;
  throw new ProtocolError(`it did not say what each of ${threads} threads did`);
}
