/**
 * The Worker's side of a crew, whatever it does: it opens its allocator, does what is posted to it, and then says that it
 * is idle again, or why it failed.
 *
 * @module
 */
import { describeFailure } from "./member.ts";

/** What a Worker says: that it has its allocator, that it is idle again, or why it failed. */
export type CrewAnswer =
  | { readonly kind: "open" }
  | { readonly kind: "idle" }
  | { readonly kind: "failed"; readonly message: string; readonly isFollower: boolean };

/** A thread's part in the work. */
export interface Part {
  /** Does what was posted. */
  take(message: unknown): void;
  /** Tells the others that it could not. */
  fail(): void;
}

/** What this file needs of the global scope of a Worker, which the types of a window do not have. */
interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: CrewAnswer): void;
}

/** Makes this Worker a member, whose part is opened by what is posted first. */
export function servePart<Start>(open: (start: Start) => Promise<Part>): void {
  const scope = self as unknown as Scope;
  const failed = (error: unknown) => scope.postMessage({ kind: "failed", ...describeFailure(error) });
  const opened = (part: Part) => {
    scope.onmessage = ({ data }) => {
      try {
        part.take(data);
        scope.postMessage({ kind: "idle" });
      } catch (error) {
        part.fail();
        failed(error);
      }
    };
    scope.postMessage({ kind: "open" });
  };
  scope.onmessage = ({ data }) => {
    open(data as Start).then(opened).catch(failed);
  };
}
