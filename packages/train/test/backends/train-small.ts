import type { Backend } from "@millrace/train";
import { initializers, layers, type LayersModel, sequential } from "@tensorflow/tfjs-layers";
import { numbers } from "./on-backend.js";

type Layer = LayersModel["layers"][number];

const BATCH = 6;
const SIZE = 8;
const CLASSES = 4;

const classOf = (image: number) => (image * 3) % CLASSES;

function block(filters: number, seed: number): Layer[] {
  return [
    layers.conv2d({
      filters,
      kernelSize: 3,
      padding: "same",
      useBias: false,
      kernelInitializer: initializers.heNormal({ seed }),
    }),
    layers.batchNormalization({ momentum: 0.9 }),
    layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }),
    layers.activation({ activation: "relu" }),
  ];
}

/** A small network with batch norm, pooled before its ReLU, so that windows with negative maxima occur. */
function createSmallModel(): LayersModel {
  return sequential({
    layers: [
      layers.inputLayer({ inputShape: [SIZE, SIZE, 3] }),
      ...block(4, 1),
      ...block(8, 2),
      layers.flatten(),
      layers.dense({ units: CLASSES, kernelInitializer: initializers.heNormal({ seed: 3 }) }),
    ],
  });
}

/** One step of a training run on tiny images; returns the loss. */
export interface SmallTraining {
  step(): Promise<number>;
  dispose(): void;
}

/** A training run that is the same on every backend: uploads from shared memory, forward, backward, Adam. */
export function startSmallTraining(backend: Backend): SmallTraining {
  const { tf } = backend;
  const model = createSmallModel();
  const optimizer = tf.train.adam(0.01);
  const weights = model.trainableWeights.map((weight) => weight.read() as ReturnType<typeof tf.variable>);
  const pixels = new Uint8Array(new SharedArrayBuffer(BATCH * SIZE * SIZE * 3 + 1), 1);
  const affine = { scale: [0.01, 0.011, 0.012], shift: [-1.2, -1.3, -1.4] };
  let count = 0;
  return {
    async step() {
      const noise = numbers(pixels.length, count++ % 5);
      const perImage = pixels.length / BATCH;
      for (const [i, value] of noise.entries()) pixels[i] = 128 + 60 * value + 20 * classOf(Math.floor(i / perImage));
      const images = backend.upload({ data: pixels, dtype: "uint8", shape: [BATCH, SIZE, SIZE, 3] }, affine);
      const classes = Int32Array.from({ length: BATCH }, (_, i) => classOf(i));
      const labels = backend.uploadLabels({ data: classes, dtype: "int32", shape: [BATCH] });
      const loss = optimizer.minimize(
        () => {
          const logits = model.apply(images, { training: true }) as typeof images;
          return tf.losses.softmaxCrossEntropy(tf.oneHot(labels, CLASSES), logits);
        },
        true,
        weights,
      )!;
      const [value] = await loss.data();
      tf.dispose([images, labels, loss]);
      return value!;
    },
    dispose() {
      model.dispose();
      optimizer.dispose();
    },
  };
}
