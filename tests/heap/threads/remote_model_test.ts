/**
 * A step model of a ring of remote frees (`remote_frees.ts`), with every interleaving tried: a sender, the owner, which
 * gives the sender blocks again that it has got back, and who comes when the sender is dead. The sender may die at any
 * step; a section that takes may be rolled back at any step before it commits, and its thread may die between the commit
 * and what is published after it. A step is one access to shared memory. The model says the order of the accesses;
 * whoever changes it there changes it here. The rings will serve free lists in the slabs just so: where a taker puts what
 * it has read (`free`) is not a part of it.
 *
 * It is tried with bugs in it, too, and must find them.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { changed, explore } from "../state/explore.ts";

const PLACES = 2, COUNTED_AT_ONCE = 2, BLOCKS = [1, 2, 3];

type Mutant =
  | "counts a block before it writes it"
  | "does not look whether the ring is full"
  | "writes where blocks were taken from by a section that has not committed"
  | "releases places before it commits"
  | "releases places by what it has read outside of its section"
  | "takes without a lock"
  | "tells what it takes before it has read it"
  | "believes what the dead have counted";

type Taker = "sender" | "owner" | "reclaimer";

interface Take {
  at: "idle" | "begin" | "read" | "tell" | "commit" | "release";
  from: number;
  to: number;
  read: number[];
  left: number;
}

interface State {
  ring: number[];
  written: number;
  sent: number;
  /** Part of a section, and so as it was when that is rolled back. */
  taken: number;
  /** What the sender goes by, and when it has looked last. */
  released: number;
  seen: number;
  lock: Taker | "";
  /** Blocks that are free; that the sender is about to free; and how often it is given one again. */
  free: number[];
  hand: number[];
  gifts: number;
  sender: "look" | "see" | "count" | "ask" | "write" | "tell" | "empty" | "emptied" | "gone" | "dead";
  isLeaving: boolean;
  takes: Record<Taker, Take>;
}

function initial(): State {
  const take = (left: number): Take => ({ at: "idle", from: 0, to: 0, read: [], left });
  return {
    ring: [0, 0],
    written: 0,
    sent: 0,
    taken: 0,
    released: 0,
    seen: 0,
    lock: "",
    free: [],
    hand: [...BLOCKS],
    gifts: 1,
    sender: "look",
    isLeaving: false,
    takes: { sender: take(Infinity), owner: take(2), reclaimer: take(2) },
  };
}

/** No block is lost, and none is in two places: those are in the ring that come back if the section is rolled back. */
function assertWhole(state: State): void {
  const { ring, written, free, hand } = state, from = committed(state);
  const inRing = Array.from({ length: written - from }, (_, index) => ring[(from + index) % PLACES]!);
  assertEquals([...inRing, ...free, ...hand].sort(), BLOCKS, "a block is lost, or there twice");
}

function committed({ lock, taken, takes }: State): number {
  return lock !== "" && takes[lock].at === "commit" ? takes[lock].from : taken;
}

/** What the sender does next, if it has not to wait. */
function send(state: State, mutant: Mutant | undefined): State[] {
  const to = (change: (copy: State) => void): State[] => [changed(state, change)];
  switch (state.sender) {
    case "look":
      return to((next) => {
        next.isLeaving = next.hand.length === 0;
        const isFull = next.written - next.seen >= PLACES && mutant !== "does not look whether the ring is full";
        if (next.isLeaving) next.sender = "empty";
        else if (next.written % COUNTED_AT_ONCE === 0) next.sender = "count";
        else next.sender = isFull ? "see" : "ask";
      });
    case "count":
      return to((next) => {
        next.sent = next.written;
        next.sender = "see";
      });
    case "see":
      return to((next) => {
        next.seen = mutant === "writes where blocks were taken from by a section that has not committed"
          ? next.taken
          : next.released;
        const isFull = next.written - next.seen >= PLACES && mutant !== "does not look whether the ring is full";
        next.sender = isFull ? "empty" : "ask";
      });
    case "ask": { // whether it sent this block just now: what may not be seen yet is asked for under the lock
      const isAgain = state.written > state.seen && state.ring[(state.written - 1) % PLACES] === state.hand[0];
      if (isAgain && state.lock !== "") return [];
      return to((next) => {
        assert(!isAgain || next.written === next.taken, "a block is refused that is not in the ring");
        next.sender = "write";
      });
    }
    case "write":
      return to((next) => {
        if (mutant === "counts a block before it writes it") next.written++;
        else next.ring[next.written % PLACES] = next.hand[0]!;
        next.sender = "tell";
      });
    case "tell":
      return to((next) => {
        if (mutant === "counts a block before it writes it") next.ring[(next.written - 1) % PLACES] = next.hand[0]!;
        else next.written++;
        next.hand.shift();
        next.sender = "look";
      });
    case "empty":
      return to((next) => {
        next.sent = next.written;
        next.takes.sender.at = "begin";
        next.sender = "emptied";
      });
    case "emptied": // its section says whether the ring is empty
      if (state.takes.sender.at !== "idle") return [];
      return to((next) =>
        next.sender = !next.isLeaving ? "see" : next.takes.sender.to === next.written ? "gone" : "empty"
      );
    default:
      return [];
  }
}

/** What a thread does next that is to take, in a section, which has the lock. */
function take(state: State, taker: Taker, mutant: Mutant | undefined): State[] {
  const mine = state.takes[taker];
  const to = (change: (copy: State, mine: Take) => void): State[] => [
    changed(state, (copy) => change(copy, copy.takes[taker])),
  ];
  const locks = mutant !== "takes without a lock", tellsFirst = mutant === "tells what it takes before it has read it";
  const end = (next: State, mine: Take): void => {
    mine.at = "idle";
    mine.read = [];
    if (locks) next.lock = "";
  };
  const rolledBack = () =>
    to((next, mine) => {
      rollBack(next, taker);
      mine.left++;
      end(next, mine);
    });
  switch (mine.at) {
    case "idle":
      if (taker === "sender" || mine.left === 0 || (taker === "reclaimer" && state.sender !== "dead")) return [];
      return to((_, mine) => mine.at = "begin");
    case "begin":
      if (locks && state.lock !== "") return [];
      return to((next, mine) => {
        if (locks) next.lock = taker;
        mine.left--;
        if (taker === "reclaimer" && mutant !== "believes what the dead have counted") next.sent = next.written;
        mine.from = next.taken;
        mine.to = Math.max(next.sent, next.taken);
        mine.at = "read";
        if (tellsFirst) next.taken = mine.to;
      });
    case "read":
      if (mine.from + mine.read.length === mine.to) return to((_, mine) => mine.at = "tell");
      return [
        ...to((next, mine) => mine.read.push(next.ring[(mine.from + mine.read.length) % PLACES]!)),
        ...(tellsFirst ? [] : rolledBack()),
      ];
    case "tell":
      return [
        ...to((next, mine) => {
          next.taken = mine.to;
          if (mutant === "releases places before it commits") next.released = mine.to;
          mine.at = "commit";
        }),
        ...rolledBack(),
      ];
    case "commit":
      return [
        ...to((next, mine) => {
          next.free.push(...mine.read);
          mine.at = "release";
          if (mutant === "releases places by what it has read outside of its section" && locks) next.lock = "";
        }),
        ...rolledBack(),
      ];
    case "release":
      return [
        ...to((next, mine) => {
          next.released = mine.to;
          if (mutant === "releases places by what it has read outside of its section") {
            mine.at = "idle";
            mine.read = [];
          } else end(next, mine);
        }),
        ...to(end), // its thread died
      ];
  }
}

/** What its section has written is undone. */
function rollBack(state: State, taker: Taker): void {
  const mine = state.takes[taker];
  if (mine.at === "commit") state.taken = mine.from;
  mine.to = mine.from;
}

/** Tries all that they may do; returns the number of states. */
function run(mutant?: Mutant): number {
  return explore(initial(), (state) => {
    if (mutant !== "tells what it takes before it has read it" || state.lock === "") assertWhole(state);
    assert(state.seen <= state.released || mutant !== undefined, "the sender sees what nobody has released");
    const next = [
      ...send(state, mutant),
      ...(["sender", "owner", "reclaimer"] as const).flatMap((taker) =>
        taker === "sender" && state.sender === "dead" ? [] : take(state, taker, mutant)
      ),
    ];
    if (state.free.length > 0 && state.gifts > 0 && state.sender === "look") {
      next.push(changed(state, (copy) => {
        copy.hand.unshift(copy.free.pop()!); // the one that it sent last, if that was taken
        copy.gifts--;
      }));
    }
    if (state.sender !== "gone" && state.sender !== "dead") {
      next.push(changed(state, (copy) => {
        copy.sender = "dead";
        if (copy.lock !== "sender") return;
        rollBack(copy, "sender"); // by the next, which takes the lock from it
        copy.lock = "";
      }));
    }
    if (next.length > 0) return next;
    assert(state.sender === "gone" || state.sender === "dead", "the sender waits for ever");
    assertEquals(state.written, state.taken, "blocks stay in the ring of one that has gone");
    return next;
  });
}

Deno.test("blocks that are freed remotely are in the ring, or taken, whoever dies or is rolled back, and none is lost", () => {
  assert(run() > 5_000);
});

/** As what each bug is found. */
const CAUGHT: { readonly [Name in Mutant]: string } = {
  "counts a block before it writes it": "a block is lost, or there twice",
  "does not look whether the ring is full": "a block is lost, or there twice",
  "writes where blocks were taken from by a section that has not committed": "a block is lost, or there twice",
  "releases places before it commits": "a block is lost, or there twice",
  "releases places by what it has read outside of its section": "a block is lost, or there twice",
  "takes without a lock": "a block is lost, or there twice",
  "tells what it takes before it has read it": "a block is lost, or there twice",
  "believes what the dead have counted": "blocks stay in the ring",
};

for (const [mutant, message] of Object.entries(CAUGHT)) {
  Deno.test(`the model of a ring finds a thread that ${mutant}`, () => {
    assertThrows(() => run(mutant as Mutant), Error, message);
  });
}
