import { openLoader, sequential, shuffle } from "@millrace/loader";
import { skipReason } from "@millrace/testkit";
import { createModel, listBackends, selectBackend, train } from "@millrace/train";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SIDE, STATISTICS, writeShards } from "../all-digits.mjs";

/** @typedef {import("@millrace/train").BackendName} BackendName */

const SEED = 1;
const folder = mkdtempSync(join(tmpdir(), "millrace-digits-"));
const shards = join(folder, "shards");
const tensorflow = (await listBackends()).find(({ name }) => name === "tensorflow");
const tensorflowSkip = skipReason(
  tensorflow?.isUsable === true,
  "the backend tensorflow",
  "run node packages/cli/dist/bin.js backend install tensorflow",
);

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
  beforeAll(() => writeShards(shards));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("on wasm", async () => {
    expect(await accuracyOn("wasm")).toBeGreaterThanOrEqual(0.99);
  });

  it.skipIf(tensorflowSkip)("on tensorflow", async () => {
    expect(await accuracyOn("tensorflow")).toBeGreaterThanOrEqual(0.99);
  });
});
