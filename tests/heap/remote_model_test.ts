/**
 * A step model of a ring of remote frees (`remote_frees.ts`), with every interleaving tried: a sender, the owner, which
 * gives the sender blocks again that it has got back, and who comes when the sender is dead. The sender may die at any
 * step; a section that takes may be rolled back at any step before it commits. A step is one access to shared memory. The
 * model says the order of the accesses; whoever changes it there changes it here.
 *
 * It is tried with bugs in it, too, and must find them.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { changed, explore } from "./explore.ts";

const PLACES = 2, COUNTED_AT_ONCE = 2, BLOCKS = [1, 2, 3];

type Mutant =
  | "counts a block before it writes it"
  | "does not look whether the ring is full"
  | "takes without a lock"
  | "tells what it takes before it has read it"
  | "believes what the dead have counted";

type Taker = "sender" | "owner" | "reclaimer";

interface State {
  ring: number[];
  written: number;
  sent: number;
  taken: number;
  lock: Taker | "";
  /** Blocks that are free; that the sender is about to free; and how often it is given one again. */
  free: number[];
  hand: number[];
  gifts: number;
  sender: "look" | "count" | "write" | "tell" | "empty" | "leave" | "gone" | "dead";
  /** Of each taker: its step; up to where it takes; and what it has read. */
  takes: Record<
    Taker,
    { at: "idle" | "begin" | "read" | "commit"; to: number; from: number; read: number[]; left: number }
  >;
}

function initial(): State {
  const take = (left: number) => ({ at: "idle", to: 0, from: 0, read: [], left }) as const;
  return {
    ring: [0, 0],
    written: 0,
    sent: 0,
    taken: 0,
    lock: "",
    free: [],
    hand: [...BLOCKS],
    gifts: 1,
    sender: "look",
    takes: { sender: { ...take(9), read: [] }, owner: { ...take(2), read: [] }, reclaimer: { ...take(2), read: [] } },
  };
}

/** No block is lost, and none is in two places. */
function assertWhole({ ring, written, taken, free, hand }: State): void {
  const inRing = Array.from({ length: written - taken }, (_, index) => ring[(taken + index) % PLACES]!);
  assertEquals([...inRing, ...free, ...hand].sort(), BLOCKS, "a block is lost, or there twice");
}

/** What the sender does next, if it has not to wait. */
function send(state: State, mutant: Mutant | undefined): State[] {
  const to = (change: (copy: State) => void): State[] => [changed(state, change)];
  switch (state.sender) {
    case "look":
      if (state.hand.length === 0) return to((next) => next.sender = "leave");
      if (state.written - state.taken >= PLACES && mutant !== "does not look whether the ring is full") {
        return to((next) => next.sender = "empty");
      }
      return to((next) => next.sender = state.written % COUNTED_AT_ONCE === 0 ? "count" : "write");
    case "count":
      return to((next) => {
        next.sent = next.written;
        next.sender = "write";
      });
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
    case "leave":
      return state.takes.sender.at === "idle"
        ? to((next) => {
          next.sent = next.written;
          if (next.sent === next.taken) next.sender = next.sender === "leave" ? "gone" : "look";
          else next.takes.sender.at = "begin";
        })
        : [];
    default:
      return [];
  }
}

/** What a thread does next that is to take, in a section, which has the lock. */
function take(state: State, taker: Taker, mutant: Mutant | undefined): State[] {
  const mine = state.takes[taker];
  const to = (change: (copy: State, mine: State["takes"][Taker]) => void): State[] => [
    changed(state, (copy) => change(copy, copy.takes[taker])),
  ];
  const locks = mutant !== "takes without a lock";
  const rolledBack = () =>
    to((next, mine) => {
      mine.at = "idle";
      mine.read = [];
      mine.left++;
      if (locks) next.lock = "";
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
        if (mutant === "tells what it takes before it has read it") next.taken = mine.to;
      });
    case "read":
      if (mine.from + mine.read.length === mine.to) return to((_, mine) => mine.at = "commit");
      return [
        ...to((next, mine) => mine.read.push(next.ring[(mine.from + mine.read.length) % PLACES]!)),
        ...(mutant === "tells what it takes before it has read it" ? [] : rolledBack()),
      ];
    case "commit":
      return to((next, mine) => {
        next.taken = mine.to;
        next.free.push(...mine.read);
        mine.at = "idle";
        mine.read = [];
        if (locks) next.lock = "";
      });
  }
}

/** Tries all that they may do; returns the number of states. */
function run(mutant?: Mutant): number {
  return explore(initial(), (state) => {
    if (mutant !== "tells what it takes before it has read it" || state.lock === "") assertWhole(state);
    const next = [
      ...send(state, mutant),
      ...(["sender", "owner", "reclaimer"] as const).flatMap((taker) =>
        taker === "sender" && state.sender === "dead" ? [] : take(state, taker, mutant)
      ),
    ];
    if (state.free.length > 0 && state.gifts > 0 && !["gone", "dead", "leave"].includes(state.sender)) {
      next.push(changed(state, (copy) => {
        copy.hand.push(copy.free.shift()!);
        copy.gifts--;
      }));
    }
    if (state.sender !== "gone" && state.sender !== "dead") {
      next.push(changed(state, (copy) => {
        copy.sender = "dead";
        if (copy.lock === "sender") copy.lock = ""; // taken by the next, which rolls back
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
  "takes without a lock": "a block is lost, or there twice",
  "tells what it takes before it has read it": "a block is lost, or there twice",
  "believes what the dead have counted": "blocks stay in the ring",
};

for (const [mutant, message] of Object.entries(CAUGHT)) {
  Deno.test(`the model of a ring finds a thread that ${mutant}`, () => {
    assertThrows(() => run(mutant as Mutant), Error, message);
  });
}
