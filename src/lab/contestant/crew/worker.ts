/**
 * The Worker that is a thread of a crew (`crew.ts`). It opens the allocator, and then does what is posted to it.
 *
 * @module
 */
import { openAllocator } from "../../../peers/mod.ts";
import { CrewControl, CrewMember, type CrewRequest, LEAVE } from "./member.ts";
import { type Part, servePart } from "./part.ts";
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

servePart(({ thread, name, variant, source, shared }: CrewStart) =>
  openAllocator(
    name,
    variant,
    (allocator): Part => {
      const member = new CrewMember(allocator, thread, openTierProbe());
      let control: CrewControl | undefined;
      return {
        take(message) {
          if (message === LEAVE) return member.leave();
          const request = message as CrewRequest;
          control = new CrewControl(request.memory);
          member.begin(request);
          control.ready();
          control.awaitStart();
          member.run(request);
          control.awaitDone(request.threads); // what is this thread's to free, others may still be at work on
          member.end(request);
        },
        fail: () => control?.fail(),
      };
    },
    source,
    shared,
  )
);
