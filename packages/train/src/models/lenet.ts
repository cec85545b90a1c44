import { initializers, layers, type LayersModel, sequential } from "@tensorflow/tfjs-layers";
import { activationLayer } from "./activation.js";
import type { ModelOptions } from "./create-model.js";
import { imageConvolution } from "./image-convolution.js";

/**
 * LeNet-5 as Caffe ships it (`examples/mnist/lenet_train_test.prototxt`): two 5 x 5 convolutions of 20 and 50 channels
 * without activation, each followed by 2 x 2 max pooling, then 500 units with ReLU, or another activation. Weights are drawn as Caffe's
 * `xavier`: uniform, variance 1 / fan-in. At 28 x 28 x 1 and 10 classes it has 431,080 parameters.
 */
export function createLenet(options: ModelOptions): LayersModel {
  const { classes, inputShape, seed = 0, activation = "relu" } = options;
  const xavier = (layer: number) =>
    initializers.varianceScaling({ scale: 1, mode: "fanIn", distribution: "uniform", seed: seed * 1000 + layer });
  return sequential({
    name: "lenet",
    layers: [
      imageConvolution({
        name: "conv1",
        inputShape: [...inputShape],
        filters: 20,
        kernelSize: 5,
        padding: "valid",
        kernelInitializer: xavier(1),
      }),
      layers.maxPooling2d({ name: "pool1", poolSize: 2, strides: 2 }),
      layers.conv2d({ name: "conv2", filters: 50, kernelSize: 5, kernelInitializer: xavier(2) }),
      layers.maxPooling2d({ name: "pool2", poolSize: 2, strides: 2 }),
      layers.flatten({ name: "flatten" }),
      layers.dense({ name: "dense1", units: 500, kernelInitializer: xavier(3) }),
      activationLayer(activation, "dense1_activation"),
      layers.dense({ name: "logits", units: classes, kernelInitializer: xavier(4) }),
    ],
  });
}
