import { changeModel, predict, rankChanges, type Change, type PipelineModel } from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BASE, cost, expectAtLeast, model } from "./models.js";

const runs = { seed: SEED, numRuns: count(100, 2000) };

const names = (any: PipelineModel, maxMemoryBytes?: number): string[] =>
  rankChanges(any, { maxMemoryBytes }).map(({ name }) => name);

/** Points as workers make them that cost nothing but `prepMs` of CPU time a sample, on so many cores. */
function pointsOf(counts: readonly number[], cores: number, prepMs: number): PipelineModel["scaling"] {
  return counts.map((numWorkers) => ({ numWorkers, samplesPerSec: (Math.min(numWorkers, cores) * 1000) / prepMs }));
}

/** What a model predicts, rounded, for each of the changes. */
function ratesOf(any: PipelineModel, changes: readonly Change[]): number[] {
  return changes.map((change) => Math.round(predict(changeModel(any, change)).samplesPerSec));
}

describe("predict and changeModel with measured points", () => {
  it.each([[[]], [[4]], [[1, 2, 4]], [[1, 2, 4, 8]]])(
    "takes workers on fewer cores for slower, points %j",
    (counts) => {
      const four = { ...BASE, numWorkers: 4, prepCpuMs: 2, scaling: pointsOf(counts, 4, 2) };
      expect(ratesOf(four, [{}, { cores: 3 }, { cores: 2 }, { cores: 1 }])).toEqual([2000, 1500, 1000, 500]);
    },
  );

  it.each([[[]], [[4]], [[2, 4]], [[1, 2, 3, 4]]])("knows what more cores bring to workers, points %j", (counts) => {
    const two = { ...BASE, numWorkers: 4, cores: 2, prepCpuMs: 2, scaling: pointsOf(counts, 2, 2) };
    expect(ratesOf(two, [{}, { cores: 4 }, { cores: 8, numWorkers: 8 }])).toEqual([1000, 2000, 4000]);
    expect(names(two)).toContain("cores: 2 -> 4, and as many workers");
  });

  it("keeps all cores busy by blocked workers, if there are enough of them", () => {
    const eight = { ...BASE, numWorkers: 8, prepCpuMs: 4, fetchLatencyMs: 4, scaling: pointsOf([8], 4, 4) };
    expect(ratesOf(eight, [{}, { numWorkers: 4 }, { storageFactor: 0.25 }])).toEqual([1000, 500, 400]);
  });

  it("takes of several points beyond the cores the one of that number of workers, or of the next more", () => {
    const points = [2, 4, 8].map((numWorkers) => ({ numWorkers, samplesPerSec: 100 + numWorkers }));
    const two = { ...BASE, cores: 2, scaling: points };
    const changes = [2, 3, 4, 6, 8, 9].map((numWorkers) => ({ numWorkers }));
    expect(ratesOf(two, changes)).toEqual([102, 104, 104, 108, 108, 108]);
  });

  it("is not slower by more cores, whichever number of workers was fastest on fewer", () => {
    const scaling = [100, 180, 150].map((samplesPerSec, at) => ({ numWorkers: 2 ** at, samplesPerSec }));
    const two = { ...BASE, cores: 2, numWorkers: 4, scaling };
    expect(ratesOf(two, [{ numWorkers: 2 }, { numWorkers: 2, cores: 4 }])).toEqual([180, 180]);
    const four = changeModel(two, { cores: 4 });
    expect(ratesOf(four, [{ numWorkers: 2 }])).toEqual([180]);
  });

  it("proposes no more memory for data of which the size is not known", () => {
    expect(names(BASE, 1).join()).not.toContain("more memory");
  });

  it("equals the closed form for any other workers, cores, latency and work", () => {
    const number = fc.integer({ min: 1, max: 40 });
    const time = fc.double({ min: 0.01, max: 100, noNaN: true });
    const parts = fc.record({
      counts: fc.uniqueArray(number, { maxLength: 5 }),
      cores: number,
      prepCpuMs: time,
      fetchLatencyMs: cost(100),
      numWorkers: number,
    });
    const factor = fc.double({ min: 0.1, max: 10, noNaN: true });
    const changes = fc.record(
      { numWorkers: number, cores: number, storageFactor: factor, prepFactor: factor },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(parts, changes, changes, ({ counts, ...part }, first, second) => {
        const measured = { ...BASE, ...part, batchSize: 64, scaling: pointsOf(counts, part.cores, part.prepCpuMs) };
        const changed = changeModel(changeModel(measured, first), second);
        const { numWorkers, cores, fetchLatencyMs, prepCpuMs } = changed;
        const expected = Math.min((numWorkers * 1000) / (fetchLatencyMs + prepCpuMs), (cores * 1000) / prepCpuMs);
        const found = predict(changed).samplesPerSec;
        expectAtLeast(found, expected);
        expectAtLeast(expected, found);
      }),
      runs,
    );
  });

  it("does not get slower by more cores", () => {
    fc.assert(
      fc.property(model, fc.integer({ min: 1, max: 40 }), (any, cores) => {
        const fewer = predict(changeModel(any, { cores })).samplesPerSec;
        expectAtLeast(predict(changeModel(any, { cores: cores + 1 })).samplesPerSec, fewer);
      }),
      runs,
    );
  });
});
