import { openLoader, sequential, shuffle } from "@millrace/loader";
import { createModel, selectBackend, train } from "@millrace/train";
import { compressModel, formatCompressReport } from "@millrace/train/compress";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SIDE, STATISTICS, writeShards } from "../all-digits.mjs";

/** @typedef {import("@millrace/train/compress").CompressReport} CompressReport */
/** @typedef {import("@millrace/train").TrainLoader} TrainLoader */

const SEED = 1;
/** Batches of 64 in one fine-tuning: a third of the digits. */
const FINE_TUNING = 300;
const folder = mkdtempSync(join(tmpdir(), "millrace-compress-"));
const shards = join(folder, "shards");
/** @type {CompressReport} */
let report;

/**
 * The first batches of each epoch of a loader, other samples in each.
 * @param {import("@millrace/loader").Loader} loader
 * @returns {TrainLoader}
 */
function someOf(loader) {
  /** @param {number} number */
  async function* epoch(number) {
    let batches = 0;
    for await (const batch of loader.epoch(number)) {
      yield batch;
      if (++batches === FINE_TUNING) return;
    }
  }
  return { length: FINE_TUNING, epoch, [Symbol.asyncIterator]: () => epoch(0) };
}

/**
 * @param {number} filterShare
 * @param {number} sparsity
 * @param {number} bits
 */
function candidate(filterShare, sparsity, bits) {
  const found = report.candidates.find(
    ({ setting }) => setting.filterShare === filterShare && setting.sparsity === sparsity && setting.bits === bits,
  );
  return { model: found?.model ?? report.before, accuracyDrop: found?.accuracyDrop ?? 1 };
}

beforeAll(async () => {
  await writeShards(shards);
  const loader = await openLoader(shards, { batchSize: 64, order: shuffle({ seed: SEED }), numWorkers: 1 });
  const validation = await openLoader(shards, { split: "val", batchSize: 500, order: sequential(), numWorkers: 0 });
  const { backend } = await selectBackend("auto");
  try {
    const model = createModel("lenet", { classes: 10, inputShape: [SIDE, SIDE, 1], seed: SEED });
    const common = { model, backend, seed: SEED, statistics: STATISTICS };
    await train({ ...common, loader, epochs: 2, learningRate: 0.002 });
    ({ report } = await compressModel({
      ...common,
      loader: someOf(loader),
      validation,
      maxAccuracyDrop: 0.005,
      filterShares: [1, 0.4],
      sparsities: [0, 0.93],
      bits: [8, 5],
      exhaustive: true,
    }));
    process.stdout.write(`${backend.device}\n${formatCompressReport(report)}`);
    model.dispose();
  } finally {
    await backend.close();
    await loader.close();
    await validation.close();
  }
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("LeNet-5, at least 99.0 % of the 10,000 test digits right", () => {
  it("has 431,080 parameters and finds that many before", () => {
    expect(report.before).toMatchObject({ parameters: 431_080, accuracy: { samples: 10_000 } });
    expect(report.before.accuracy.value).toBeGreaterThanOrEqual(0.99);
  });

  it("int8 by channel loses at most 0.1 points", () => {
    expect(candidate(1, 0, 8).accuracyDrop).toBeLessThanOrEqual(0.001);
  });

  it("pruned and quantised has 12 times fewer weights that are not 0, a file 40 times smaller, and loses at most 0.5 points", () => {
    const { model, accuracyDrop } = candidate(1, 0.93, 5);
    expect(accuracyDrop).toBeLessThanOrEqual(0.005);
    expect(report.before.nonZero / model.nonZero).toBeGreaterThanOrEqual(12);
    expect(report.before.bytes.float32 / model.bytes.packed).toBeGreaterThanOrEqual(40);
  });

  it("with fewer filters has 4 times fewer multiply-adds in real shapes, and loses at most 0.5 points", () => {
    const { model, accuracyDrop } = candidate(0.4, 0, 8);
    expect(accuracyDrop).toBeLessThanOrEqual(0.005);
    expect(report.before.macs / model.macs).toBeGreaterThanOrEqual(4);
    expect(report.before.parameters / model.parameters).toBeGreaterThanOrEqual(4);
  });

  it("is compressed to the smallest of all that lose at most 0.5 points; forward passes beside before are printed", () => {
    const within = report.candidates.filter(({ outcome }) => outcome === "within");
    for (const { accuracyDrop, model } of within) {
      expect(accuracyDrop).toBeLessThanOrEqual(0.005);
      expect(model?.bytes.packed).toBeGreaterThanOrEqual(report.after?.bytes.packed ?? Infinity);
    }
    for (const [index, { batchSize, p50Ms }] of (candidate(0.4, 0, 8).model.speed?.latency ?? []).entries()) {
      const before = report.before.speed?.latency[index]?.p50Ms ?? Number.NaN;
      process.stdout.write(
        `40 % of the filters, forward of ${batchSize}: ${(before / p50Ms).toFixed(2)} times as fast\n`,
      );
    }
  });
});
