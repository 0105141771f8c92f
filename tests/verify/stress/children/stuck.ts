/** A process of a threaded `stress` one of whose Workers hangs, with the heap's lock in its hand. */
import { answer } from "../../../../src/verify/stress/child.ts";
import { serveThreads, type ThreadsRequest } from "../../../../src/verify/stress/threads_child.ts";

const WORKER = new URL("./stuck_worker.ts", import.meta.url);
await answer((request: ThreadsRequest) => serveThreads(request, WORKER));
