/**
 * The wasm backend of TensorFlow.js with the least that makes a CNN train on it: the gradient of the filter, which it
 * lacks, composed of kernels that it has. It is what one gets without own kernels, and the baseline of ours.
 */
import { require } from "./models.mjs";

/** @type {import("../../packages/train/node_modules/@tensorflow/tfjs-core")} */
const tf = require("@tensorflow/tfjs-core");

/** @param {string} name @param {any} backend @param {any} inputs @param {any} [attrs] */
function run(name, backend, inputs, attrs) {
  return /** @type {any} */ (tf.getKernel(name, "wasm")?.kernelFunc({ backend, inputs, attrs }));
}

/** dW = conv2d(x as [in, height, width, batch], dy as [height, width, batch, out], dilated by the forward stride). */
export function registerShim() {
  tf.registerKernel({
    kernelName: "Conv2DBackpropFilter",
    backendName: "wasm",
    kernelFunc: ({ inputs, backend: anyBackend, attrs }) => {
      /** @type {any} */
      const backend = anyBackend;
      /** @type {any} */
      const { x, dy } = inputs;
      /** @type {any} */
      const { strides, pad, dimRoundingMode, filterShape } = attrs;
      const g = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
      const { top, bottom, left, right } = g.padInfo;
      const paddings = [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ];
      const images = run("Transpose", backend, { x }, { perm: [3, 1, 2, 0] });
      const filters = run("Transpose", backend, { x: dy }, { perm: [1, 2, 0, 3] });
      const padded = run("PadV2", backend, { x: images }, { paddings, constantValue: 0 });
      const dilations = [g.strideHeight, g.strideWidth];
      const conv = { strides: 1, pad: "valid", dataFormat: "NHWC", dilations, dimRoundingMode: undefined };
      const product = run("Conv2D", backend, { x: padded, filter: filters }, conv);
      const size = [g.inChannels, g.filterHeight, g.filterWidth, g.outChannels];
      const cut = run("Slice", backend, { x: product }, { begin: [0, 0, 0, 0], size });
      const dw = run("Transpose", backend, { x: cut }, { perm: [1, 2, 0, 3] });
      for (const { dataId } of [images, filters, padded, product, cut]) backend.disposeData(dataId);
      return dw;
    },
  });
}
