import type { Activity } from "../../dist/ring/activity.js";
import type { RingLayout } from "../../dist/ring/layout.js";
import type { Claim, Ring } from "../../dist/ring/ring.js";
import type { Deaths } from "../../dist/worker/deaths.js";
import type { Stepper } from "./stepper.js";

/** A small ring and what may go wrong on it. */
export interface Instance {
  readonly numWorkers: number;
  readonly numSlots: number;
  /** Samples of each batch, at most two. */
  readonly sizes: readonly number[];
  /** Samples claimed at a time. */
  readonly runLength: number;
  /** Workers that may die, each at any moment. */
  readonly deaths: number;
  /** Notifications that may get lost. */
  readonly losses: number;
  /** Times that the consumer may abort, at any moment. */
  readonly aborts: number;
}

/** Where a thread stands. Each number is a place between calls of the ring, or one such call. */
export const AT = {
  // Worker: the loop of `worker/main.ts`.
  open: 0,
  looksForStop: 1,
  readsSignal: 2,
  claims: 3,
  makes: 4,
  finishes: 5,
  looksForDrain: 6,
  becomesIdle: 7,
  waitsForWork: 8,
  getsUp: 9,
  leaves: 10,
  dead: 11,
  // Consumer: `EpochRun` and `WorkerPool.untilReady`.
  fills: 12,
  publishes: 13,
  looks: 14,
  rescues: 15,
  looksAgain: 16,
  waitsForBatch: 17,
  holds: 18,
  movesOn: 19,
  drains: 20,
  stops: 21,
  joins: 22,
  gone: 23,
} as const;

/** A thread. `a` to `d` are its variables: of a worker signal, slot, cell, count; of the consumer published, taken, must it rescue. */
export interface Thread {
  at: number;
  sleepsAt: number;
  a: number;
  b: number;
  c: number;
  d: number;
  /** Of the call under way. */
  results: number[];
}

/** What the threads of a world work on. */
export interface Setting {
  readonly instance: Instance;
  readonly layout: RingLayout;
  readonly ring: Ring;
  readonly activities: readonly Activity[];
  /** All of the shared memory. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** The consumer, then the workers. */
  readonly threads: readonly Thread[];
  readonly deaths: Deaths;
  readonly stepper: Stepper;
}

/** The threads and what they work on. */
export class Scene {
  readonly claim: Claim = { slot: 0, cell: 0, count: 0, epoch: 0 };
  /** What must not happen, and did. */
  readonly wrong: Set<string> = new Set();

  constructor(readonly setting: Setting) {}

  get consumer(): Thread {
    return this.setting.threads[0] as Thread;
  }

  /** Does an operation of a call; `then` says where the thread stands after its last one. */
  call<T>(thread: Thread, code: () => T, then: (value: T) => number): void {
    const end = this.setting.stepper.step(code, thread.results);
    if (end === undefined) return;
    thread.results = [];
    thread.at = then(end.value);
  }

  /** The batch that was published last to a slot. */
  batchIn(slot: number): number {
    const { at, a } = this.consumer;
    const { numSlots } = this.setting.instance;
    // From the first operation of `publish` on the slot is the new batch's.
    const published = at === AT.publishes ? a + 1 : a;
    return slot + numSlots * Math.floor((published - 1 - slot) / numSlots);
  }
}
