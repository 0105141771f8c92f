/** A process of a threaded `stress` whose Workers do not wait for the heap's lock. */
import { answer } from "../../../../src/verify/stress/child.ts";
import { serveThreads, type ThreadsRequest } from "../../../../src/verify/stress/threads_child.ts";

const WORKER = new URL("./lockless_worker.ts", import.meta.url);
await answer((request: ThreadsRequest) => serveThreads(request, WORKER));
