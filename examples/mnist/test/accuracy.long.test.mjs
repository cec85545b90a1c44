import { createDataset } from "@millrace/formats";
import { openLoader, sequential, shuffle } from "@millrace/loader";
import { skipReason } from "@millrace/testkit";
import { createModel, listBackends, selectBackend, train } from "@millrace/train";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDigits } from "../digits.mjs";

/** @typedef {import("@millrace/train").BackendName} BackendName */

const SIDE = 28;
const SEED = 1;
/** Of the 60,000 digits, in fractions of full white. */
const STATISTICS = { field: "image", values: 1, mean: [0.1307], std: [0.3081] };
const folder = mkdtempSync(join(tmpdir(), "millrace-digits-"));
const shards = join(folder, "shards");
const tensorflow = (await listBackends()).find(({ name }) => name === "tensorflow");
const tensorflowSkip = skipReason(
  tensorflow?.isUsable === true,
  "the backend tensorflow",
  "run node packages/cli/dist/bin.js backend install tensorflow",
);

/** Writes all of MNIST: 60,000 digits to train on, the 10,000 test digits to validate on. */
async function writeShards() {
  const writer = await createDataset(shards, {
    format: "arrow",
    classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
    samplesPerShard: 10_000,
    schema: {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [SIDE, SIDE, 1] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
  });
  for (const split of ["train", "val"]) {
    const { images, labels } = await readDigits(split === "train" ? "train" : "t10k");
    for (const [i, label] of labels.entries()) {
      const pixels = images.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
      /** @type {Map<string, Uint8Array | Int32Array>} */
      const sample = new Map();
      sample.set("image", pixels).set("label", Int32Array.of(label));
      await writer.write(sample, split);
    }
  }
  await writer.finish();
}

/** @param {BackendName} name */
async function accuracyOn(name) {
  const held = { split: "val", batchSize: 500, order: sequential(), numWorkers: 0 };
  const loader = await openLoader(shards, { batchSize: 64, order: shuffle({ seed: SEED }), numWorkers: 1 });
  const validation = await openLoader(shards, held);
  const { backend } = await selectBackend(name);
  try {
    const model = createModel("lenet", { classes: 10, inputShape: [SIDE, SIDE, 1], seed: SEED });
    const options = { epochs: 2, learningRate: 0.002, seed: SEED, statistics: STATISTICS };
    const report = await train({ loader, validation, model, backend, ...options });
    model.dispose();
    return report.epochs.at(-1)?.validation?.accuracy ?? 0;
  } finally {
    await backend.close();
    await loader.close();
    await validation.close();
  }
}

describe("LeNet, two epochs on 60,000 digits, finds at least 99.0 % of the 10,000 test digits", () => {
  beforeAll(writeShards);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("on wasm", async () => {
    expect(await accuracyOn("wasm")).toBeGreaterThanOrEqual(0.99);
  });

  it.skipIf(tensorflowSkip)("on tensorflow", async () => {
    expect(await accuracyOn("tensorflow")).toBeGreaterThanOrEqual(0.99);
  });
});
