/** A process of a threaded `stress` whose Workers do not wait for the heap's lock. */
import { answer } from "../../../src/lab/stress_child.ts";
import { serveThreads, type ThreadsRequest } from "../../../src/lab/stress_threads_child.ts";

const WORKER = new URL("./lockless_worker.ts", import.meta.url);
await answer((request: ThreadsRequest) => serveThreads(request, WORKER));
