import {
  changeModel,
  predict,
  rankChanges,
  type Change,
  type ChangeBudget,
  type PipelineModel,
  type Prediction,
  type RankedChange,
} from "@millrace/loader";
import { count, SEED } from "@millrace/testkit";
import * as fc from "fast-check";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { BASE, expectAtLeast, model } from "./models.js";

const runs = { seed: SEED, numRuns: count(100, 2000) };

function predicted(part: Partial<PipelineModel>): Prediction {
  return predict({ ...BASE, ...part });
}

/** Changes none of which makes anything worse, and each may be left out. */
const improvement: fc.Arbitrary<Change> = fc.record(
  {
    storageFactor: fc.double({ min: 1, max: 10, noNaN: true }),
    bytesFactor: fc.double({ min: 0.1, max: 1, noNaN: true }),
    prepFactor: fc.double({ min: 0.1, max: 1, noNaN: true }),
    deviceFactor: fc.double({ min: 1, max: 10, noNaN: true }),
    modelFactor: fc.double({ min: 0.1, max: 1, noNaN: true }),
  },
  { requiredKeys: [] },
);

const names = (ranked: readonly RankedChange[]): string[] => ranked.map(({ name }) => name);

describe("predict", () => {
  it.each<[string, Partial<PipelineModel>, number, Prediction["bound"]]>([
    ["two busy workers", {}, 200, "prep"],
    ["no more busy workers than cores", { numWorkers: 9 }, 400, "prep"],
    ["a worker that is blocked as long as it works", { fetchLatencyMs: 10 }, 100, "prep"],
    ["a worker that is blocked longer", { fetchLatencyMs: 30 }, 50, "fetch"],
    ["more blocked workers than cores", { fetchLatencyMs: 30, numWorkers: 12 }, 300, "fetch"],
    ["so many of them that the cores are full", { fetchLatencyMs: 30, numWorkers: 40 }, 400, "prep"],
    ["half of the samples cached", { fetchLatencyMs: 60, cacheFraction: 0.5 }, 50, "fetch"],
    ["all of them cached", { fetchLatencyMs: 60, cacheFraction: 1, storageBytesPerSec: 1 }, 200, "prep"],
    ["a limit of storage", { storageBytesPerSec: 50_000 }, 50, "fetch"],
    ["a limit of storage that a cache lifts", { storageBytesPerSec: 50_000, cacheFraction: 0.5 }, 100, "fetch"],
    ["a limit that is not met", { storageBytesPerSec: 250_000 }, 200, "prep"],
    ["a step of a device", { computeMs: 100 }, 100, "compute"],
    ["a step that takes a core of two", { cores: 2, computeMs: 50, computeCpuMs: 50 }, 400 / 3, "prep"],
    ["a step that takes a core nobody wants", { cores: 3, computeMs: 40, computeCpuMs: 40 }, 200, "prep"],
    ["no workers: turns are taken", { numWorkers: 0, computeMs: 100 }, 50, "compute"],
    ["no workers and a slow sample", { numWorkers: 0, computeMs: 50, fetchLatencyMs: 5 }, 50, "prep"],
    ["no workers and slow storage", { numWorkers: 0, computeMs: 50, fetchLatencyMs: 15 }, 1000 / 30, "fetch"],
    ["no workers and a limit of storage", { numWorkers: 0, computeMs: 50, storageBytesPerSec: 20_000 }, 20, "fetch"],
    ["no batch in the making", { prefetchDepth: 0, computeMs: 40 }, 1000 / 9, "prep"],
    ["fewer samples in the making than workers", { batchSize: 1, prefetchDepth: 3, numWorkers: 4 }, 300, "prep"],
  ])("counts %s", (_, part, samplesPerSec, bound) => {
    const found = predicted(part);
    expect(found.samplesPerSec).toBeCloseTo(samplesPerSec, 6);
    expect(found.bound).toBe(bound);
  });

  it("tells the rates alone, which a loader that fetches and prepares in turn stays below", () => {
    expect(predicted({ fetchLatencyMs: 10, computeMs: 50, computeCpuMs: 10 })).toEqual({
      samplesPerSec: expect.closeTo(100, 6) as number,
      inputPerSec: expect.closeTo(100, 6) as number,
      fetchPerSec: 200,
      prepPerSec: 200,
      computePerSec: 200,
      bound: "prep",
      cores: { prep: expect.closeTo(1, 6) as number, compute: expect.closeTo(0.1, 6) as number },
    });
  });

  it("takes what was measured in place of the line, between the points and beyond them", () => {
    const points = [
      { numWorkers: 2, samplesPerSec: 180 },
      { numWorkers: 1, samplesPerSec: 100 },
    ];
    const found = [1, 2, 3, 4, 5].map((numWorkers) => predicted({ numWorkers, scaling: points }).samplesPerSec);
    expect(found).toEqual([100, 180, 260, 340, 340]);
    // One of two workers is blocked: the other is as fast as one alone.
    expect(predicted({ fetchLatencyMs: 10, scaling: points }).samplesPerSec).toBeCloseTo(100, 6);
  });

  it("takes turns of fetching and preparing where the measured line bends", () => {
    const bent = [
      { numWorkers: 1, samplesPerSec: 100 },
      { numWorkers: 2, samplesPerSec: 150 },
    ];
    const { samplesPerSec } = predicted({ scaling: bent, fetchLatencyMs: 4 });
    // P(2 - X z) = 100 + 50 (1 - X z) = X, so X = 150 / (1 + 50 z).
    expect(samplesPerSec).toBeCloseTo(150 / 1.2, 6);
  });

  it("is never more than the step allows and never no number, whatever costs nothing", () => {
    fc.assert(
      fc.property(model, (any) => {
        const found = predict(any);
        const { samplesPerSec, inputPerSec, fetchPerSec, prepPerSec, computePerSec, cores } = found;
        const rates = [samplesPerSec, inputPerSec, fetchPerSec, prepPerSec, computePerSec, cores.prep, cores.compute];
        for (const rate of rates) expect(rate).toBeGreaterThanOrEqual(0);
        for (const rate of [inputPerSec, fetchPerSec, prepPerSec, computePerSec]) expectAtLeast(rate, samplesPerSec);
      }),
      runs,
    );
  });

  it("does not get slower by more workers, up to the cores and beyond", () => {
    fc.assert(
      fc.property(model, fc.integer({ min: 1, max: 40 }), (any, numWorkers) => {
        const fewer = predict({ ...any, numWorkers }).samplesPerSec;
        expectAtLeast(predict({ ...any, numWorkers: numWorkers + 1 }).samplesPerSec, fewer);
      }),
      runs,
    );
  });

  it("is exactly what was measured where nothing else limits", () => {
    fc.assert(
      fc.property(model, (any) => {
        const free = { fetchLatencyMs: 0, storageBytesPerSec: undefined, computeMs: 0, computeCpuMs: 0 };
        for (const { numWorkers, samplesPerSec } of any.scaling) {
          const found = predict({ ...any, ...free, numWorkers, prefetchDepth: 2, batchSize: 64 });
          expect([found.prepPerSec, found.samplesPerSec]).toEqual([samplesPerSec, samplesPerSec]);
        }
      }),
      runs,
    );
  });

  it("runs from its own text, as in the page of a report", () => {
    const elsewhere = runInNewContext(`(${predict.toString()})`) as typeof predict;
    const change = runInNewContext(`(${changeModel.toString()})`) as typeof changeModel;
    fc.assert(
      fc.property(model, improvement, (any, better) => {
        expect(structuredClone(elsewhere(change(any, better)))).toEqual(predict(changeModel(any, better)));
      }),
      { seed: SEED, numRuns: count(20, 200) },
    );
  });
});

describe("changeModel", () => {
  it("leaves a model as it is if nothing changes", () => {
    fc.assert(
      fc.property(model, (any) => {
        const { samplesPerSec } = predict(changeModel(any, {}));
        const { samplesPerSec: before } = predict(any);
        expectAtLeast(samplesPerSec, before);
        expectAtLeast(before, samplesPerSec);
      }),
      runs,
    );
  });

  it("gains by several improvements at least what each of them gains", () => {
    fc.assert(
      fc.property(model, improvement, improvement, (any, first, second) => {
        const both = predict(changeModel(changeModel(any, first), second)).samplesPerSec;
        expectAtLeast(both, predict(changeModel(any, first)).samplesPerSec);
        expectAtLeast(both, predict(changeModel(any, second)).samplesPerSec);
      }),
      runs,
    );
  });

  it("gives a larger batch the fixed part of the step once, and more memory", () => {
    const slow = { ...BASE, computeMs: 100, computeCpuMs: 10, computeFixedMs: 60 };
    const changed = changeModel(slow, { batchSize: 20 });
    expect(changed).toMatchObject({ batchSize: 20, computeMs: 140, computeCpuMs: 14, batchBytes: 20_000 });
    expect(changeModel({ ...slow, computeFixedMs: undefined }, { batchSize: 20 }).computeMs).toBe(200);
  });

  it("lets more bytes block a worker longer unless a limit of storage accounts for them", () => {
    const slow = { ...BASE, fetchLatencyMs: 10 };
    const limited = { ...slow, storageBytesPerSec: 1e6 };
    expect(changeModel(slow, { bytesFactor: 5 })).toMatchObject({ bytesPerSample: 5000, fetchLatencyMs: 50 });
    expect(changeModel(limited, { bytesFactor: 5 })).toMatchObject({ bytesPerSample: 5000, fetchLatencyMs: 10 });
    expect(changeModel(slow, { bytesFactor: 0.5 })).toMatchObject({ bytesPerSample: 500, fetchLatencyMs: 10 });
    expect(changeModel(limited, { storageFactor: 2 })).toMatchObject({ storageBytesPerSec: 2e6, fetchLatencyMs: 5 });
  });
});

describe("rankChanges", () => {
  it("takes more workers where they are the limit, and no more than the step needs", () => {
    // The photo set of the bench: 2 ms of CPU a sample, a step of 53 ms for 64.
    const photos = { ...BASE, batchSize: 64, numWorkers: 1, cores: 2, prepCpuMs: 1.97, computeMs: 53 };
    const first = rankChanges(photos).find(({ needsHardware }) => !needsHardware);
    expect(first).toMatchObject({
      name: "workers: 1 -> 2",
      change: { numWorkers: 2 },
      needs: "option",
      needsHardware: false,
    });
    expect(first?.prediction.bound).toBe("prep");
    expect(first?.gain).toBeCloseTo(1, 6);
    expect(names(rankChanges({ ...photos, numWorkers: 2, cores: 4, prepCpuMs: 3 }))).toContain("workers: 2 -> 4");
    expect(names(rankChanges({ ...photos, cores: 16 }))).toContain("workers: 1 -> 3");
  });

  it("takes workers, and batches in the making, where loader and step take turns", () => {
    const turns = { ...BASE, numWorkers: 0, prefetchDepth: 0, cores: 2, computeMs: 50 };
    const first = rankChanges(turns).find(({ needs }) => needs === "option");
    expect(first).toMatchObject({ name: "workers: 0 -> 2", change: { numWorkers: 2, prefetchDepth: 4 } });
    // 15 ms a sample in turn; two workers of 10 ms and a step of 5 ms are as fast as each other.
    expect(first?.gain).toBeCloseTo(2, 6);
    expect(names(rankChanges({ ...BASE, prefetchDepth: 0, computeMs: 50 }))).toContain("prefetch depth: 0 -> 2");
  });

  it("takes more workers than cores only where they are blocked", () => {
    const blocked = { ...BASE, numWorkers: 4, fetchLatencyMs: 40, prepCpuMs: 10 };
    expect(rankChanges(blocked)[0]).toMatchObject({ name: "workers: 4 -> 20", gain: expect.closeTo(4, 1) as number });
    expect(names(rankChanges(blocked, { maxWorkers: 8 }))).toContain("workers: 4 -> 8");
    const limited = { ...blocked, storageBytesPerSec: 160_000 };
    expect(rankChanges(limited)[0]?.name).toBe("workers: 4 -> 8");
    expect(names(rankChanges({ ...blocked, fetchLatencyMs: 0 })).some((name) => name.startsWith("workers"))).toBe(
      false,
    );
  });

  it("keeps within the memory", () => {
    const blocked = { ...BASE, numWorkers: 2, fetchLatencyMs: 90, prepCpuMs: 10 };
    const maxMemoryBytes = 5 * 2 ** 26 + 5 * BASE.batchBytes;
    expect(names(rankChanges(blocked, { maxMemoryBytes }))).toContain("workers: 2 -> 5");
  });

  it("names what keeps the data in memory: the option where the loader allows it, or more memory", () => {
    const slow = { ...BASE, storageBytesPerSec: 50_000, cacheFraction: 0.25 };
    const kept = (budget: ChangeBudget): unknown[] =>
      rankChanges(slow, budget)
        .filter(({ change }) => change.cacheFraction !== undefined)
        .map(({ name, needs, change }) => [name, needs, change]);
    const memory = 2 * 2 ** 26 + 5 * BASE.batchBytes;
    const all = { cacheFraction: 1 };
    const option = ["data in memory: 25 % -> 100 % (readAhead: true)", "option", all];
    const hardware = ["data in memory: 25 % -> 100 % (more memory)", "hardware", all];
    expect(kept({})).toEqual([]);
    expect(kept({ datasetBytes: 1e9, maxMemoryBytes: memory + 3e9, canReadAhead: true })).toEqual([option]);
    // The system keeps by itself what fits, and no option makes it keep a part.
    expect(kept({ datasetBytes: 1e9, maxMemoryBytes: memory + 1e9, canReadAhead: false })).toEqual([]);
    expect(kept({ datasetBytes: 1e9, maxMemoryBytes: memory + 9e8, canReadAhead: false })).toEqual([hardware]);
    expect(rankChanges(BASE, { canReadAhead: true }).some(({ change }) => change.cacheFraction === 1)).toBe(false);
  });

  it("names another format only where it knows the present one, with factors that were measured", () => {
    expect(rankChanges(BASE).some(({ needs }) => needs === "conversion")).toBe(false);
    const jpeg = rankChanges(BASE, { storedAs: "jpeg" }).filter(({ needs }) => needs === "conversion");
    expect(names(jpeg)).toEqual([
      "JPEG -> pixels (mode raw)",
      "images of half the side (fewer details)",
      "JPEG -> seekable JPEG (mode seekable)",
    ]);
    expect(rankChanges(BASE, { storedAs: "raw" }).some(({ needs }) => needs === "conversion")).toBe(false);
  });

  it("says what a faster run would have to be bought with or trained in another way", () => {
    const slow = { ...BASE, computeMs: 100, computeFixedMs: 50 };
    const needs = new Map(rankChanges(slow).map(({ name, needs: kind }) => [name, kind]));
    expect(needs).toEqual(
      new Map([
        ["a model of half the work (another model)", "training"],
        ["a device that is twice as fast", "hardware"],
        ["batch size: 10 -> 20 (trains in another way)", "training"],
      ]),
    );
  });

  it("names nothing that does not gain, the best first, and no gain that is no number", () => {
    fc.assert(
      fc.property(model, (any) => {
        const gains = rankChanges(any, { storedAs: "jpeg", datasetBytes: 1e9, maxMemoryBytes: 4e9 }).map(
          ({ gain }) => gain,
        );
        for (const gain of gains) expect(gain).toBeGreaterThan(0.02);
        for (let at = 1; at < gains.length; at++) expectAtLeast((gains[at - 1] as number) + 1e-8, gains[at] as number);
      }),
      runs,
    );
  });
});
