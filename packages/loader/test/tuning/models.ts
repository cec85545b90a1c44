import type { PipelineModel } from "@millrace/loader";
import * as fc from "fast-check";
import { expect } from "vitest";

/** Two workers on four cores, a sample of 10 ms, a step of no time. */
export const BASE: PipelineModel = {
  batchSize: 10,
  numWorkers: 2,
  prefetchDepth: 4,
  cores: 4,
  prepCpuMs: 10,
  fetchLatencyMs: 0,
  storageBytesPerSec: undefined,
  bytesPerSample: 1000,
  cacheFraction: 0,
  computeMs: 0,
  computeCpuMs: 0,
  scaling: [],
  batchBytes: 10_000,
};

/** Costs from 0 up, of which 0 is not rare. */
export const cost = (max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max, noNaN: true }));

/** Throughput by number of workers, each more than the one before. */
const scaling = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.double({ min: 0, max: 500, noNaN: true })), { maxLength: 4 })
  .map((steps) => {
    let numWorkers = 0;
    let samplesPerSec = 1;
    return steps.map(([more, rise]) => {
      numWorkers += more;
      samplesPerSec += rise;
      return { numWorkers, samplesPerSec };
    });
  });

/** Any model. */
export const model: fc.Arbitrary<PipelineModel> = fc.record({
  batchSize: fc.integer({ min: 1, max: 256 }),
  numWorkers: fc.integer({ min: 0, max: 40 }),
  prefetchDepth: fc.integer({ min: 0, max: 8 }),
  cores: fc.integer({ min: 1, max: 32 }),
  prepCpuMs: cost(100),
  fetchLatencyMs: cost(100),
  storageBytesPerSec: fc.option(fc.double({ min: 1, max: 1e10, noNaN: true }), { nil: undefined }),
  bytesPerSample: cost(1e7),
  cacheFraction: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  computeMs: cost(1000),
  computeCpuMs: cost(1000),
  computeFixedMs: cost(100),
  scaling,
  batchBytes: fc.integer({ min: 1, max: 1e9 }),
});

/** A rate is at least another, but for the rounding of sums. */
export function expectAtLeast(rate: number, least: number): void {
  expect(rate).toBeGreaterThanOrEqual(least === Infinity ? least : least * (1 - 1e-9));
}
