/**
 * The Worker that is a member of a replaying crew (`crew.ts`). It opens the allocator that the first thread shares,
 * and then takes the steps that are posted to it.
 *
 * @module
 */
import { openVirtualMemory } from "../../os/mod.ts";
import { openAllocator } from "../../peers/mod.ts";
import { prepareMember } from "../../workloads/mod.ts";
import { CrewControl, describeFailure } from "../contestant/crew/member.ts";
import type { CrewAnswer } from "../contestant/crew/worker.ts";
import { type ReplayStart, type ReplayStep, takePart } from "./step.ts";
import { keepUnoptimised } from "../contestant/tier.ts";

/** What this file needs of the global scope of a Worker, which the types of a window do not have. */
interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: CrewAnswer): void;
}

const scope = self as unknown as Scope;

async function open(start: ReplayStart): Promise<void> {
  const { thread, name, variant, source, shared, words, isVerified, crew, memory } = start;
  const control = new CrewControl(crew), { pause } = await openVirtualMemory();
  const member = await openAllocator(
    name,
    variant,
    (allocator) => prepareMember(allocator, words, isVerified, thread, memory, control.failed, pause),
    source,
    shared,
  );
  keepUnoptimised(member.advance);
  const awaitOthers = () => {
    control.ready();
    control.awaitStart();
  };
  scope.onmessage = ({ data }) => {
    try {
      takePart(member, control, thread, data as ReplayStep, awaitOthers);
      scope.postMessage({ kind: "idle" });
    } catch (error) {
      control.fail();
      scope.postMessage({ kind: "failed", ...describeFailure(error) });
    }
  };
  scope.postMessage({ kind: "open" });
}

scope.onmessage = ({ data }) => {
  open(data as ReplayStart).catch((error) => scope.postMessage({ kind: "failed", ...describeFailure(error) }));
};
