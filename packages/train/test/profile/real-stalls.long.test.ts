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
/** What one worker makes of JPEGs in a second. */
let workerPerSec = 0;

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
  const transforms = [randomResizedCrop(224)];
  return openLoader(data, { batchSize: BATCH_SIZE, fields: ["image", "label"], transforms, ...options });
}

/** A device that takes more than one worker gives, and less than two do. */
function device(): TimerStep {
  return timerStep((BATCH_SIZE * 1000) / (1.35 * workerPerSec));
}

async function profiled(data: string, options: LoaderOptions): Promise<ProfileReport> {
  await using loader = await open(data, options);
  return await profile({ ...COMMON, loader, step: device() });
}

const COMMON = { fence: () => undefined, steps: 60, warmupSteps: 8, phases: { seconds: 1 } };

beforeAll(async () => {
  const photographs = await Promise.all(Array.from({ length: 16 }, (_, n) => photograph(480, 400, n)));
  const nth = (n: number): Buffer => photographs[n % 16] as Buffer;
  jpegBytes = photographs.reduce((sum, { length }) => sum + length, 0) / 16;
  await write(jpegs, { name: "image", kind: "bytes", encoding: "jpeg" }, nth);
  const raw = await Promise.all(photographs.map((jpeg) => sharp(jpeg).resize(256, 256).raw().toBuffer()));
  const image = { name: "image", kind: "tensor", dtype: "uint8", shape: [256, 256, 3] } as const;
  await write(pixels, image, (n) => raw[n % 16] as Buffer);
  await using loader = await open(jpegs, { numWorkers: 1 });
  const step = timerStep(1);
  const { phases } = await profile({ ...COMMON, loader, step, steps: 20 });
  workerPerSec = phases?.phases.find(({ name }) => name === "memory")?.samplesPerSec ?? 0;
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

/** On a machine that is busy with something else two workers may not give what they do on one that is not. */
const RETRIES = { retry: 2, timeout: 180_000 };

describe.skipIf(availableParallelism() < 2)("profile finds real stalls", () => {
  it("JPEGs with one worker are bound by prep; two workers, applied, make the device the limit", RETRIES, async () => {
    const report = await profileAndApply({
      ...COMMON,
      open: (setting) => open(jpegs, { numWorkers: 1, ...setting }),
      step: device(),
      rounds: 1,
    });
    const [applied] = report.applied ?? [];
    expect(applied).toMatchObject({ before: "input-bound", after: "compute-bound", change: { numWorkers: 2 } });
    expect(Math.abs(applied?.errorFraction ?? 1)).toBeLessThan(0.1);
    expect(report.verdict.kind).toBe("compute-bound");
  });

  it("the cause of the stall is prep, and the phases confirm it", RETRIES, async () => {
    const report = await profiled(jpegs, { numWorkers: 1 });
    expect(report.verdict).toMatchObject({ kind: "input-bound", cause: "prep" });
    expect(report.phases).toMatchObject({ bound: "prep", agrees: true });
  });

  it("slow storage makes the same run bound by fetch, and the phases confirm it", RETRIES, async () => {
    const bytesPerSec = 0.6 * 1.35 * workerPerSec * jpegBytes;
    const report = await profiled(jpegs, { numWorkers: 2, inject: { bytesPerSec } });
    expect(report.verdict).toMatchObject({ kind: "input-bound", cause: "fetch" });
    expect(report.phases).toMatchObject({ bound: "fetch", agrees: true });
    expect(report.model?.storageBytesPerSec ?? 0).toBeGreaterThan(0.85 * bytesPerSec);
    expect(report.model?.storageBytesPerSec ?? 0).toBeLessThan(1.15 * bytesPerSec);
  });

  it("pixels with two workers are bound by the device, and the phases confirm it", RETRIES, async () => {
    const report = await profiled(pixels, { numWorkers: 2 });
    expect(report.verdict.kind).toBe("compute-bound");
    expect(report.phases).toMatchObject({ bound: "compute", agrees: true });
  });
});
