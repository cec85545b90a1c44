/**
 * One candidate of `bench/train.mjs`, in a process of its own: `case.mjs NETWORK CANDIDATE [DATASET]`. Says `ready` after
 * its warm-up; each line on stdin is a number of seconds to train for and answered by a line of JSON.
 */
import { createInterface } from "node:readline";
import { openLoader, sequential } from "../../packages/loader/dist/index.js";
import { selectBackend, train } from "../../packages/train/dist/index.js";
import { createNetwork, NETWORKS, noise, require } from "./models.mjs";
import { registerShim } from "./shim.mjs";

const [network = "", candidate = "", dataset = ""] = process.argv.slice(2);
const setting = NETWORKS.get(network);
if (setting === undefined) throw new RangeError(`no such network: ${network}`);
const { size, batchSize, classes, optimizer, momentum } = setting;
const labels = Int32Array.from({ length: batchSize }, (_, i) => i % 10);

/** @returns {import("../../packages/train/dist/index.js").TrainBatch} */
function batchInMemory() {
  const image = { data: noise(batchSize * size * size * 3), dtype: "uint8", shape: [batchSize, size, size, 3] };
  const label = { data: labels, dtype: "int32", shape: [batchSize] };
  return /** @type {any} */ ({ size: batchSize, fields: { image, label } });
}

/**
 * Trains for some seconds; the first step, in which optimizers are set up, is not counted.
 * @typedef {(seconds: number) => Promise<{ images: number, ms: number, cpuMs: number }>} Round
 */

/** Batches until the time is up, and when each was asked for. */
class Timed {
  /** @param {() => AsyncIterable<any>} source @param {number} seconds */
  constructor(source, seconds) {
    this.source = source;
    this.seconds = seconds;
    this.steps = -1;
    this.startedAt = 0;
    this.cpuAt = process.cpuUsage();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      for await (const batch of this.source()) {
        if (this.steps === 0) {
          this.startedAt = performance.now();
          this.cpuAt = process.cpuUsage();
        }
        if (this.steps > 0 && performance.now() - this.startedAt > this.seconds * 1000) return;
        this.steps++;
        const { step: _step, stall: _stall, ...rest } = batch;
        yield rest;
      }
    }
  }

  result() {
    const { user, system } = process.cpuUsage(this.cpuAt);
    const ms = performance.now() - this.startedAt;
    return { images: this.steps * batchSize, ms, cpuMs: (user + system) / 1000 };
  }
}

/** @param {"tensorflow" | "wasm"} name @param {() => AsyncIterable<any>} [source] @returns {Promise<Round>} */
async function ours(name, source) {
  const { backend } = await selectBackend(name, name === "tensorflow" ? { numThreads: 2 } : {});
  const model = createNetwork(network);
  const batch = batchInMemory();
  async function* same() {
    yield batch;
  }
  return async (seconds) => {
    const loader = new Timed(source ?? same, seconds);
    const options = { model, backend, loader, epochs: 1, schedule: "constant", optimizer, momentum };
    await train(/** @type {any} */ ({ ...options, learningRate: 1e-4 }));
    return loader.result();
  };
}

/** TensorFlow.js as it comes: the layers, its optimizers, float32 tensors on the device. @returns {Promise<Round>} */
async function stock(/** @type {"tensorflow" | "wasm"} */ name) {
  /** @type {import("../../packages/train/node_modules/@tensorflow/tfjs-core")} */
  const tf = require("@tensorflow/tfjs-core");
  require("@tensorflow/tfjs-layers");
  process.env.TF_CPP_MIN_LOG_LEVEL = "2";
  process.env.TF_NUM_INTRAOP_THREADS = "2";
  require(name === "tensorflow" ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-backend-wasm");
  await tf.setBackend(name);
  if (name === "wasm") registerShim();
  const model = createNetwork(network);
  const weights = /** @type {any[]} */ (model.trainableWeights.map((weight) => weight.read()));
  const update = optimizer === "adam" ? tf.train.adam(1e-4) : tf.train.momentum(1e-4, momentum);
  const images = tf.randomUniform([batchSize, size, size, 3], 0, 1, "float32", 1);
  const target = tf.oneHot(tf.tensor1d(labels, "int32"), classes);
  const step = () => {
    const loss = update.minimize(
      () =>
        /** @type {any} */ (
          tf.losses.softmaxCrossEntropy(target, /** @type {any} */ (model.apply(images, { training: true })))
        ),
      true,
      weights,
    );
    loss?.dataSync();
    loss?.dispose();
  };
  step();
  return async (seconds) => {
    let steps = 0;
    const cpuAt = process.cpuUsage();
    const startedAt = performance.now();
    for (; steps === 0 || performance.now() - startedAt < seconds * 1000; steps++) step();
    const { user, system } = process.cpuUsage(cpuAt);
    return { images: steps * batchSize, ms: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
  };
}

/** Our training with the data set in memory, or from its shards by the loader; both in the order of the file. */
async function fed(/** @type {boolean} */ isLoaded) {
  const loader = await openLoader(dataset, { split: "train", batchSize, order: sequential() });
  if (isLoaded) return ours("tensorflow", () => loader.epoch(0));
  /** @type {any[]} */
  const batches = [];
  for await (const batch of loader.epoch(0)) batches.push(batch.copy());
  await loader.close();
  async function* all() {
    yield* batches;
  }
  return ours("tensorflow", all);
}

/** @type {ReadonlyMap<string, () => Promise<Round>>} */
const CANDIDATES = new Map([
  ["millrace tensorflow", () => ours("tensorflow")],
  ["tfjs-node", () => stock("tensorflow")],
  ["millrace wasm", () => ours("wasm")],
  ["tfjs wasm and shim", () => stock("wasm")],
  ["loader", () => fed(true)],
  ["memory", () => fed(false)],
]);

const start = CANDIDATES.get(candidate);
if (start === undefined) throw new RangeError(`no such candidate: ${candidate}`);
const round = await start();
await round(0.5);
console.log("ready");
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await round(Number(line))));
process.exit(0);
