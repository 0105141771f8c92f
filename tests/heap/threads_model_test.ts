/**
 * Step models of what threads do to one another, with every interleaving of two or three threads tried, and a death at any
 * step: the lock and its undo log (`lock.ts`, `journal.ts`), the thread table (`threads.ts`), attaching to a debug
 * build whose books a dead thread has (`heap.ts`), and attaching to a heap that is being closed (`memory.ts`). A step
 * is one access to shared memory. The models say the order of the accesses; whoever changes it there changes it here.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";

/** Visits every state that can be reached; returns how many there are. */
function explore<State>(initial: State, successors: (state: State) => State[]): number {
  const seen = new Set<string>([JSON.stringify(initial)]), open = [initial];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const next of successors(state)) {
      const key = JSON.stringify(next);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(next);
    }
  }
  return seen.size;
}

/** A copy of a state with something done to it. */
function changed<State>(state: State, change: (copy: State) => void): State {
  const copy = structuredClone(state);
  change(copy);
  return copy;
}

// ---- the lock and the log --------------------------------------------------------------------------------------------

interface Sections {
  lock: number;
  log: [word: number, old: number][];
  /** A section adds 1 to both, one after the other. */
  words: [number, number];
  commits: number;
  deaths: number;
  threads: { at: string; dead: boolean }[];
}

/** What a thread does next; undefined if it has to wait, or has nothing more to do. */
function sectionStep(state: Sections, index: number, breaksLocks: boolean): Sections | undefined {
  const me = state.threads[index]!, owner = index + 1;
  const to = (at: string, change: (copy: Sections) => void = () => {}): Sections =>
    changed(state, (copy) => {
      copy.threads[index]!.at = at;
      change(copy);
    });
  switch (me.at) {
    case "outside": {
      const holderIsDead = state.lock !== 0 && state.threads[state.lock - 1]!.dead;
      if (state.lock !== 0 && !(holderIsDead && breaksLocks)) return undefined;
      return to("inherit", (copy) => copy.lock = owner);
    }
    case "inherit": {
      assertEquals(state.lock, owner, "the lock was taken from a thread that lives");
      const last = state.log.at(-1);
      if (last === undefined) {
        assertEquals(state.words[0], state.words[1], "a section begins, and the tables disagree");
        assertEquals(state.words[0], state.commits, "a commit was lost, or something half done was kept");
        return to("log 0");
      }
      return to("shorten", (copy) => copy.words[last[0]] = last[1]);
    }
    case "shorten":
      return to("inherit", (copy) => void copy.log.pop());
    case "log 0":
    case "log 1": {
      const word = me.at === "log 0" ? 0 : 1;
      return to(`write ${word}`, (copy) => void copy.log.push([word, copy.words[word]!]));
    }
    case "write 0":
      return to("log 1", (copy) => copy.words[0]++);
    case "write 1":
      return to("commit", (copy) => copy.words[1]++);
    case "commit":
      return to("unlock", (copy) => {
        copy.log = [];
        copy.commits++;
      });
    case "unlock":
      return to("done", (copy) => copy.lock = 0);
  }
  return undefined;
}

function sections(threads: number, deaths: number, breaksLocks = true): number {
  let ends = 0;
  const initial: Sections = {
    lock: 0,
    log: [],
    words: [0, 0],
    commits: 0,
    deaths: 0,
    threads: Array.from({ length: threads }, () => ({ at: "outside", dead: false })),
  };
  explore(initial, (state) => {
    const next: Sections[] = [];
    state.threads.forEach(({ dead, at }, index) => {
      if (dead) return;
      const step = sectionStep(state, index, breaksLocks);
      if (step !== undefined) next.push(step);
      if (state.deaths < deaths && at !== "done") {
        next.push(changed(state, (copy) => {
          copy.deaths++;
          copy.threads[index]!.dead = true;
        }));
      }
    });
    if (next.length === 0) {
      ends++;
      assert(state.threads.every(({ dead, at }) => dead || at === "done"), "a thread waits for ever");
    }
    return next;
  });
  return ends;
}

Deno.test("three threads and two deaths at any steps: each section is done or not, and nobody waits for ever", () => {
  assert(sections(3, 2) > 10);
  assertThrows(() => sections(2, 1, false), Error, "waits for ever");
});

// ---- the thread table --------------------------------------------------------------------------------------------------

interface Slot {
  id: number;
  start: number;
  /** The threads that are to have the slot, one after another: claim, live, leave. */
  turn: number;
  at: string;
  /** What the thread that judges has read. */
  judge: { at: string; id: number; start: number };
}

const THREADS = [{ id: 7, start: 1 }, { id: 7, start: 2 }, { id: 8, start: 3 }]; // a number comes again

/** @param again whether the id is read a second time */
function judgements(again: boolean): void {
  const initial: Slot = { id: 0, start: 0, turn: 0, at: "claim", judge: { at: "id", id: 0, start: 0 } };
  explore(initial, (state) => {
    const next: Slot[] = [], thread = THREADS[state.turn];
    const owner = (at: string, change: (copy: Slot) => void): void =>
      void next.push(changed(state, (copy) => {
        copy.at = at;
        change(copy);
      }));
    if (thread !== undefined) {
      if (state.at === "claim") owner("start", (copy) => copy.id = thread.id);
      if (state.at === "start") owner("live", (copy) => copy.start = thread.start);
      if (state.at === "live") owner("leave", (copy) => copy.start = 0);
      if (state.at === "leave") {
        owner("claim", (copy) => {
          copy.id = 0;
          copy.turn++;
        });
      }
    }
    const judge = (at: string, change: (copy: Slot["judge"]) => void = () => {}): void =>
      void next.push(changed(state, (copy) => {
        copy.judge.at = at;
        change(copy.judge);
      }));
    if (state.judge.at === "id") judge("start", (copy) => copy.id = state.id);
    if (state.judge.at === "start") judge(again ? "again" : "verdict", (copy) => copy.start = state.start);
    if (state.judge.at === "again") judge(state.id === state.judge.id ? "verdict" : "id");
    if (state.judge.at === "verdict") {
      // The thread of the slot lives all the time that it has it; so the one read must be it, or gone since.
      const { id, start } = state.judge;
      const known = THREADS.findIndex((each) => each.id === id && (start === 0 || each.start === start));
      assert(id === 0 || known >= 0, "a living thread is taken for dead");
    }
    return next;
  });
}

Deno.test("who reads a slot while it changes hands takes no living thread for dead", () => {
  judgements(true);
  assertThrows(() => judgements(false), Error, "taken for dead");
});

// ---- attaching to a debug build, of which a thread died in a section of the books ------------------------------------------

interface Attaching {
  /** Of the books: 0, or the holder's slot, plus 1. */
  lock: number;
  slots: ("free" | "dead" | "live")[];
  threads: { at: string; slot: number }[];
}

/** @param inSection whether the slots of the dead become free in a section of the books */
function attaching(inSection: boolean): number {
  const initial: Attaching = {
    lock: 1,
    slots: ["dead", "free", "free"],
    threads: [{ at: "claim", slot: -1 }, { at: "claim", slot: -1 }],
  };
  return explore(initial, (state) => {
    const next: Attaching[] = [];
    state.threads.forEach(({ at, slot }, index) => {
      const to = (at: string, change: (copy: Attaching) => void = () => {}): void =>
        void next.push(changed(state, (copy) => {
          change(copy);
          copy.threads[index]!.at = at;
        }));
      const reclaim = (copy: Attaching): void => {
        copy.slots = copy.slots.map((slot) => slot === "dead" ? "free" : slot);
      };
      if (at === "claim") {
        to(inSection ? "lock" : "reclaim", (copy) => {
          const free = copy.slots.indexOf("free");
          copy.threads[index]!.slot = free;
          copy.slots[free] = "live";
        });
      }
      if (at === "reclaim") to(inSection ? "unlock" : "lock", reclaim);
      if (at === "lock" && (state.lock === 0 || state.slots[state.lock - 1] === "dead")) {
        to(inSection ? "reclaim" : "unlock", (copy) => copy.lock = slot + 1);
      }
      if (at === "unlock") to("done", (copy) => copy.lock = 0);
    });
    assert(next.length > 0 || state.threads.every(({ at }) => at === "done"), "a thread waits for ever");
    return next;
  });
}

Deno.test("nobody gets the slot of a dead thread that has the lock of the books", () => {
  assert(attaching(true) > 10);
  assertThrows(() => attaching(false), Error, "waits for ever");
});

// ---- attaching while the heap is closed ----------------------------------------------------------------------------------

interface Closing {
  open: boolean;
  claimed: boolean;
  buried: boolean;
  closer: string;
  attacher: string;
}

/** @param looksAgain whether who closes looks for others again after the magic is gone */
function closings(looksAgain: boolean): Set<string> {
  const ends = new Set<string>();
  const initial: Closing = { open: true, claimed: false, buried: false, closer: "look", attacher: "magic" };
  explore(initial, (state) => {
    assert(!(state.buried && state.attacher === "attached"), "the memory went from under a thread");
    const next: Closing[] = [];
    const closer = (at: string, change: Partial<Closing> = {}): void =>
      void next.push({ ...state, closer: at, ...change });
    const attacher = (at: string, change: Partial<Closing> = {}): void =>
      void next.push({ ...state, attacher: at, ...change });
    if (state.closer === "look") closer(state.claimed ? "shared" : "take the magic");
    if (state.closer === "take the magic") closer(looksAgain ? "look again" : "bury", { open: false });
    if (state.closer === "look again") closer(state.claimed ? "restore" : "bury");
    if (state.closer === "restore") closer("shared", { open: true });
    if (state.closer === "bury") closer("closed", { buried: true });
    if (state.attacher === "magic") attacher(state.open ? "claim" : "refused");
    if (state.attacher === "claim") attacher("magic again", { claimed: true });
    if (state.attacher === "magic again") attacher(state.open ? "attached" : "release");
    if (state.attacher === "release") attacher("refused", { claimed: false });
    if (next.length === 0) ends.add(`${state.closer}, ${state.attacher}`);
    return next;
  });
  return ends;
}

Deno.test("a heap is closed or attached to, never both", () => {
  assertEquals([...closings(true)].sort(), ["closed, refused", "shared, attached", "shared, refused"]);
  assertThrows(() => closings(false), Error, "from under a thread");
});
