import type { Field } from "@millrace/formats";
import { resize, type Transform } from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { planFields } from "../dist/fields.js";
import { planRing, type RingPlan } from "../dist/ring-plan.js";

function plan(
  field: Field,
  transforms: Transform[],
  batchSize: number,
  numWorkers: number,
  prefetchDepth?: number,
): RingPlan {
  const schema = { fields: [field] };
  const fields = planFields({ schema, names: undefined, transforms, statistics: undefined, textBytes: new Map() });
  return planRing({ fields, batchSize, numWorkers, prefetchDepth });
}

const small: Field = { name: "image", kind: "tensor", dtype: "uint8", shape: [8, 8, 3] };
const large: Field = { name: "image", kind: "tensor", dtype: "float32", shape: [1024, 1024, 4] };
const jpeg: Field = { name: "image", kind: "bytes", encoding: "jpeg" };

describe("planRing", () => {
  it("keeps two batches a worker in the making, from 2 to 8, and one slot more for the consumer", () => {
    const depths = [1, 2, 3, 8, 64].map((workers) => plan(small, [], 64, workers).prefetchDepth);
    expect(depths).toEqual([2, 4, 6, 8, 8]);
    expect(plan(small, [], 64, 2).layout.numSlots).toBe(5);
    expect(plan(small, [], 64, 2, 1).layout.numSlots).toBe(2);
  });

  it("makes one batch at a time without workers", () => {
    expect(plan(small, [], 64, 0)).toMatchObject({ prefetchDepth: 0, layout: { numSlots: 1, numWorkers: 0 } });
  });

  it("keeps fewer batches that are large, unless more are asked for, then in several memories", () => {
    expect(plan(large, [], 16, 4).prefetchDepth).toBe(3);
    expect(plan(large, [], 64, 4, 2).prefetchDepth).toBe(2);
    expect(plan(large, [], 64, 4, 4).layout).toMatchObject({ numSlots: 5, numMemories: 3, slotsPerMemory: 2 });
  });

  it("lets a worker take several samples at a time, and lets all workers share a batch", () => {
    expect([1, 2, 4, 64].map((workers) => plan(small, [], 64, workers).runLength)).toEqual([16, 8, 4, 1]);
    expect(plan(small, [], 1024, 1).runLength).toBe(16);
    expect(plan(jpeg, [resize(8)], 1024, 1).runLength).toBe(4);
  });
});
