/**
 * What a network has learnt of some classes helps it with others. A LeNet is trained on the digits 0 to 4 and saved in
 * the format of TensorFlow.js; it is loaded, all its layers are frozen, and a new head learns the digits 5 to 9 from
 * 50 examples. A LeNet that begins anew gets the same examples and as many steps.
 *
 *     node examples/transfer-learning/transfer.mjs [--backend wasm]
 */
import { openLoader, sequential, shuffle } from "@millrace/loader";
import { createModel, loadModel, saveModel, selectBackend, train } from "@millrace/train";
import { initializers, layers, model as createLayersModel } from "@tensorflow/tfjs-layers";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeDigitShards } from "./digit-shards.mjs";

/** @typedef {import("@tensorflow/tfjs-layers").LayersModel} LayersModel */
/** @typedef {import("@millrace/train").Backend} Backend */

const SEED = 1;
const CLASSES = 5;
const STATISTICS = { field: "image", values: 1, mean: [0.1307], std: [0.3081] };
/** The layer of LeNet that the new head reads: what the convolutions find, 800 values. */
const FEATURES = "flatten";

/**
 * Trains a model and returns its accuracy on the split `val`.
 * @param {string} shards
 * @param {LayersModel} model
 * @param {Backend} backend
 * @param {number} epochs
 * @param {number} learningRate
 */
async function accuracyOf(shards, model, backend, epochs, learningRate) {
  const held = { split: "val", batchSize: 500, order: sequential(), numWorkers: 0 };
  const loader = await openLoader(shards, { batchSize: 50, order: shuffle({ seed: SEED }), numWorkers: 1 });
  const validation = await openLoader(shards, held);
  try {
    const options = { epochs, validateEvery: epochs, learningRate, seed: SEED, statistics: STATISTICS };
    const report = await train({ loader, validation, model, backend, ...options });
    return report.epochs.at(-1)?.validation?.accuracy ?? 0;
  } finally {
    await loader.close();
    await validation.close();
  }
}

/**
 * The layers of `base` up to its features, frozen, and a head that is not trained yet.
 * @param {LayersModel} base
 */
function withNewHead(base) {
  for (const layer of base.layers) layer.trainable = false;
  const kernelInitializer = initializers.glorotUniform({ seed: SEED });
  const head = layers.dense({ name: "new_head", units: CLASSES, kernelInitializer });
  const { output } = base.getLayer(FEATURES);
  const outputs = head.apply(output);
  return createLayersModel({ inputs: base.inputs, outputs: /** @type {typeof base.outputs[number]} */ (outputs) });
}

const { values } = parseArgs({ options: { backend: { type: "string", default: "wasm" } } });
const work = await mkdtemp(join(tmpdir(), "millrace-transfer-"));
const { backend } = await selectBackend(/** @type {import("@millrace/train").BackendName} */ (values.backend));
try {
  const [known, other] = [join(work, "known"), join(work, "other")];
  await writeDigitShards(known, 0, { train: 6000, val: 1000 });
  await writeDigitShards(other, 5, { train: 50, val: 2000 });
  /** @type {{ classes: number, inputShape: [number, number, number], seed: number }} */
  const shape = { classes: CLASSES, inputShape: [28, 28, 1], seed: SEED };

  const teacher = createModel("lenet", shape);
  const before = await accuracyOf(known, teacher, backend, 1, 0.001);
  const path = await saveModel(teacher, join(work, "model"));
  teacher.dispose();
  process.stdout.write(`digits 0 to 4, 6,000 examples         accuracy ${before.toFixed(4)}\n`);

  const transferred = withNewHead(await loadModel(path));
  const after = await accuracyOf(other, transferred, backend, 30, 0.003);
  process.stdout.write(`digits 5 to 9, 50 examples, new head   accuracy ${after.toFixed(4)}\n`);

  const scratch = await accuracyOf(other, createModel("lenet", shape), backend, 30, 0.003);
  process.stdout.write(`digits 5 to 9, 50 examples, anew       accuracy ${scratch.toFixed(4)}\n`);
} finally {
  await backend.close();
  await rm(work, { recursive: true, force: true });
}
