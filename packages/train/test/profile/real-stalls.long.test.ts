import { createDataset, type Schema } from "@millrace/formats";
import { openLoader, randomResizedCrop, type Loader, type LoaderOptions } from "@millrace/loader";
import { profile, profileAndApply, timerStep, type ProfileReport, type TimerStep } from "@millrace/train";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
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
/** Loaders of JPEGs with one worker and with two, which have been through an epoch. */
let alone: Loader;
let together: Loader;

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

/** What one worker makes in a second, and what two do. */
interface Rates {
  readonly one: number;
  readonly two: number;
}

/** Two workers on cores of their own make at least so many times as much as one. */
const TWO_CORES = 1.5;
const MOST_TRIES = 4;

/**
 * How fast the workers are at this moment: nobody knows how fast this machine is in a minute, or who else it works for.
 * Waits a while for a moment in which there are two cores for them.
 */
async function ratesNow(): Promise<Rates> {
  let rates = { one: 0, two: 0 };
  for (let tries = 0; tries < MOST_TRIES && rates.two <= TWO_CORES * rates.one; tries++) {
    const rounds = [await bothRates(), await bothRates()];
    const mean = (of: keyof Rates): number => rounds.reduce((sum, round) => sum + round[of], 0) / rounds.length;
    rates = { one: mean("one"), two: mean("two") };
  }
  return rates;
}

async function bothRates(): Promise<Rates> {
  return { one: await rateOf(alone), two: await rateOf(together) };
}

/** A device that takes so many samples a second. */
function device(samplesPerSec: number): TimerStep {
  return timerStep((BATCH_SIZE * 1000) / samplesPerSec);
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
  [alone, together] = [await open(jpegs, { numWorkers: 1 }), await open(jpegs, { numWorkers: 2 })];
  for (const loader of [alone, together]) await rateOf(loader, 0);
}, 120_000);

afterAll(async () => {
  await alone.close();
  await together.close();
  rmSync(folder, { recursive: true });
});

/** On a machine that is busy with something else two workers may not give what they do on one that is not. */
const RETRIES = { retry: 5, timeout: 180_000 };

describe.skipIf(availableParallelism() < 2)("profile finds real stalls", () => {
  it("JPEGs with one worker are bound by prep; two workers, applied, make the device the limit", RETRIES, async () => {
    const { one, two } = await ratesNow();
    const report = await profileAndApply({
      ...COMMON,
      open: (setting) => open(jpegs, { numWorkers: 1, ...setting }),
      // As far above what one worker makes as below what two do.
      step: device(Math.sqrt(one * two)),
      rounds: 1,
    });
    const [applied] = report.applied ?? [];
    expect(applied).toMatchObject({ before: "input-bound", after: "compute-bound", change: { numWorkers: 2 } });
    expect(Math.abs(applied?.errorFraction ?? 1)).toBeLessThan(0.1);
    expect(report.verdict.kind).toBe("compute-bound");
  });

  it("the cause of the stall is prep, and the phases confirm it", RETRIES, async () => {
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
