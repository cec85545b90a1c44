import { SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Activity } from "../../dist/ring/activity.js";
import { planLayout } from "../../dist/ring/layout.js";
import { createSharedMemory, type SharedMemory } from "../../dist/ring/shared-memory.js";
import { PrivateRegion } from "../../dist/worker/private-region.js";

const layout = planLayout({ numWorkers: 2, numSlots: 1, batchSize: 1, cellBytes: [1] });

function regionsOf(memory: SharedMemory): PrivateRegion[] {
  return [0, 1].flatMap((worker) => {
    const activity = new Activity(memory, layout, worker);
    return [0, 5].map((number) => new PrivateRegion(memory, activity, number));
  });
}

describe("private regions", () => {
  it("hold what they are asked to, apart from the ring and from each other, whoever grows when", () => {
    const asks = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 300_000 })), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(asks, (list) => {
        const memory = createSharedMemory(layout.byteLength);
        const regions = regionsOf(memory);
        const places = new Map<number, [begin: number, end: number]>();
        for (const [which, bytes] of list) {
          const at = regions[which]?.ensure(bytes) ?? 0;
          places.set(which, [at, at + (regions[which]?.byteLength ?? 0)]);
          expect(at + bytes).toBeLessThanOrEqual(memory.buffer.byteLength);
        }
        const sorted = [[0, layout.byteLength], ...places.values()].toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
        for (const [i, [, end]] of sorted.entries())
          expect(sorted[i + 1]?.[0] ?? Infinity).toBeGreaterThanOrEqual(end ?? 0);
      }),
      { seed: SEED, numRuns: 20 },
    );
  });

  it("stay for the worker's successor, and at least double when they grow", () => {
    const memory = createSharedMemory(layout.byteLength);
    const at = regionsOf(memory)[2]?.ensure(100_000);
    const pages = memory.buffer.byteLength;
    const successor = regionsOf(memory)[2] as PrivateRegion;
    expect([successor.ensure(50_000), memory.buffer.byteLength]).toEqual([at, pages]);
    const before = successor.byteLength;
    successor.ensure(before);
    expect(successor.byteLength).toBeGreaterThanOrEqual(2 * before);
  });
});
