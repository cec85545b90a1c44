import { changeModel, predict, type PipelineModel } from "@millrace/loader";
import { inputLink } from "@millrace/train/compress";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** A step of 50 ms for 64 samples, a worker that makes 2,000 samples a second, four cores. */
const MODEL: PipelineModel = {
  batchSize: 64,
  numWorkers: 1,
  prefetchDepth: 2,
  cores: 4,
  prepCpuMs: 0.5,
  fetchLatencyMs: 0,
  storageBytesPerSec: undefined,
  bytesPerSample: 10_000,
  cacheFraction: 1,
  computeMs: 50,
  computeCpuMs: 0,
  scaling: [],
  batchBytes: 1e6,
};

describe("the link from a smaller model to its input", () => {
  it("says at which throughput the model waits, and how many workers it then needs", () => {
    const link = inputLink(MODEL, 0.25);
    expect(link).toMatchObject({ isInputBoundAfter: true, boundBefore: "compute", boundAfter: "prep" });
    expect(link.inputBoundAtPerSec).toBeCloseTo(2000 / 0.98, 0);
    expect(link.modelPerSec).toBeCloseTo(5120, 6);
    expect(link.afterPerSec).toBeCloseTo(2000, 6);
    expect(link.neededSetting).toEqual({ numWorkers: 3, prefetchDepth: 6 });
    expect(link.thenPerSec).toBeCloseTo(5120, 6);
    expect(link.text).toMatch(
      /input-bound at 2,041 .* could take 5,120 and gets 2,000, held up by the workers' CPU time\. It needs 3 workers/u,
    );
  });

  it("keeps the setting of a model that is still the slower part", () => {
    const link = inputLink(MODEL, 0.8);
    expect(link).toMatchObject({ isInputBoundAfter: false, neededSetting: { numWorkers: 1, prefetchDepth: 2 } });
    expect(link.text).toMatch(/takes 1,600, so the setting stays/u);
  });

  it("says why no number of workers is enough, and what would be", () => {
    const cpu = inputLink({ ...MODEL, cores: 2 }, 0.1);
    expect(cpu.neededSetting).toBeUndefined();
    expect(cpu.text).toMatch(
      /No number of workers on 2 cores feeds it: 2 workers .* 4,000 samples\/s; .*more cores or cheaper/u,
    );
    const disk = inputLink({ ...MODEL, cacheFraction: 0, storageBytesPerSec: 15e6 }, 0.25);
    expect(disk.thenPerSec).toBeCloseTo(1500, 6);
    expect(disk.text).toMatch(/held up by reading.*faster storage/u);
  });

  it("takes more workers than cores where they wait for storage", () => {
    const link = inputLink({ ...MODEL, cacheFraction: 0, fetchLatencyMs: 9.5, prefetchDepth: 8 }, 0.5);
    expect(link.neededSetting?.numWorkers).toBe(26);
  });

  it("knows of no limit where the loader has none", () => {
    const link = inputLink({ ...MODEL, prepCpuMs: 0 }, 0.01);
    expect(link).toMatchObject({ isInputBoundAfter: false, inputBoundAtPerSec: undefined });
  });

  it("agrees with predict: slower models do not wait, faster ones do, and the setting is the least that feeds them", () => {
    const models = fc.record({
      numWorkers: fc.integer({ min: 1, max: 4 }),
      cores: fc.integer({ min: 1, max: 8 }),
      prepCpuMs: fc.double({ min: 0.01, max: 5, noNaN: true }),
      fetchLatencyMs: fc.double({ min: 0, max: 5, noNaN: true }),
      computeMs: fc.double({ min: 1, max: 500, noNaN: true }),
      computeCpuMs: fc.double({ min: 0, max: 500, noNaN: true }),
      cacheFraction: fc.constantFrom(0, 0.5, 1),
      storageBytesPerSec: fc.constantFrom(undefined, 5e6, 5e7),
    });
    fc.assert(
      fc.property(models, fc.double({ min: 0.01, max: 2, noNaN: true }), (varied, ratio) => {
        const model = { ...MODEL, ...varied };
        const link = inputLink(model, ratio);
        const limit = link.inputBoundAtPerSec ?? Infinity;
        const expected = link.modelPerSec > limit;
        const isClear = Math.abs(link.modelPerSec / limit - 1) > 0.001;
        expect(link.isInputBoundAfter).toBe(isClear ? expected : link.isInputBoundAfter);
        const { numWorkers, prefetchDepth } = link.neededSetting ?? { numWorkers: 0, prefetchDepth: 0 };
        const smaller = changeModel(model, { modelFactor: ratio });
        const feeds = (workers: number): boolean => {
          const { samplesPerSec, computePerSec } = predict(
            changeModel(smaller, { numWorkers: workers, prefetchDepth }),
          );
          return samplesPerSec >= 0.98 * computePerSec;
        };
        const isNeeded = link.neededSetting !== undefined;
        expect(isNeeded && feeds(numWorkers)).toBe(isNeeded);
        expect(numWorkers > model.numWorkers && feeds(numWorkers - 1)).toBe(false);
      }),
    );
  });
});
