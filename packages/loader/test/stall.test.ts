import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Activity, STAGE_OF } from "../dist/ring/activity.js";
import { planLayout } from "../dist/ring/layout.js";
import { divideStall, StallMeter } from "../dist/stall.js";

describe("divideStall", () => {
  it("divides without rest, in the proportion of what the workers did", () => {
    const ms = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(ms, ms, ms, (stallMs, fetchMs, prepMs) => {
        const stall = divideStall(stallMs, fetchMs, prepMs);
        expect(stall.fetchStallMs + stall.prepStallMs).toBeCloseTo(stallMs, 6);
        const fraction = fetchMs + prepMs > 0 ? fetchMs / (fetchMs + prepMs) : 0;
        expect(stall.fetchStallMs).toBeCloseTo(stallMs * fraction, 6);
      }),
      { seed: SEED },
    );
  });

  it("makes no part negative, however its rounding falls", () => {
    const ms = fc.double({ min: 0, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(ms, ms, ms, (stallMs, fetchMs, prepMs) => {
        const stall = divideStall(stallMs, fetchMs, prepMs);
        expect(Math.min(stall.fetchStallMs, stall.prepStallMs)).toBeGreaterThanOrEqual(0);
      }),
      { seed: SEED, numRuns: count(5000, 100_000) },
    );
  });

  it("counts a stall in which no worker worked as preparation", () => {
    expect(divideStall(10, 0, 0)).toEqual({ stallMs: 10, fetchStallMs: 0, prepStallMs: 10 });
  });
});

/** Workers whose doing is told by hand, and a meter that watches them. */
function createScene(numWorkers = 1) {
  const layout = planLayout({ numWorkers, numSlots: 1, batchSize: 1, cellBytes: [1] });
  const memory = { buffer: new SharedArrayBuffer(layout.byteLength), grow: () => 0 };
  const workers = Array.from({ length: numWorkers }, (_, worker) => new Activity(memory, layout, worker));
  return { workers, worker: workers[0] as Activity, meter: new StallMeter(workers) };
}

/** A worker that fetches until `readMs` and prepares from there on. */
function fetchThenPrepare(worker: Activity, startMs: number, readMs: number): void {
  worker.enter(STAGE_OF.fetch, startMs, 0);
  worker.enter(STAGE_OF.prep, readMs, 0);
}

describe("the meter of stalls", () => {
  it("divides the first stall by what the workers did during it", () => {
    const { worker, meter } = createScene();
    worker.enter(STAGE_OF.fetch, 0, 0);
    meter.begin(0, 10);
    worker.enter(STAGE_OF.prep, 16, 0);
    expect(meter.end(20, 10)).toEqual({ stallMs: 10, fetchStallMs: 6, prepStallMs: 4 });
  });

  it("divides a stall that follows another by what the workers did since the batch before came", () => {
    const { worker, meter } = createScene();
    fetchThenPrepare(worker, 0, 60);
    meter.begin(0, 50);
    meter.end(80, 30);
    // The next batch is fetched while the step computes; what is left for the stall is preparation alone.
    fetchThenPrepare(worker, 80, 140);
    meter.begin(1, 150);
    expect(meter.end(160, 10)).toEqual({ stallMs: 10, fetchStallMs: 7.5, prepStallMs: 2.5 });
  });

  it("divides a stall after batches that were there by what the workers did during it", () => {
    const { worker, meter } = createScene();
    fetchThenPrepare(worker, 0, 60);
    meter.begin(0, 50);
    meter.end(80, 30);
    // Batch 1 was there.
    fetchThenPrepare(worker, 80, 140);
    meter.begin(2, 150);
    expect(meter.end(160, 10)).toEqual({ stallMs: 10, fetchStallMs: 0, prepStallMs: 10 });
  });

  it("divides the first stall of another epoch by what the workers did during it", () => {
    const { worker, meter } = createScene();
    fetchThenPrepare(worker, 0, 60);
    meter.begin(0, 50);
    meter.end(80, 30);
    meter.forget();
    fetchThenPrepare(worker, 80, 140);
    meter.begin(1, 150);
    expect(meter.end(160, 10)).toMatchObject({ fetchStallMs: 0, prepStallMs: 10 });
  });

  it("does not count the time in which a worker waits for room", () => {
    const { worker, meter } = createScene();
    meter.begin(0, 0);
    meter.end(10, 10);
    worker.enter(STAGE_OF.idle, 10, -1);
    worker.enter(STAGE_OF.fetch, 100, 0);
    worker.enter(STAGE_OF.prep, 101, 0);
    meter.begin(1, 102);
    expect(meter.end(104, 2)).toEqual({ stallMs: 2, fetchStallMs: 0.5, prepStallMs: 1.5 });
  });

  it("finds the shares of workers that fetch and prepare without a pause, wherever in their round the step waits", () => {
    const ms = fc.integer({ min: 1, max: 50 });
    const scene = fc.record({ fetchMs: ms, prepMs: ms, rounds: fc.integer({ min: 1, max: 4 }), computeMs: ms });
    fc.assert(
      fc.property(scene, ({ fetchMs, prepMs, rounds, computeMs }) => {
        const { worker, meter } = createScene();
        const roundMs = fetchMs + prepMs;
        const batchMs = rounds * roundMs;
        const stalls = [];
        for (let batch = 0; batch < 4; batch++) {
          const beginMs = batch * batchMs + Math.min(computeMs, batchMs - 1);
          let hasBegun = false;
          const begin = (untilMs: number): void => {
            if (!hasBegun && beginMs < untilMs) meter.begin(batch, beginMs);
            hasBegun ||= beginMs < untilMs;
          };
          for (let round = 0; round < rounds; round++) {
            const startMs = batch * batchMs + round * roundMs;
            worker.enter(STAGE_OF.fetch, startMs, 0);
            begin(startMs + fetchMs);
            worker.enter(STAGE_OF.prep, startMs + fetchMs, 0);
            begin(startMs + roundMs);
          }
          const endMs = (batch + 1) * batchMs;
          stalls.push(meter.end(endMs, endMs - beginMs));
        }
        for (const { stallMs, fetchStallMs } of stalls.slice(1))
          expect(fetchStallMs / stallMs).toBeCloseTo(fetchMs / roundMs, 9);
      }),
      { seed: SEED },
    );
  });

  it("adds up what several workers did", () => {
    const { workers, meter } = createScene(2);
    const [one, other] = workers as [Activity, Activity];
    meter.begin(0, 0);
    one.enter(STAGE_OF.fetch, 0, 0);
    other.enter(STAGE_OF.prep, 5, 1);
    expect(meter.end(10, 9)).toEqual({ stallMs: 9, fetchStallMs: 6, prepStallMs: 3 });
  });
});
