/**
 * A contestant's process as the coordinator sees it: started, asked for one slot at a time, and ended.
 *
 * @module
 */
import { PRELOAD } from "../os/mod.ts";
import { type Identity, IdentityError, identityOf } from "./identity.ts";
import { formatRequest, isOutOfMemory, parseSlot, ProtocolError, READY, type Request, type Slot } from "./protocol.ts";

/** What to start. */
export interface ChildCommand {
  /** Whose process it is, in messages: `system`, `slab-map`, `none (native)`. */
  readonly label: string;
  readonly path: string;
  readonly args: readonly string[];
  /** Besides what every process here has. */
  readonly env?: Readonly<Record<string, string>>;
  /** The library that has to serve its malloc; then the process says which one does. */
  readonly serves?: string;
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
  readonly #stderr: Promise<string>;
  #rest = "";

  private constructor(label: string, process: Deno.ChildProcess) {
    this.label = label;
    this.id = process.pid;
    this.#process = process;
    this.#requests = process.stdin.getWriter();
    this.#answers = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#stderr = new Response(process.stderr).text();
  }

  /**
   * Starts a contestant's process, and waits until it is ready.
   *
   * @throws ContestantError if it cannot start, or if its malloc is another one than was asked for.
   */
  static async start({ label, path, args, env, serves }: ChildCommand): Promise<Child> {
    const command = new Deno.Command(path, {
      args: [...args],
      env: { [PRELOAD]: "", ...env }, // what the user preloads would be measured in place of the contestants
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
    const child = new Child(label, command.spawn());
    try {
      const line = await child.#readLine();
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
   * Runs one slot.
   *
   * @param deadline Milliseconds after which it is given up, and its process ended.
   */
  run(request: Request, deadline?: number): Promise<Slot> {
    return this.ask(formatRequest(request), (answer) => slotOf(answer, request), deadline);
  }

  /**
   * Asks for anything else.
   *
   * @param parse Reads the answer; a ProtocolError of it is the contestant's.
   * @param deadline As of `run`.
   */
  async ask<R>(request: string, parse: (answer: string) => R, deadline?: number): Promise<R> {
    // A write to a dead process fails; the read below finds out why.
    this.#requests.write(new TextEncoder().encode(`${request}\n`)).catch(() => {});
    let isLate = false;
    const timer = deadline === undefined ? undefined : setTimeout(() => {
      isLate = true;
      this.#kill();
    }, deadline);
    try {
      const answer = await this.#readLine();
      if (isLate) throw new ProtocolError("its process is ended, though it has just answered");
      return parse(answer);
    } catch (error) {
      if (isLate) throw new ContestantTimeout(this.label, `took more than ${(deadline ?? 0) / 1000} s for one unit`);
      if (!(error instanceof ProtocolError)) throw error;
      throw failureOf(this.label, error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #identify(words: readonly string[], serves: string): Promise<void> {
    try {
      this.identity = identityOf(words, serves);
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      this.#kill();
      throw new ContestantError(
        this.label,
        `would be measured with another allocator: ${error.message}`,
        await this.#stderr,
      );
    }
  }

  /** Ends the process at once, whatever it is doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.#requests.close().catch(() => {});
    await this.#answers.cancel().catch(() => {});
    await this.#stderr.catch(() => {});
    await this.#process.status;
  }

  #kill(): void {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  async #readLine(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#answers.read();
      if (done) {
        const status = await this.#process.status;
        const how = status.signal === null ? `with exit code ${status.code}` : `by ${status.signal}`;
        throw new ContestantError(this.label, `ended ${how} before it answered`, await this.#stderr);
      }
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }
}

function slotOf(answer: string, { units, threads = 1 }: Request): Slot {
  const slot = parseSlot(answer, units);
  if (threads === 1 || slot.threads?.length === threads) return slot;
  throw new ProtocolError(`it did not say what each of ${threads} threads did`);
}
