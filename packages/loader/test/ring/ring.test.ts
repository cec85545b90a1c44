import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planLayout } from "../../dist/ring/layout.js";
import { Ring, SAMPLE_STATE, type Claim } from "../../dist/ring/ring.js";
import { Interleaver } from "./interleaver.js";

function createRing(numSlots: number, batchSize: number): Ring {
  const layout = planLayout({ numWorkers: 2, numSlots, batchSize, cellBytes: [1] });
  // A plain buffer: thousands of WebAssembly memories would use up the address space before they are collected.
  const ring = new Ring([{ buffer: new SharedArrayBuffer(layout.byteLength), grow: () => 0 }], layout);
  ring.reset();
  return ring;
}

const emptyClaim = (): Claim => ({ slot: -1, cell: -1, count: 0, epoch: 0 });

/** What each cell of a published slot has been through: 0 nothing, 1 claimed, 2 finished. */
interface Published {
  readonly epoch: number;
  readonly from: number;
  readonly cells: number[];
}

/** Workers and a consumer on one ring, with a ledger of who may do what. Actors in the middle of something are busy. */
class Play {
  readonly ring: Ring;
  readonly published = new Map<number, Published>();
  readonly #held: (Claim | undefined)[];
  readonly #busy = new Set<number>();
  #nextTake = 0;
  #nextPublish = 0;
  taken = 0;
  /** What must not happen, and did. */
  readonly wrong: string[] = [];

  constructor(
    readonly numWorkers: number,
    readonly numSlots: number,
    readonly sizes: readonly number[],
    readonly run: number,
  ) {
    this.ring = createRing(numSlots, 8);
    this.#held = Array.from({ length: numWorkers });
    for (let slot = 0; slot < numSlots; slot++) this.#publish();
  }

  /** The consumer is actor 0, workers are 1 and up. False if the actor is busy. */
  act(actor: number): boolean {
    if (this.#busy.has(actor)) return false;
    this.#busy.add(actor);
    if (actor === 0) this.#consume();
    else this.#work(actor - 1);
    this.#busy.delete(actor);
    return true;
  }

  #publish(): void {
    if (this.#nextPublish === this.sizes.length) return;
    const size = this.sizes[this.#nextPublish] as number;
    const slot = this.#nextPublish % this.numSlots;
    const from = Math.min(size, this.#nextPublish % 3);
    this.published.set(slot, { epoch: this.#nextPublish, from, cells: Array.from({ length: size }, () => 0) });
    this.ring.publish(slot, from, size, this.#nextPublish);
    this.#nextPublish++;
  }

  #consume(): void {
    const slot = this.#nextTake % this.numSlots;
    if (this.#nextTake === this.sizes.length || !this.ring.isReady(slot)) return;
    const { from, cells } = this.published.get(slot) as Published;
    if (cells.slice(from).some((state) => state !== 2)) this.wrong.push(`batch ${this.#nextTake} lacks a cell`);
    this.#nextTake++;
    this.taken++;
    this.ring.setHead(this.#nextTake);
    this.#publish();
  }

  #work(worker: number): void {
    const held = this.#held[worker];
    if (held === undefined) {
      const claim = emptyClaim();
      if (!this.ring.claim(this.run, claim)) return;
      this.#enterAll(claim, 0, 1);
      this.#held[worker] = claim;
      return;
    }
    this.#held[worker] = undefined;
    this.#enterAll(held, 1, 2);
    this.ring.finish(held, 0, 0);
  }

  #enterAll(claim: Claim, before: number, after: number): void {
    const { epoch, cells } = this.published.get(claim.slot) as Published;
    if (claim.epoch !== epoch) this.wrong.push(`a claim of batch ${epoch} says ${claim.epoch}`);
    for (let cell = claim.cell; cell < claim.cell + claim.count; cell++) {
      if (cells[cell] !== before)
        this.wrong.push(`cell ${cell} of batch ${epoch} went from ${cells[cell]} to ${after}`);
      cells[cell] = after;
    }
  }
}

const plays = fc.record({
  numWorkers: fc.integer({ min: 1, max: 3 }),
  numSlots: fc.integer({ min: 1, max: 3 }),
  sizes: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 12 }),
  run: fc.integer({ min: 1, max: 5 }),
});

describe("the ring", () => {
  it("gives every cell to one worker, and each batch to the consumer when all of it is there, however they interleave", () => {
    const actors = fc.array(fc.nat(3), { minLength: 20, maxLength: 200 });
    const pauses = fc.array(fc.nat(12), { maxLength: 60 });
    fc.assert(
      fc.property(plays, actors, pauses, ({ numWorkers, numSlots, sizes, run }, order, gaps) => {
        const play = new Play(numWorkers, numSlots, sizes, run);
        const queue = [...order];
        const next = (): void => {
          for (let tries = 0; tries <= numWorkers; tries++)
            if (play.act(((queue.shift() ?? 0) + tries) % (numWorkers + 1))) return;
        };
        const interleaver = new Interleaver(gaps, next);
        while (queue.length > 0) next();
        interleaver.remove();
        for (let round = 0; play.taken < sizes.length; round++) {
          expect(round).toBeLessThan(1000);
          play.act(round % (numWorkers + 1));
        }
        expect(play.wrong).toEqual([]);
      }),
      { numRuns: count(300, 5000), seed: SEED },
    );
  });

  it("gives a claim that its worker took to the grave to another, with what was bad before still counted", () => {
    const ring = createRing(1, 8);
    const [dead, alive] = [emptyClaim(), emptyClaim()];
    ring.states(0).fill(SAMPLE_STATE.missing);
    ring.publish(0, 0, 8, 5);
    ring.claim(3, dead);
    expect(ring.hasOpen).toBe(true);
    ring.claim(5, alive);
    ring.states(0).fill(SAMPLE_STATE.good, 3).fill(SAMPLE_STATE.bad, 6, 8);
    ring.finish(alive, 2, 0);
    expect([ring.hasOpen, ring.isReady(0), ring.lostCells(0)]).toEqual([false, false, { from: 0, to: 3 }]);
    ring.reoffer(0, 0, 3, new Set());
    ring.claim(8, alive);
    expect(alive).toEqual({ slot: 0, cell: 0, count: 3, epoch: 5 });
    ring.states(0).fill(SAMPLE_STATE.good, 0, 3);
    ring.finish(alive, 0, 0);
    expect([ring.isReady(0), ring.badCount(0), ring.lostCells(0)]).toEqual([true, 2, undefined]);
  });

  it("offers cells between which one has become bad, and counts that one when they are finished", () => {
    const ring = createRing(1, 8);
    const claim = emptyClaim();
    ring.states(0).fill(SAMPLE_STATE.missing);
    ring.publish(0, 0, 6, 5);
    ring.claim(4, claim);
    ring.claim(2, claim);
    ring.states(0).fill(SAMPLE_STATE.bad, 4, 5).fill(SAMPLE_STATE.good, 5, 6);
    ring.finish(claim, 1, 0);
    ring.reoffer(0, 0, 4, new Set([1, 2]));
    expect([...ring.states(0).subarray(0, 6)]).toEqual([0, 2, 2, 0, 2, 1]);
    ring.claim(8, claim);
    expect(claim).toEqual({ slot: 0, cell: 0, count: 4, epoch: 5 });
    ring.finish(claim, 2, 0);
    expect([ring.isReady(0), ring.badCount(0)]).toEqual([true, 3]);
  });

  it("takes a batch as made whose last worker died before it could say so", () => {
    const ring = createRing(1, 8);
    const dead = emptyClaim();
    ring.states(0).fill(SAMPLE_STATE.missing);
    ring.publish(0, 0, 6, 5);
    ring.claim(6, dead);
    ring.states(0).fill(SAMPLE_STATE.good, 0, 5).fill(SAMPLE_STATE.bad, 5, 6);
    expect([ring.isReady(0), ring.lostCells(0)]).toEqual([false, { from: 6, to: 6 }]);
    ring.reoffer(0, 6, 6, new Set());
    expect([ring.isReady(0), ring.badCount(0), ring.hasOpen, ring.lostCells(0)]).toEqual([true, 1, false, undefined]);
  });

  it("lets workers return when nothing is left to claim, or lets them go on if that is taken back", () => {
    const ring = createRing(1, 8);
    ring.drain();
    expect([ring.isDraining, ring.stopped]).toEqual([true, false]);
    ring.resume();
    expect(ring.isDraining).toBe(false);
    ring.stop();
    expect([ring.isDraining, ring.stopped]).toEqual([true, true]);
  });

  // A worker's claim reads HEAD, CLAIM and END, then exchanges CLAIM; it sleeps before one of these while others go on.
  it.each([0, 1, 2, 3])("never mixes one batch's claim with another's end, sleeping before operation %i", (pause) => {
    const ring = createRing(1, 8);
    ring.publish(0, 2, 8, 1);
    const slow = emptyClaim();
    const interleaver = new Interleaver([pause], () => {
      const other = emptyClaim();
      ring.claim(8, other);
      ring.finish(other, 0, 0);
      ring.publish(0, 2, 4, 2);
    });
    ring.claim(8, slow);
    interleaver.remove();
    expect(slow).toEqual({ slot: 0, cell: 2, count: 2, epoch: 2 });
    ring.finish(slow, 0, 0);
    expect(ring.isReady(0)).toBe(true);
  });

  it("is READY at once where nothing is missing", () => {
    const ring = createRing(2, 4);
    ring.publish(0, 3, 3, 0);
    expect([ring.isReady(0), ring.isReady(1)]).toEqual([true, false]);
    expect(ring.claim(4, emptyClaim())).toBe(false);
  });

  it("counts the bad samples of the last publish only", () => {
    const ring = createRing(1, 4);
    const claim = emptyClaim();
    ring.publish(0, 0, 4, 0);
    ring.claim(4, claim);
    ring.finish(claim, 3, 17);
    expect([ring.badCount(0), ring.readyAt(0)]).toEqual([3, 17]);
    ring.publish(0, 1, 4, 0);
    expect(ring.badCount(0)).toBe(0);
  });

  it("offers the oldest batch first", () => {
    const ring = createRing(3, 4);
    for (const slot of [0, 1, 2]) ring.publish(slot, 0, 4, 0);
    ring.setHead(4);
    const claims = Array.from({ length: 3 }, () => {
      const claim = emptyClaim();
      ring.claim(4, claim);
      return claim.slot;
    });
    expect(claims).toEqual([1, 2, 0]);
  });

  it("does not let a worker sleep through work that came before it slept", () => {
    const ring = createRing(1, 4);
    const { signal } = ring;
    ring.publish(0, 0, 4, 0);
    const longer = 60_000;
    ring.waitForWork(signal, longer);
    const { signal: later } = ring;
    ring.stop();
    ring.waitForWork(later, longer);
    expect(ring.stopped).toBe(true);
  });

  it("wakes a consumer that waits, and lets it look again after the deadline", async () => {
    const ring = createRing(1, 4);
    const claim = emptyClaim();
    ring.publish(0, 0, 4, 0);
    await ring.waitForReady(0, 5);
    expect(ring.isReady(0)).toBe(false);
    const waiting = ring.waitForReady(0, 60_000);
    ring.claim(4, claim);
    ring.finish(claim, 0, 0);
    await waiting;
    expect(ring.isReady(0)).toBe(true);
    await ring.waitForReady(0, 60_000);
  });
});
