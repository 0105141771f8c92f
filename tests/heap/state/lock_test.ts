/** The lock and the thread table alone, with a system that is made up: so what happens between two steps can be said. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { HeaderCorruptedError } from "../../../src/heap/errors.ts";
import { SLAB_TABLE_OFFSET, WORD_LOCK } from "../../../src/heap/state/layout.ts";
import { waitForLock } from "../../../src/heap/state/lock.ts";
import { entryOfOwner, NO_THREAD, Threads } from "../../../src/heap/state/thread_table.ts";
import type { VirtualMemory } from "../../../src/os/mod.ts";

/** A system with these threads, numbers and starts; `current` is the one that calls. */
class People {
  current = 0;
  readonly starts = new Map<number, number>();
  onPause = (): void => {};
  onStart = (_id: number): void => {};
  readonly words = new Int32Array(SLAB_TABLE_OFFSET / 4); // the control words end there
  readonly threads: Threads = new Threads(this.words, this as unknown as VirtualMemory);

  threadId(): number {
    return this.current;
  }

  threadStart(id: number): number {
    const start = this.starts.get(id) ?? 0;
    this.onStart(id);
    return start;
  }

  /** Nobody sleeps, or all do, having run so long. */
  sleep: (id: number) => number = () => 0;

  threadSleep(id: number): number {
    return this.sleep(id);
  }

  pause(): void {
    this.onPause();
  }

  /** A thread is born, and claims a slot; returns what the lock has when it holds it. */
  attach(id: number, start: number): number {
    this.starts.set(id, start);
    this.current = id;
    return this.threads.ownerOf(this.threads.claim());
  }

  wait(owner: number): string[] {
    const told: string[] = [];
    const watcher = { add: (name: string) => void told.push(name) };
    waitForLock(this.words, owner, this.threads, this as unknown as VirtualMemory, watcher);
    return told;
  }
}

Deno.test("who has found the holder dead, and is late, does not take the lock from the next thread in its slot", () => {
  const people = new People(), { words, threads } = people;
  words[WORD_LOCK] = people.attach(7, 1);
  const late = people.attach(8, 2);
  people.starts.delete(7);
  let next = 0, pauses = 0;
  people.onStart = (id) => {
    if (id !== 7 || next !== 0) return;
    // While the late one asks the system, another takes the lock, gives slot 0 back, and lets go.
    next = -1;
    threads.release(0);
    next = people.attach(9, 3);
    people.current = 8;
    words[WORD_LOCK] = next;
  };
  people.onPause = () => {
    if (next === 0) return;
    assertEquals(words[WORD_LOCK], next, "the lock was taken from a thread that lives");
    if (++pauses === 3) words[WORD_LOCK] = 0;
  };
  people.wait(late);
  assertEquals([words[WORD_LOCK], pauses, entryOfOwner(next)], [late, 3, 0]);
});

Deno.test("the lock is taken from the dead, with a slot and without, and each try and pause is told", () => {
  const people = new People(), { words, threads } = people;
  for (const hasEntry of [true, false]) {
    words[WORD_LOCK] = people.attach(7, 1);
    if (!hasEntry) words[WORD_LOCK] = threads.ownerWithoutEntry();
    assertEquals(entryOfOwner(words[WORD_LOCK]!) === NO_THREAD, !hasEntry);
    const own = people.attach(8, 2);
    let pauses = 0;
    people.onPause = () => {
      assert(words[WORD_LOCK] !== own);
      if (++pauses === 20) people.starts.delete(7);
    };
    const told = people.wait(own);
    assertEquals(words[WORD_LOCK], own);
    assertEquals(told.filter((name) => name === "lockPauses").length, 20);
    assertEquals(told.filter((name) => name === "lockRetries").length, 120);
    for (const { entry } of threads.taken()) threads.release(entry);
  }
});

Deno.test("the lock is taken from a dead thread whose slot is free, or another's", () => {
  const people = new People(), { words, threads } = people;
  for (const isTaken of [false, true]) {
    words[WORD_LOCK] = people.attach(7, 1);
    people.starts.delete(7);
    threads.release(0);
    if (isTaken) people.attach(9, 3);
    const own = people.attach(8, 2);
    people.wait(own);
    assertEquals(words[WORD_LOCK], own);
    for (const { entry } of threads.taken()) threads.release(entry);
  }
});

Deno.test("no two threads have the same name in the lock, in 10,000 that have one slot one after another", () => {
  const people = new People(), names = new Set<number>();
  for (let count = 0; count < 10_000; count++) {
    const owner = people.attach(7, count + 1);
    assert(owner > 0 && entryOfOwner(owner) === 0);
    names.add(owner);
    people.threads.release(0);
  }
  assertEquals(names.size, 10_000);
});

Deno.test("who waits for a lock that names a thread which lives and only sleeps gets an error, and takes nothing", () => {
  const people = new People(), { words } = people;
  const holder = words[WORD_LOCK] = people.attach(7, 1), own = people.attach(8, 2);
  let pauses = 0;
  people.sleep = (id) => id === 7 ? 5 : 0;
  people.onPause = () => assert(++pauses < 10_000);
  assertThrows(() => people.wait(own), HeaderCorruptedError, "asleep");
  assertEquals(words[WORD_LOCK], holder);
  // One that runs now and then holds it, however long that takes.
  pauses = 0;
  people.sleep = () => 1 + Math.floor(pauses / 500);
  people.onPause = () => {
    if (++pauses === 9000) words[WORD_LOCK] = 0;
  };
  people.wait(own);
  assertEquals([words[WORD_LOCK], pauses], [own, 9000]);
});
