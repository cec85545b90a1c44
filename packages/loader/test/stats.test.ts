import { openLoader, userTransform, type Clock, type LoaderStats } from "@millrace/loader";
import { tempDir } from "@millrace/testkit";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { StatsRecorder } from "../dist/stats.js";
import { makeDataset } from "./make-dataset.js";

/** A clock that moves by one millisecond a reading. */
function createTicker(): Clock {
  let now = 0;
  return { now: () => now++ };
}

describe("the stats of a loader", () => {
  it("count batches, samples and bytes, and their stalls add up to those of the batches", async () => {
    const { path } = await makeDataset({ samples: 20 });
    await using loader = await openLoader(path, { batchSize: 8, numWorkers: 1, inject: { fetchMs: 1 } });
    let stallMs = 0;
    for await (const { stall } of loader) {
      expect(stall.fetchStallMs + stall.prepStallMs).toBeCloseTo(stall.stallMs);
      stallMs += stall.stallMs;
    }
    const stats = loader.stats();
    expect(stats).toMatchObject({ batches: 3, samples: 20, bytes: 20 * (48 + 4), skippedSamples: 0, numWorkers: 1 });
    expect(stats.stallMs).toBeCloseTo(stallMs);
    expect(stats.fetchStallMs + stats.prepStallMs).toBeCloseTo(stats.stallMs);
    expect(stats.wallMs).toBeGreaterThanOrEqual(stats.stallMs);
    // What workers do by themselves: they make the next epoch, and end.
    const own = { stages: undefined, workerCpuMs: undefined, readBytes: undefined, injected: undefined };
    expect({ ...loader.stats(), ...own }).toEqual({ ...stats, ...own });
  });

  it.each([0, 1])("name the stage that is slow, with %i workers", async (numWorkers) => {
    const { path } = await makeDataset({ samples: 12 });
    const shares: number[] = [];
    for (const inject of [{ fetchMs: 16 }, { prepMs: 16 }]) {
      await using loader = await openLoader(path, { batchSize: 4, numWorkers, inject });
      // The first epoch opens files and starts threads; what is injected is told from the second.
      for await (const _ of loader) continue;
      const before = loader.stats();
      for await (const _ of loader) continue;
      const after = loader.stats();
      shares.push((after.fetchStallMs - before.fetchStallMs) / (after.stallMs - before.stallMs));
    }
    const [fetch, prep] = shares as [number, number];
    expect([fetch > 0.7, prep < 0.3]).toEqual([true, true]);
  });

  it.each([0, 1])("count the start as preparation, with %i workers", async (numWorkers) => {
    const { path } = await makeDataset({ samples: 4 });
    // Importing the module takes long; no sample does.
    const module = join(tempDir(), "slow.mjs");
    const wait = "await new Promise((resolve) => setTimeout(resolve, 500));";
    writeFileSync(module, `${wait} export function transform() {}`);
    const transforms = [userTransform({ module: pathToFileURL(module) })];
    await using loader = await openLoader(path, { numWorkers, transforms });
    for await (const { stall } of loader) expect(stall.prepStallMs / stall.stallMs).toBeGreaterThan(0.5);
    const { fetchMs, prepMs } = loader.stats().stages;
    expect(prepMs).toBeGreaterThan(fetchMs);
  });

  it("tell the share of the time in which the next batch lay ready", () => {
    const recorder = new StatsRecorder(1, 10);
    const read = (now: number): LoaderStats => recorder.read(now, [], []);
    const stall = { stallMs: 30, fetchStallMs: 10, prepStallMs: 20 };
    recorder.begin(1000);
    recorder.batch(4, stall, 1030, 1030);
    // The consumer works until 1100; the second batch became ready at 1050, so 20 ms of 70 there was none.
    recorder.batch(4, { stallMs: 0, fetchStallMs: 0, prepStallMs: 0 }, 1050, 1100);
    recorder.end(1100);
    expect(read(5000)).toMatchObject({
      wallMs: 100,
      samples: 8,
      bytes: 80,
      samplesPerSec: 80,
      stallMs: 30,
      occupancyFraction: 0.5,
    });
    recorder.begin(6000);
    expect(read(6100).wallMs).toBe(200);
  });

  it("come from the clock that is given", async () => {
    const { path } = await makeDataset({ samples: 4 });
    await using loader = await openLoader(path, { numWorkers: 0, clock: createTicker() });
    for await (const _ of loader) continue;
    const { wallMs, stages } = loader.stats();
    expect([wallMs, stages.fetchMs, stages.prepMs].every((ms) => Number.isInteger(ms) && ms > 0)).toBe(true);
  });
});
