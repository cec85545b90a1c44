import { createDataset, type Schema } from "@millrace/formats";
import { openLoader, randomResizedCrop, userTransform, type Loader, type LoaderOptions } from "@millrace/loader";
import { profile, profileAndApply, timerStep, type ProfileReport, type TimerStep } from "@millrace/train";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const BATCH_SIZE = 32;
const SAMPLES = 512;
const LABEL = { name: "label", kind: "tensor", dtype: "int32", shape: [] } as const;
const folder = mkdtempSync(join(tmpdir(), "millrace-stalls-"));
const jpegs = join(folder, "jpegs");
const pixels = join(folder, "pixels");
/** Bytes of a JPEG. */
let jpegBytes = 0;
/** A loader of JPEGs with one worker, which has been through an epoch. */
let alone: Loader;

/** A picture with edges and texture, so that its JPEG has the size of a photograph's. */
async function photograph(width: number, height: number, seed: number): Promise<Buffer> {
  const data = Buffer.alloc(width * height * 3);
  let state = seed + 1;
  for (let at = 0; at < data.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const row = Math.floor(at / (3 * width));
    data[at] = (((at % (3 * width)) >> 3) ^ row) + (state >>> 27);
  }
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

async function write(dir: string, image: Schema["fields"][number], value: (n: number) => Uint8Array): Promise<void> {
  const writer = await createDataset(dir, { format: "arrow", schema: { fields: [image, LABEL] } });
  for (let n = 0; n < SAMPLES; n++) {
    await writer.write(
      new Map<string, Uint8Array | Int32Array>([
        ["image", value(n)],
        ["label", Int32Array.of(n % 10)],
      ]),
      "train",
    );
  }
  await writer.finish();
}

function open(data: string, options: LoaderOptions): Promise<Loader> {
  const transforms = [randomResizedCrop(160)];
  return openLoader(data, { batchSize: BATCH_SIZE, fields: ["image", "label"], transforms, ...options });
}

/** Samples a second over so many ms, epoch after epoch, without what lay ready at the beginning. */
async function rateOf(loader: Loader, ms = 700): Promise<number> {
  const ready = loader.facts().prefetchDepth + 1;
  let [batches, samples, startMs] = [0, 0, 0];
  for (;;) {
    for await (const { size } of loader) {
      if (batches++ < ready) startMs = performance.now();
      else samples += size;
    }
    const passedMs = performance.now() - startMs;
    if (passedMs >= ms) return (samples * 1000) / passedMs;
  }
}

/**
 * A slow augmentation that takes no CPU, as one that asks another process: two workers are twice as fast as one with it,
 * whoever else needs the cores.
 */
const slow = join(folder, "slow.mjs");
const SLOW = {
  batchSize: 16,
  transforms: [randomResizedCrop(160), userTransform({ module: pathToFileURL(slow) })],
};

function openSlow(options: LoaderOptions): Promise<Loader> {
  return open(jpegs, { ...SLOW, ...options });
}

/** What one worker makes in a second of slow samples, and what two do, at this moment. */
async function slowRates(): Promise<{ readonly one: number; readonly two: number }> {
  await using one = await openSlow({ numWorkers: 1 });
  await using two = await openSlow({ numWorkers: 2 });
  return { one: await rateOf(one), two: await rateOf(two) };
}

/** A device that takes so many samples a second. */
function device(samplesPerSec: number, batchSize = BATCH_SIZE): TimerStep {
  return timerStep((batchSize * 1000) / samplesPerSec);
}

async function profiled(data: string, samplesPerSec: number, options: LoaderOptions): Promise<ProfileReport> {
  await using loader = await open(data, options);
  return await profile({ ...COMMON, loader, step: device(samplesPerSec) });
}

const COMMON = { fence: () => undefined, steps: 50, warmupSteps: 8, phases: { seconds: 0.7 } };

beforeAll(async () => {
  const photographs = await Promise.all(Array.from({ length: 16 }, (_, n) => photograph(320, 256, n)));
  const nth = (n: number): Buffer => photographs[n % 16] as Buffer;
  jpegBytes = photographs.reduce((sum, { length }) => sum + length, 0) / 16;
  await write(jpegs, { name: "image", kind: "bytes", encoding: "jpeg" }, nth);
  const raw = await Promise.all(photographs.map((jpeg) => sharp(jpeg).resize(224, 224).raw().toBuffer()));
  const image = { name: "image", kind: "tensor", dtype: "uint8", shape: [224, 224, 3] } as const;
  await write(pixels, image, (n) => raw[n % 16] as Buffer);
  const word = "const word = new Int32Array(new SharedArrayBuffer(4));";
  writeFileSync(slow, `${word}\nexport function transform() {\n  Atomics.wait(word, 0, 0, 3);\n}\n`);
  alone = await open(jpegs, { numWorkers: 1 });
  await rateOf(alone, 0);
}, 120_000);

afterAll(async () => {
  await alone.close();
  rmSync(folder, { recursive: true });
});

/** On a machine that is busy with something else workers may give less from one second to the next. */
const RETRIES = { retry: 3, timeout: 180_000 };

describe.skipIf(availableParallelism() < 2)("profile finds real stalls", () => {
  it("one worker that is too slow is a stall; two workers, applied, make the device the limit", RETRIES, async () => {
    const { one, two } = await slowRates();
    const report = await profileAndApply({
      ...COMMON,
      open: (setting) => openSlow({ numWorkers: 1, ...setting }),
      // As far above what one worker makes as below what two do.
      step: device(Math.sqrt(one * two), SLOW.batchSize),
      rounds: 1,
    });
    const [applied] = report.applied ?? [];
    expect(applied).toMatchObject({ before: "input-bound", after: "compute-bound", change: { numWorkers: 2 } });
    expect(Math.abs(applied?.errorFraction ?? 1)).toBeLessThan(0.1);
    expect(report.verdict.kind).toBe("compute-bound");
  });

  it("JPEGs with one worker are bound by prep, and the phases confirm it", RETRIES, async () => {
    const one = await rateOf(alone);
    const report = await profiled(jpegs, 1.6 * one, { numWorkers: 1 });
    expect(report.verdict).toMatchObject({ kind: "input-bound", cause: "prep" });
    expect(report.phases).toMatchObject({ bound: "prep", agrees: true });
  });

  it("slow storage makes a run bound by fetch, and the phases confirm it", RETRIES, async () => {
    const one = await rateOf(alone);
    const bytesPerSec = 0.5 * one * jpegBytes;
    const report = await profiled(jpegs, one, { numWorkers: 2, inject: { bytesPerSec } });
    expect(report.verdict).toMatchObject({ kind: "input-bound", cause: "fetch" });
    expect(report.phases).toMatchObject({ bound: "fetch", agrees: true });
    expect(report.model?.storageBytesPerSec ?? 0).toBeGreaterThan(0.85 * bytesPerSec);
    expect(report.model?.storageBytesPerSec ?? 0).toBeLessThan(1.15 * bytesPerSec);
  });

  it("pixels with two workers are bound by the device, and the phases confirm it", RETRIES, async () => {
    const one = await rateOf(alone);
    const report = await profiled(pixels, 1.6 * one, { numWorkers: 2 });
    expect(report.verdict.kind).toBe("compute-bound");
    expect(report.phases).toMatchObject({ bound: "compute", agrees: true });
  });
});
