/**
 * The Worker that is a member of a replaying crew (`crew.ts`). It opens the allocator that the first thread shares,
 * and then takes the steps that are posted to it.
 *
 * @module
 */
import { openVirtualMemory } from "../../os/mod.ts";
import { openAllocator } from "../../peers/mod.ts";
import { prepareMember } from "../../workloads/mod.ts";
import { CrewControl } from "../contestant/crew/member.ts";
import { servePart } from "../contestant/crew/part.ts";
import { type ReplayStart, type ReplayStep, takePart } from "./step.ts";
import { keepUnoptimised } from "../contestant/tier.ts";

servePart(async ({ thread, name, variant, source, shared, words, isVerified, crew, memory }: ReplayStart) => {
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
  return {
    take: (step) => takePart(member, control, thread, step as ReplayStep, awaitOthers),
    fail: () => control.fail(),
  };
});
