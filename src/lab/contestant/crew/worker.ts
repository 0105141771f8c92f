/**
 * The Worker that is a thread of a crew (`crew.ts`). It opens the allocator, and then does what is posted to it.
 *
 * @module
 */
import { openAllocator } from "../../../peers/mod.ts";
import { CrewControl, CrewMember, type CrewRequest, describeFailure, LEAVE } from "./member.ts";
import { openTierProbe } from "../tier.ts";

/** What a Worker is started with. */
export interface CrewStart {
  readonly thread: number;
  readonly name: string;
  readonly variant: string;
  readonly source: string | undefined;
  /** What the first thread's allocator gave by `share`; undefined if each thread opens one of its own. */
  readonly shared: unknown;
}

/** What a Worker says: that it has its allocator, that it is idle again, or why it failed. */
export type CrewAnswer =
  | { readonly kind: "open" }
  | { readonly kind: "idle" }
  | { readonly kind: "failed"; readonly message: string; readonly isFollower: boolean };

interface Part {
  begin(request: CrewRequest): void;
  run(request: CrewRequest): void;
  end(request: CrewRequest): void;
  leave(): void;
}

/** What this file needs of the global scope of a Worker, which the types of a window do not have. */
interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: CrewAnswer): void;
}

const scope = self as unknown as Scope;

async function open({ thread, name, variant, source, shared }: CrewStart): Promise<void> {
  const member: Part = await openAllocator(
    name,
    variant,
    (allocator): Part => new CrewMember(allocator, thread, openTierProbe()),
    source,
    shared,
  );
  scope.onmessage = ({ data }) => {
    if (data === LEAVE) {
      member.leave();
      scope.postMessage({ kind: "idle" });
      return;
    }
    const request = data as CrewRequest, control = new CrewControl(request.memory);
    try {
      member.begin(request);
      control.ready();
      control.awaitStart();
      member.run(request);
      control.awaitDone(request.threads); // what is this thread's to free, others may still be at work on
      member.end(request);
      scope.postMessage({ kind: "idle" });
    } catch (error) {
      control.fail();
      scope.postMessage({ kind: "failed", ...describeFailure(error) });
    }
  };
  scope.postMessage({ kind: "open" });
}

scope.onmessage = ({ data }) => {
  open(data as CrewStart).catch((error) => scope.postMessage({ kind: "failed", ...describeFailure(error) }));
};
