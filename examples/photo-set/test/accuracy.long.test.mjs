import { convert } from "@millrace/ingest";
import {
  colorJitter,
  horizontalFlip,
  openLoader,
  randomResizedCrop,
  resize,
  sequential,
  shuffle,
} from "@millrace/loader";
import { skipReason } from "@millrace/testkit";
import { createModel, listBackends, selectBackend, train } from "@millrace/train";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { makePhotoSet } from "../make.mjs";
import { PHOTOGRAPHS } from "../photographs.mjs";

/** Height and width of what the model sees. */
const SIZE = 96;
/** Height and width of what is stored, so that a random part still has its own pixels. */
const STORED = 192;
const SEED = 3;
/**
 * All nine are toned prints of black and white photographs. How warm which grey is differs from print to print, by a few
 * levels, and is what the halves of a photograph have in common when they show different things: six times as much of it
 * makes it the first thing to be learned instead of the last.
 */
const TONE = colorJitter({ saturation: [6, 6] });

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
  await convert({ source: photos, out: shards, size: STORED });
  const transforms = [randomResizedCrop(SIZE, { scale: [0.08, 1] }), horizontalFlip(), TONE];
  const order = shuffle({ seed: SEED });
  const loader = await openLoader(shards, { batchSize: 32, order, transforms, numWorkers: 1, dropLast: true });
  const held = { split: "val", batchSize: 90, order: sequential(), transforms: [resize(SIZE), TONE], numWorkers: 0 };
  const validation = await openLoader(shards, held);
  const { backend } = await selectBackend("tensorflow");
  try {
    const shape = /** @type {[number, number, number]} */ ([SIZE, SIZE, 3]);
    const model = createModel("mini-resnet", { classes: PHOTOGRAPHS.length, inputShape: shape, seed: SEED });
    const schedule = { epochs: 16, learningRate: 0.1, warmupSteps: 30 };
    const regular = { weightDecay: 0.0005, labelSmoothing: 0.1, ema: 0.98 };
    const options = { optimizer: /** @type {const} */ ("sgd"), ...regular, seed: SEED };
    const { statistics } = loader;
    const report = await train({ loader, validation, model, backend, statistics, ...schedule, ...options });
    model.dispose();
    expect(report.epochs.at(-1)?.validation?.accuracy).toBeGreaterThanOrEqual(0.9);
  } finally {
    await backend.close();
    await loader.close();
    await validation.close();
  }
});
