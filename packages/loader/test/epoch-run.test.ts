import { errorToData, SampleError } from "@millrace/formats";
import { bindOrder, shuffle } from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EpochRun } from "../dist/epoch-run.js";
import { planRank, rankPosition, type RankPlanOptions } from "../dist/order/rank.js";
import { cellAt, planLayout, type RingLayout } from "../dist/ring/layout.js";
import { Ring, SAMPLE_STATE, type Claim } from "../dist/ring/ring.js";
import type { SharedMemory } from "../dist/ring/shared-memory.js";
import type { Crew } from "../dist/worker/crew.js";
import type { BadSample } from "../dist/worker/protocol.js";

/** Bytes of a memory that has room for two slots, of batches of up to 9 samples of one byte. */
const TWO_SLOTS = 89_600;

function bytesOf(ring: Ring, slot: number): Uint8Array {
  return new Uint8Array(ring.memoryOf(slot).buffer);
}

/** Plain buffers: thousands of WebAssembly memories would use up the address space before they are collected. */
function layoutMemories({ numMemories, memoryBytes }: RingLayout): SharedMemory[] {
  return Array.from({ length: numMemories }, () => ({ buffer: new SharedArrayBuffer(memoryBytes), grow: () => 0 }));
}

/** Makes each sample of one byte, its number, in this thread, for as many slots as there are; some are bad. */
class SimpleCrew implements Crew {
  readonly isClosed = false;
  #bad: BadSample[] = [];

  constructor(
    readonly ring: Ring,
    readonly isBad: (sample: number) => boolean,
    readonly run: number,
  ) {}

  start(): void {}

  untilReady(): Promise<void> {
    const claim: Claim = { slot: 0, cell: 0, count: 0, epoch: 0 };
    while (this.ring.claim(this.run, claim)) {
      let bad = 0;
      for (let cell = claim.cell; cell < claim.cell + claim.count; cell++) {
        const sample = this.ring.samples(claim.slot)[cell] as number;
        bytesOf(this.ring, claim.slot)[cellAt(this.ring.layout, claim.slot, 0, cell)] = sample;
        this.ring.states(claim.slot)[cell] = this.isBad(sample) ? SAMPLE_STATE.bad : SAMPLE_STATE.good;
        if (!this.isBad(sample)) continue;
        bad++;
        const error = errorToData(new SampleError({ problem: `sample ${sample} is bad` }));
        this.#bad.push({ slot: claim.slot, cell, error });
      }
      this.ring.finish(claim, bad, 0);
    }
    return Promise.resolve();
  }

  takeBad(): BadSample[] {
    return this.#bad.splice(0);
  }

  dropBad(slot: number): void {
    this.#bad = this.#bad.filter((bad) => bad.slot !== slot);
  }

  interrupt(): void {}

  rest(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Case {
  readonly length: number;
  readonly batchSize: number;
  readonly numSlots: number;
  readonly dropLast: boolean;
  readonly worldSize: number;
  readonly bad: readonly number[];
  readonly run: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  length: fc.integer({ min: 1, max: 60 }),
  batchSize: fc.integer({ min: 1, max: 9 }),
  numSlots: fc.integer({ min: 1, max: 5 }),
  dropLast: fc.boolean(),
  worldSize: fc.integer({ min: 1, max: 3 }),
  bad: fc.uniqueArray(fc.nat(59), { maxLength: 30 }),
  run: fc.integer({ min: 1, max: 4 }),
});

const EPOCH = 4;

function begin(c: Case, rank: RankPlanOptions, skipped: number[], onBadSample: "skip" | "fail" = "skip"): EpochRun {
  const layout = planLayout({
    numWorkers: 1,
    numSlots: c.numSlots,
    batchSize: c.batchSize,
    cellBytes: [1],
    maxMemoryBytes: TWO_SLOTS,
  });
  const ring = new Ring(layoutMemories(layout), layout);
  ring.reset();
  const crew = new SimpleCrew(ring, (sample) => c.bad.includes(sample), c.run);
  const onSkip = ({ sample }: { sample: number }): void => void skipped.push(sample);
  const order = bindOrder(shuffle({ seed: 5 }), c.length);
  return new EpochRun({ ring, crew, order, epoch: EPOCH, rank, dropLast: c.dropLast, onBadSample, onSkip });
}

/** The batches of a run as their sample numbers, checked against the cells, and where it stood after each. */
async function play(run: EpochRun): Promise<{ batches: number[][]; standing: [position: number, skipped: number][] }> {
  const { ring } = run.options;
  const batches: number[][] = [];
  const standing: [number, number][] = [];
  for (let ready = await run.take(); ready !== undefined; ready = await run.take()) {
    const samples = [...ring.samples(ready.slot).subarray(0, ready.size)];
    const at = cellAt(ring.layout, ready.slot, 0, 0);
    expect([...bytesOf(ring, ready.slot).subarray(at, at + ready.size)]).toEqual(samples);
    batches.push(samples);
    standing.push([run.position, run.skipped]);
    run.release();
  }
  return { batches, standing };
}

/** What should come out: the good samples of the rank's positions, in their order, cut into batches. */
function expectedOf(c: Case, rank: RankPlanOptions): { batches: number[][]; skipped: number[] } {
  const order = bindOrder(shuffle({ seed: 5 }), c.length);
  const plan = planRank(rank);
  const good: number[] = [];
  const skipped: number[] = [];
  for (let i = 0; i < plan.positions && good.length < plan.samples; i++) {
    const sample = order.at(EPOCH, rankPosition(rank, i));
    (c.bad.includes(sample) ? skipped : good).push(sample);
  }
  const batches: number[][] = [];
  for (let at = 0; at < good.length; at += c.batchSize) batches.push(good.slice(at, at + c.batchSize));
  return { batches: batches.filter((batch) => !c.dropLast || batch.length === c.batchSize), skipped };
}

const rankOf = (c: Case, start: number, skipped: number): RankPlanOptions => {
  const { length, worldSize, dropLast } = c;
  return { length, start, skipped, worldSize, dropLast, rank: worldSize - 1 };
};

describe("an epoch with bad samples", () => {
  it("delivers the good samples of the rank's positions in their order, for any number of slots, in one memory or more", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (c) => {
        const rank = rankOf(c, 0, 0);
        const expected = expectedOf(c, rank);
        fc.pre(expected.batches.length > 0);
        const skipped: number[] = [];
        expect((await play(begin(c, rank, skipped))).batches).toEqual(expected.batches);
        expect(skipped).toEqual(expected.skipped.slice(0, skipped.length));
        expect(c.dropLast || skipped.length === expected.skipped.length).toBe(true);
      }),
      { numRuns: count(300, 3000), seed: SEED },
    );
  });

  it("can be left after any batch and gone on with, and nothing changes", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (c) => {
        fc.pre(expectedOf(c, rankOf(c, 0, 0)).batches.length > 0);
        const whole = await play(begin(c, rankOf(c, 0, 0), []));
        for (const [step, [position, skipped]] of whole.standing.slice(0, -1).entries()) {
          const rest = await play(begin({ ...c, numSlots: 2 }, rankOf(c, position, skipped), []));
          expect(rest.batches).toEqual(whole.batches.slice(step + 1));
        }
      }),
      { numRuns: count(100, 1000), seed: SEED },
    );
  });

  it("fails at the batch of the first bad sample, with its error, and delivers those before", async () => {
    const c: Case = { length: 40, batchSize: 4, numSlots: 3, dropLast: false, worldSize: 1, bad: [7, 20], run: 3 };
    const order = bindOrder(shuffle({ seed: 5 }), 40);
    const first = Array.from({ length: 40 }, (_, i) => order.at(EPOCH, i)).findIndex((sample) =>
      c.bad.includes(sample),
    );
    const run = begin(c, rankOf(c, 0, 0), [], "fail");
    for (let batch = 0; batch < Math.floor(first / 4); batch++) {
      expect(await run.take()).toMatchObject({ size: 4 });
      run.release();
    }
    await expect(run.take()).rejects.toThrow(`sample ${order.at(EPOCH, first)} is bad`);
  });

  it("says so where every sample is bad", async () => {
    const bad = Array.from({ length: 10 }, (_, i) => i);
    const c: Case = { length: 10, batchSize: 4, numSlots: 2, dropLast: false, worldSize: 1, bad, run: 3 };
    await expect(play(begin(c, rankOf(c, 0, 0), []))).rejects.toThrow(/none of the 10 samples/u);
  });
});
