import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Activity, createSnapshot, STAGE_OF, type Stage } from "../../dist/ring/activity.js";
import { planLayout } from "../../dist/ring/layout.js";
import { Interleaver } from "./interleaver.js";

function createActivity(): Activity {
  const layout = planLayout({ numWorkers: 2, numSlots: 1, batchSize: 1, cellBytes: [1] });
  return new Activity({ buffer: new SharedArrayBuffer(layout.byteLength), grow: () => 0 }, layout, 1);
}

const stays = fc.array(fc.record({ stage: fc.constantFrom<Stage>(1, 2, 3), ms: fc.integer({ min: 0, max: 1000 }) }), {
  minLength: 1,
  maxLength: 30,
});

describe("the activity of a worker", () => {
  it("adds up to the time that passed, stage by stage, the present one included", () => {
    fc.assert(
      fc.property(stays, (list) => {
        const activity = createActivity();
        const sums = new Map<Stage, number>([1, 2, 3].map((stage) => [stage as Stage, 0]));
        let now = 500;
        for (const { stage, ms } of list) {
          activity.enter(stage, now, 7);
          now += ms;
          sums.set(stage, (sums.get(stage) ?? 0) + ms);
        }
        const snapshot = createSnapshot();
        expect(activity.read(now, snapshot)).toBe(true);
        expect([snapshot.idleMs, snapshot.fetchMs, snapshot.prepMs]).toEqual([...sums.values()]);
        expect(snapshot).toMatchObject({ stage: list.at(-1)?.stage, sample: 7 });
      }),
      { seed: SEED },
    );
  });

  it("is never read half written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), (pause) => {
        const activity = createActivity();
        activity.enter(STAGE_OF.fetch, 0, 1);
        activity.enter(STAGE_OF.prep, 10, 2);
        const snapshot = createSnapshot();
        // The writer changes to another stage between any two steps of the reader.
        const interleaver = new Interleaver([pause], () => activity.enter(STAGE_OF.idle, 30, 3));
        const isRead = activity.read(40, snapshot);
        interleaver.remove();
        expect(isRead).toBe(true);
        expect(snapshot.fetchMs + snapshot.prepMs + snapshot.idleMs).toBe(40);
        expect([10, snapshot.stage === STAGE_OF.idle ? 20 : 30]).toEqual([snapshot.fetchMs, snapshot.prepMs]);
      }),
      { seed: SEED },
    );
  });

  it("goes on to another sample in the same stage", () => {
    const activity = createActivity();
    const snapshot = createSnapshot();
    activity.enter(STAGE_OF.fetch, 100, 1);
    activity.setSample(2);
    expect(activity.read(150, snapshot)).toBe(true);
    expect(snapshot).toMatchObject({ stage: STAGE_OF.fetch, since: 100, sample: 2, fetchMs: 50 });
  });

  it("does not grow while the worker is off, and is put in order after its thread has died", () => {
    const activity = createActivity();
    const snapshot = createSnapshot();
    activity.enter(STAGE_OF.fetch, 100, 1);
    activity.recover(150);
    activity.recover(170);
    activity.read(1000, snapshot);
    expect(snapshot).toMatchObject({ fetchMs: 50, prepMs: 0, idleMs: 0, stage: STAGE_OF.off });
  });

  it("keeps where the worker's regions lie", () => {
    const activity = createActivity();
    expect(activity.region(3)).toEqual({ offset: 0, byteLength: 0 });
    activity.setRegion(3, 3_000_000_000, 65_536);
    expect(activity.region(3)).toEqual({ offset: 3_000_000_000, byteLength: 65_536 });
  });
});
