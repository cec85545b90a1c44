/** The networks and batches of `bench/train.mjs`, alike for every candidate in JavaScript. */
import { createRequire } from "node:module";
import { createModel } from "../../packages/train/dist/index.js";

export const require = createRequire(new URL("../../packages/train/package.json", import.meta.url));

/** @typedef {import("../../packages/train/node_modules/@tensorflow/tfjs-layers").LayersModel} LayersModel */

/** @type {Map<string, { size: number, batchSize: number, classes: number, optimizer: "adam" | "sgd", momentum: number }>} */
export const NETWORKS = new Map([
  ["small-cnn", { size: 64, batchSize: 32, classes: 10, optimizer: "adam", momentum: 0 }],
  ["resnet18", { size: 224, batchSize: 16, classes: 1000, optimizer: "sgd", momentum: 0.9 }],
]);

/** Three convolutions of 32, 64 and 128 channels, each with ReLU and 2 x 2 max pooling, then a dense layer. */
function createSmallCnn() {
  /** @type {import("../../packages/train/node_modules/@tensorflow/tfjs-layers")} */
  const { layers, sequential } = require("@tensorflow/tfjs-layers");
  const model = sequential();
  for (const [index, filters] of [32, 64, 128].entries()) {
    const first = index === 0 ? { inputShape: [64, 64, 3] } : {};
    model.add(layers.conv2d({ ...first, filters, kernelSize: 3, padding: "same", activation: "relu" }));
    model.add(layers.maxPooling2d({ poolSize: 2 }));
  }
  model.add(layers.flatten());
  model.add(layers.dense({ units: 10 }));
  return model;
}

/** @param {string} network @returns {LayersModel} */
export function createNetwork(network) {
  if (network === "small-cnn") return createSmallCnn();
  return createModel("resnet18", { classes: 1000, inputShape: [224, 224, 3] });
}

/** Reproducible bytes. @param {number} length */
export function noise(length) {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(i + 1, 2_654_435_761) >>> 24;
  return bytes;
}
