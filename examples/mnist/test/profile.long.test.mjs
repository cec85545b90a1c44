import { createDataset } from "@millrace/formats";
import { openLoader, randomResizedCrop } from "@millrace/loader";
import { skipReason } from "@millrace/testkit";
import { createModel, createModelStep, listBackends, profile, selectBackend } from "@millrace/train";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePhotoSet } from "../../photo-set/make.mjs";
import { PHOTOGRAPHS } from "../../photo-set/photographs.mjs";
import { readDigits } from "../digits.mjs";

/** @typedef {import("@millrace/train").BackendName} BackendName */
/** @typedef {import("@millrace/formats").Schema["fields"][number]} Field */
/**
 * What is trained on.
 * @typedef {{ shards: string, classes: number, inputShape: [number, number, number], options: import("@millrace/loader").LoaderOptions }} Case
 */

const DIGITS = 2000;
const PHOTOS = 216;
const folder = mkdtempSync(join(tmpdir(), "millrace-real-"));
const tensorflow = (await listBackends()).find(({ name }) => name === "tensorflow");
const tensorflowSkip = skipReason(
  tensorflow?.isUsable === true,
  "the backend tensorflow",
  "run node packages/cli/dist/bin.js backend install tensorflow",
);

/** @type {Case} */
const digits = {
  shards: join(folder, "digits"),
  classes: 10,
  inputShape: [28, 28, 1],
  options: { batchSize: 64, numWorkers: 1 },
};
const photoShards = join(folder, "photos");
/**
 * @param {number} side - of the crops that are trained on
 * @returns {Case}
 */
const photos = (side) => ({
  shards: photoShards,
  classes: PHOTOGRAPHS.length,
  inputShape: [side, side, 3],
  options: { batchSize: 16, numWorkers: 1, transforms: [randomResizedCrop(side)] },
});

/**
 * @param {string} shards
 * @param {Field} image
 * @param {Iterable<[Uint8Array, number]>} samples
 */
async function write(shards, image, samples) {
  const label = /** @type {Field} */ ({ name: "label", kind: "tensor", dtype: "int32", shape: [] });
  const writer = await createDataset(shards, { format: "arrow", schema: { fields: [image, label] } });
  for (const [bytes, number] of samples) {
    /** @type {Map<string, Uint8Array | Int32Array>} */
    const sample = new Map();
    await writer.write(sample.set("image", bytes).set("label", Int32Array.of(number)), "train");
  }
  await writer.finish();
}

/** @returns {Promise<void>} */
async function writeDigits() {
  const { images, labels } = await readDigits("t10k");
  const samples = Array.from(labels.subarray(0, DIGITS), (label, i) => {
    return /** @type {[Uint8Array, number]} */ ([images.subarray(i * 784, (i + 1) * 784), label]);
  });
  await write(digits.shards, { name: "image", kind: "tensor", dtype: "uint8", shape: [28, 28, 1] }, samples);
}

/** @returns {Promise<void>} */
async function writePhotos() {
  const source = join(folder, "source");
  await makePhotoSet(source, { train: PHOTOS, val: 0 });
  const samples = PHOTOGRAPHS.flatMap((name, label) => {
    const path = join(source, "train", name);
    return readdirSync(path).map(
      (file) => /** @type {[Uint8Array, number]} */ ([readFileSync(join(path, file)), label]),
    );
  });
  await write(photoShards, { name: "image", kind: "bytes", encoding: "jpeg" }, samples);
}

/**
 * Profiles LeNet as it learns.
 * @param {Case} data
 * @param {BackendName} name
 */
async function profiled({ shards, classes, inputShape, options }, name) {
  const { backend } = await selectBackend(name);
  const loader = await openLoader(shards, { ...options, fields: ["image", "label"] });
  const model = createModel("lenet", { classes, inputShape, seed: 1 });
  const training = createModelStep({ model, backend });
  try {
    const phases = { seconds: 0.8 };
    const fence = () => backend.fence();
    return await profile({ loader, step: training.step, fence, steps: 24, warmupSteps: 4, phases });
  } finally {
    training[Symbol.dispose]();
    model.dispose();
    await loader.close();
    await backend.close();
  }
}

/** @param {import("@millrace/train").ProfileReport} report */
function expectConfirmed({ verdict, phases }) {
  const rates = new Map((phases?.phases ?? []).map(({ name, samplesPerSec }) => [name, samplesPerSec ?? 0]));
  expect([...rates.keys()]).toEqual(["synthetic", "memory", "cold"]);
  const input = Math.min(rates.get("memory") ?? 0, rates.get("cold") ?? 0);
  expect(verdict.kind).toBe(input < (rates.get("synthetic") ?? 0) ? "input-bound" : "compute-bound");
  expect(phases?.agrees).toBe(true);
}

/** On a machine that is busy with something else the rates may vary too much to be compared. */
const RETRIES = { retry: 2, timeout: 120_000 };

describe("profile of a real training: its verdict is what step and input measured one by one let expect", () => {
  beforeAll(async () => {
    await writeDigits();
    await writePhotos();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("MNIST on wasm", RETRIES, async () => expectConfirmed(await profiled(digits, "wasm")));
  it.skipIf(tensorflowSkip)("MNIST on tensorflow", RETRIES, async () =>
    expectConfirmed(await profiled(digits, "tensorflow")),
  );
  it("the photo set on wasm", RETRIES, async () => expectConfirmed(await profiled(photos(64), "wasm")));
  it.skipIf(tensorflowSkip)("the photo set on tensorflow", RETRIES, async () =>
    expectConfirmed(await profiled(photos(64), "tensorflow")),
  );

  it.skipIf(tensorflowSkip)(
    "small crops of the photo set on tensorflow, where input and step are near",
    RETRIES,
    async () => {
      // The more of the processors others take, the nearer: then it stays open which is slower.
      const { verdict, phases } = await profiled(photos(28), "tensorflow");
      expect(["input-bound", "balanced", "undecided"]).toContain(verdict.kind);
      expect(phases?.agrees).not.toBe(false);
    },
  );
});
