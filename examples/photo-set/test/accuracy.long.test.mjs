import { convert } from "@millrace/ingest";
import { horizontalFlip, openLoader, randomResizedCrop, sequential, shuffle } from "@millrace/loader";
import { skipReason } from "@millrace/testkit";
import { createModel, listBackends, selectBackend, train } from "@millrace/train";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { makePhotoSet } from "../make.mjs";
import { PHOTOGRAPHS } from "../photographs.mjs";

const SIZE = 64;
const SEED = 1;
const folder = mkdtempSync(join(tmpdir(), "millrace-photos-"));
const tensorflow = (await listBackends()).find(({ name }) => name === "tensorflow");
const skip = skipReason(
  tensorflow?.isUsable === true,
  "the backend tensorflow",
  "run node packages/cli/dist/bin.js backend install tensorflow",
);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.skipIf(skip)("mini-resnet knows at least 90 % of the parts of the photographs that it has not seen", async () => {
  const [photos, shards] = [join(folder, "photos"), join(folder, "shards")];
  await makePhotoSet(photos, { train: 1800, val: 360 });
  await convert({ source: photos, out: shards, size: SIZE });
  const transforms = [randomResizedCrop(SIZE, { scale: [0.08, 1] }), horizontalFlip()];
  const held = { split: "val", batchSize: 90, order: sequential(), numWorkers: 0 };
  const loader = await openLoader(shards, { batchSize: 32, order: shuffle({ seed: SEED }), transforms, numWorkers: 1 });
  const validation = await openLoader(shards, held);
  const { backend } = await selectBackend("tensorflow");
  try {
    const shape = /** @type {[number, number, number]} */ ([SIZE, SIZE, 3]);
    const model = createModel("mini-resnet", { classes: PHOTOGRAPHS.length, inputShape: shape, seed: SEED });
    const schedule = { epochs: 8, learningRate: 0.003, warmupSteps: 30 };
    const regular = { weightDecay: 0.05, labelSmoothing: 0.1, ema: 0.98 };
    const options = { optimizer: /** @type {const} */ ("adamw"), ...regular, seed: SEED };
    const report = await train({ loader, validation, model, backend, ...schedule, ...options });
    model.dispose();
    expect(report.epochs.at(-1)?.validation?.accuracy).toBeGreaterThanOrEqual(0.9);
  } finally {
    await backend.close();
    await loader.close();
    await validation.close();
  }
});
