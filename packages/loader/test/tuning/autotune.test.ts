import { isMillraceError } from "@millrace/formats";
import { openLoader, shuffle, type LoaderOptions, type LoaderStats } from "@millrace/loader";
import { describe, expect, it } from "vitest";
import { chooseSetting, MOST_WORKERS, type SettingBudget } from "../../dist/tuning/choose-setting.js";
import { fitTrials } from "../../dist/tuning/fit-trials.js";
import { predict } from "../../dist/tuning/predict.js";
import { runTrial, type Trial, type TrialLoader } from "../../dist/tuning/trial.js";
import { tunedText } from "../../dist/tuning/tuned-text.js";
import { linesOf } from "../batch-log.js";
import { makeDataset } from "../make-dataset.js";
import { transformOf } from "../make-transform.js";

const KNOWN = {
  batchSize: 64,
  numWorkers: 1,
  prefetchDepth: 2,
  cores: 3,
  bytesPerSample: 100_000,
  batchBytes: 1_000_000,
};
const ROOMY: SettingBudget = { maxMemoryBytes: 2 ** 40, maxRingBytes: 2 ** 40 };

function trialOf(part: Partial<Trial>): Trial {
  return { numWorkers: 1, samples: 100, wallMs: 400, fetchMs: 0, prepMs: 0, cpuMs: 0, ...part };
}

describe("fitTrials", () => {
  it("counts as blocked what fetch took beyond its CPU time", () => {
    const model = fitTrials(KNOWN, trialOf({ fetchMs: 5, prepMs: 3, cpuMs: 4 }), undefined);
    expect(model).toMatchObject({ prepCpuMs: 4, fetchLatencyMs: 4, storageBytesPerSec: undefined });
    expect(predict(model).inputPerSec).toBeCloseTo(125, 6);
  });

  it("does not count a busy machine as storage: prep that took longer than its CPU time", () => {
    const model = fitTrials(KNOWN, trialOf({ fetchMs: 0.1, prepMs: 9, cpuMs: 4 }), undefined);
    expect(model).toMatchObject({ prepCpuMs: 4, fetchLatencyMs: 0.1 });
  });

  it("finds a limit of storage where several workers are blocked longer for a sample than one", () => {
    // 10 MB/s are 100 samples/s: alone a worker is blocked for what is missing to 10 ms, four of them to 40 ms.
    const alone = trialOf({ fetchMs: 8, prepMs: 2, cpuMs: 2 });
    const limited = fitTrials(KNOWN, alone, trialOf({ numWorkers: 4, fetchMs: 38, prepMs: 2, cpuMs: 2 }));
    expect(limited.storageBytesPerSec).toBeCloseTo(1e7, 0);
    expect(chooseSetting(limited, ROOMY)).toMatchObject({ numWorkers: 1, limit: "enough" });
    const cold = fitTrials(KNOWN, alone, trialOf({ numWorkers: 4, fetchMs: 34, prepMs: 6, cpuMs: 6 }));
    expect(cold.storageBytesPerSec).toBeCloseTo(1e7, 0);
    const short = fitTrials(KNOWN, alone, trialOf({ numWorkers: 4, wallMs: 150, fetchMs: 38, prepMs: 2, cpuMs: 2 }));
    expect(short.storageBytesPerSec).toBeUndefined();
    const free = fitTrials(KNOWN, alone, trialOf({ numWorkers: 4, fetchMs: 12, prepMs: 2, cpuMs: 2 }));
    expect(free.storageBytesPerSec).toBeUndefined();
    expect(chooseSetting(free, ROOMY).numWorkers).toBe(15);
  });
});

describe("chooseSetting", () => {
  const heavy = fitTrials(KNOWN, trialOf({ prepMs: 10, cpuMs: 10 }), undefined);
  const blocked = fitTrials(KNOWN, trialOf({ fetchMs: 90, prepMs: 10, cpuMs: 10 }), undefined);

  it("takes a worker for each core that is left where samples cost CPU time, more where they cost waiting", () => {
    expect(chooseSetting(heavy, ROOMY)).toMatchObject({ numWorkers: 3, prefetchDepth: 6, limit: "enough" });
    expect(chooseSetting(blocked, ROOMY)).toMatchObject({ numWorkers: 29, prefetchDepth: 8, limit: "enough" });
    const slow = { ...blocked, fetchLatencyMs: 900 };
    expect(chooseSetting(slow, ROOMY)).toMatchObject({ numWorkers: MOST_WORKERS, limit: "most" });
  });

  it("keeps within the memory, with two batches in the making if it can, one if not", () => {
    const six = { ...ROOMY, maxMemoryBytes: 6 * 2 ** 26 + 3e6 };
    expect(chooseSetting(blocked, six)).toMatchObject({ numWorkers: 6, prefetchDepth: 2, limit: "memory" });
    const one = { ...ROOMY, maxMemoryBytes: 2 ** 26 + 2e6 };
    expect(chooseSetting(blocked, one)).toMatchObject({ numWorkers: 1, prefetchDepth: 1, memoryBytes: 2 ** 26 + 2e6 });
    expect(chooseSetting(heavy, { ...ROOMY, maxRingBytes: 4.5e6 }).prefetchDepth).toBe(3);
  });

  it("leaves what the caller has said", () => {
    expect(chooseSetting(blocked, { ...ROOMY, numWorkers: 5 })).toMatchObject({ numWorkers: 5, prefetchDepth: 8 });
    expect(chooseSetting(heavy, { ...ROOMY, prefetchDepth: 11 })).toMatchObject({ numWorkers: 3, prefetchDepth: 11 });
  });
});

/**
 * A loader that runs the clock itself: each batch of 4 takes 10 ms, the first 500 ms.
 * @param cpuOf - CPU time of a sample, by its number.
 */
function createTried(
  batchesOfEpoch: number,
  cpuOf: (sample: number) => number = () => 0.5,
  numWorkers = 1,
): TrialLoader & { now: () => number } {
  let [batches, now, samples, cpuMs] = [0, 1000, 0, 400];
  async function* epoch(): AsyncGenerator<{ stall: { stallMs: number; fetchStallMs: number; prepStallMs: number } }> {
    for (let at = 0; at < batchesOfEpoch; at++) {
      const stallMs = batches++ === 0 ? 500 : 10;
      now += stallMs;
      for (let n = 0; n < 4; n++) cpuMs += cpuOf(samples++);
      yield await Promise.resolve({ stall: { stallMs, fetchStallMs: 0, prepStallMs: stallMs } });
    }
  }
  const stats = (): LoaderStats => ({
    batches,
    samples,
    bytes: 0,
    skippedSamples: 0,
    wallMs: now - 1000,
    samplesPerSec: 0,
    stallMs: 0,
    fetchStallMs: 0,
    prepStallMs: 0,
    occupancyFraction: 0,
    stages: { fetchMs: 2 * samples, prepMs: 500 + samples, idleMs: 0 },
    readBytes: 0,
    workerCpuMs: cpuMs,
    injected: { fetchMs: 0, prepMs: 0, prepCpuMs: 0 },
    numWorkers,
    deadWorkers: 0,
    cpuFraction: 0,
    decoder: undefined,
  });
  return { now: () => now, stats, [Symbol.asyncIterator]: epoch };
}

const costMs = ({ cpuMs }: Trial): number => cpuMs;

describe("runTrial", () => {
  it.each([3, 100])("counts what a sample costs without the start, over epochs of %i batches", async (batches) => {
    const tried = createTried(batches);
    const trial = await runTrial(tried, tried, { costMs, untilMs: () => 3000, latestMs: 3000 });
    expect(trial).toEqual({ numWorkers: 1, samples: 128, wallMs: 320, fetchMs: 2, prepMs: 1, cpuMs: 0.5 });
  });

  it("does not count what samples cost before their code is compiled, or one in a hundred", async () => {
    const limits = { costMs, untilMs: () => 9000, latestMs: 9000 };
    const cold = createTried(200, (sample) => (sample < 90 ? 3 : 1) + (sample === 150 ? 80 : 0));
    expect(await runTrial(cold, cold, limits)).toMatchObject({ samples: 128, cpuMs: 1 });
    // A few percent more or less are steady; what never is ends after 384 samples, and the cheaper of the last two blocks counts.
    const rough = createTried(200, (sample) => 1 + 0.04 * (Math.floor((sample - 4) / 64) % 2));
    expect(await runTrial(rough, rough, limits)).toMatchObject({
      samples: 128,
      cpuMs: expect.closeTo(1.02, 6) as number,
    });
    const never = createTried(200, (sample) => 2 ** Math.floor((sample - 4) / 64));
    expect(await runTrial(never, never, limits)).toMatchObject({ samples: 64, cpuMs: 16 });
    expect(never.stats().samples).toBe(4 + 6 * 64);
  });

  it("does not count the first four samples of each worker", async () => {
    const four = createTried(200, (sample) => (sample < 16 ? 90 : 1), 4);
    const trial = await runTrial(four, four, { costMs, untilMs: () => 0, latestMs: 2000 });
    expect(trial).toMatchObject({ numWorkers: 4, samples: 16, cpuMs: 1 });
  });

  it("counts the last or the cheaper samples where the time is over before they are steady", async () => {
    const once = createTried(200, (sample) => (sample === 105 ? 80 : 1));
    const first = await runTrial(once, once, { costMs, untilMs: () => 1850, latestMs: 2000 });
    expect(first).toMatchObject({ samples: 64, cpuMs: 1 });
    const slow = createTried(200, (sample) => (sample < 68 ? 3 : 1));
    const trial = await runTrial(slow, slow, { costMs, untilMs: () => 1900, latestMs: 2000 });
    expect(trial).toMatchObject({ samples: 96, cpuMs: 1 });
  });

  it("ends when the time is over, if samples are slow", async () => {
    const tried = createTried(100);
    expect(await runTrial(tried, tried, { costMs, untilMs: () => 1550, latestMs: 2000 })).toMatchObject({
      samples: 20,
      wallMs: 50,
    });
    const slower = createTried(100);
    expect(await runTrial(slower, slower, { costMs, untilMs: () => 1000, latestMs: 2000 })).toMatchObject({
      samples: 16,
      wallMs: 40,
    });
    const asked: Trial[] = [];
    const waits = createTried(100);
    const untilMs = (soFar: Trial): number => (asked.push(soFar), soFar.samples < 24 ? 9000 : 0);
    expect(await runTrial(waits, waits, { costMs, untilMs, latestMs: 2000 })).toMatchObject({ samples: 24 });
    expect(asked.map(({ samples, fetchMs }) => [samples, fetchMs])).toEqual([
      [16, 2],
      [20, 2],
      [24, 2],
    ]);
    const slowest = createTried(100);
    expect(await runTrial(slowest, slowest, { costMs, untilMs: () => 1000, latestMs: 1505 })).toMatchObject({
      samples: 4,
      wallMs: 10,
    });
  });

  it("says nothing of too few samples, of no samples, and of samples that do not come", async () => {
    const few = createTried(100);
    expect(await runTrial(few, few, { costMs, untilMs: () => 1500, latestMs: 1500 })).toBeUndefined();
    const none = createTried(0);
    expect(await runTrial(none, none, { costMs, untilMs: () => 2000, latestMs: 2000 })).toBeUndefined();
    const never: TrialLoader = {
      stats: () => none.stats(),
      [Symbol.asyncIterator]: () => ({ next: async () => await new Promise(() => undefined) }),
    };
    expect(
      await runTrial(never, none, { costMs, untilMs: () => none.now(), latestMs: none.now() + 20 }),
    ).toBeUndefined();
  });
});

describe("tunedText", () => {
  const alone = trialOf({ fetchMs: 8, prepMs: 2, cpuMs: 2 });
  const together = trialOf({ numWorkers: 4, fetchMs: 38, prepMs: 2, cpuMs: 2, samples: 40 });
  const nothing = { numWorkers: false, prefetchDepth: false };

  it.each([
    [{ together }, /storage gives 10.0 MB\/s to all workers together/u],
    [{}, /15 workers; 8 ahead; .*8.000 ms of waiting for storage and 2.000 ms of CPU each; 1500 samples\/s expected/u],
    [{ room: { ...ROOMY, maxMemoryBytes: 2 ** 27 + 3e6 } }, /2 workers; .*more workers do not fit/u],
    [{ alone: trialOf({ prepMs: 2, cpuMs: 2 }) }, /3 workers.*all of 4 CPUs, of which the consumer has one/u],
    [{ room: { ...ROOMY, numWorkers: 5 }, said: { ...nothing, numWorkers: true } }, /5 workers, as the caller says/u],
  ])("gives the figures and the reason: %o", (part, expected) => {
    const parts = { alone, together: undefined, room: ROOMY, said: nothing, ...part };
    const model = fitTrials(KNOWN, parts.alone, parts.together);
    const setting = chooseSetting(model, parts.room);
    expect(tunedText({ ...parts, model, setting, cpus: 4, problem: "" })).toMatch(expected);
  });
});

describe("openLoader with autotune", () => {
  it.each([
    [{ maxMemoryBytes: 0 }, "autotune"],
    [{ maxMemoryBytes: Number.NaN }, "autotune"],
    [{ maxCpus: 0 }, "autotune"],
    [{ maxCpus: 1.5 }, "autotune"],
    [{ seconds: 0 }, "autotune"],
    [{ seconds: Infinity }, "autotune"],
    [{ workers: 3 }, "autotune"],
    ["yes", "autotune"],
    [{ maxMemoryBytes: 1000 }, "autotune.maxMemoryBytes"],
  ])("refuses %j", async (autotune, option) => {
    const { path } = await makeDataset({ samples: 16 });
    const failed: unknown = await openLoader(path, { autotune } as LoaderOptions).catch((error: unknown) => error);
    expect(isMillraceError(failed, "OPTION") && failed.detail.option).toBe(option);
  });

  it("gives storage that is slow to answer more workers than samples that are slow to make", async () => {
    const { path } = await makeDataset({ samples: 64 });
    const workers = async (inject: LoaderOptions["inject"]): Promise<number> => {
      // The memory has room for eight workers.
      await using loader = await openLoader(path, {
        autotune: { maxMemoryBytes: 6e8, maxCpus: 2, seconds: 20 },
        inject,
      });
      expect(loader.describe()).toMatch(/autotune: .*measured \d+ samples in .* of waiting for storage/u);
      return loader.facts().numWorkers;
    };
    const [slowFetch, slowPrep] = [await workers({ fetchMs: 10 }), await workers({ prepMs: 4 })];
    // Storage that answers in 10 ms is worth eight workers and more; a core that is always busy is worth one.
    expect(slowFetch).toBeGreaterThanOrEqual(6);
    expect(slowPrep).toBeLessThanOrEqual(2);
  });

  it("gives the same batches in the same order, after a resume as well", async () => {
    const { path } = await makeDataset({ samples: 53 });
    const options: LoaderOptions = { batchSize: 6, order: shuffle({ seed: 3 }) };
    await using plain = await openLoader(path, { ...options, numWorkers: 2 });
    await using tuned = await openLoader(path, { ...options, autotune: { seconds: 0.3 } });
    const expected = [...(await linesOf(plain)), ...(await linesOf(plain))];
    expect(await linesOf(tuned, 4)).toEqual(expected.slice(0, 4));
    await using resumed = await openLoader(path, { ...options, state: tuned.state(), autotune: { seconds: 0.3 } });
    expect([...(await linesOf(resumed)), ...(await linesOf(resumed))]).toEqual(expected.slice(4));
  });

  it("leaves what the caller has said", async () => {
    const { path } = await makeDataset({ samples: 16 });
    await using both = await openLoader(path, { autotune: true, numWorkers: 3, prefetchDepth: 5 });
    expect(both.facts()).toMatchObject({ numWorkers: 3, prefetchDepth: 5 });
    expect(both.describe()).toMatch(/autotune: 3 workers, as the caller says; 5 ahead, as the caller says/u);
    await using none = await openLoader(path, { autotune: true, numWorkers: 0 });
    expect(none.facts().numWorkers).toBe(0);
    await using off = await openLoader(path, { autotune: false });
    expect(off.describe()).not.toContain("autotune");
  });

  it("opens where a sample is bad, by the CPUs, and fails when its turn comes", async () => {
    const { path } = await makeDataset({ samples: 16 });
    const transforms = [transformOf("throw new Error('no image');")];
    await using loader = await openLoader(path, { autotune: { maxCpus: 2 }, transforms });
    expect(loader.describe()).toMatch(/autotune: 1 worker; .*nothing was measured, as (?:.*no image|fewer than)/u);
    const failed: unknown = await linesOf(loader).catch((error: unknown) => error);
    expect(isMillraceError(failed, "SAMPLE")).toBe(true);
  });

  it("ends with the signal's reason", async () => {
    const { path } = await makeDataset({ samples: 16 });
    const signal = AbortSignal.timeout(150);
    const opening = openLoader(path, { autotune: { seconds: 20 }, signal, inject: { fetchMs: 5 } });
    await expect(opening).rejects.toMatchObject({ name: "TimeoutError" });
  });
});
