import { input, initializers, layers, type LayersModel, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { activationLayer } from "./activation.js";
import type { ModelOptions } from "./create-model.js";
import { imageConvolution } from "./image-convolution.js";

/** Applies the activation of the model. */
type Activate = (x: SymbolicTensor, name: string) => SymbolicTensor;

const create = { image: imageConvolution, features: layers.conv2d };

type Convolve = (
  x: SymbolicTensor,
  name: string,
  shape: { filters: number; kernelSize: number; strides: number },
  of?: keyof typeof create,
) => SymbolicTensor;

/** Images of this height and width or more get the stem that halves them twice. */
const LARGE = 96;

/**
 * A residual network of 8 layers, the smallest of the family in He et al., "Deep Residual Learning for Image
 * Recognition" (2016), section 4.2, with n = 1: stages of 16, 32 and 64 channels, batch norm after every convolution,
 * projections where the shape changes. From 96 x 96 pixels on, it begins with that paper's stem for photographs (7 x 7,
 * stride 2, then 3 x 3 max pooling, stride 2). Padding is `same` throughout, which every backend has.
 */
export function createMiniResnet(options: ModelOptions): LayersModel {
  const { classes, inputShape, seed = 0, activation = "relu" } = options;
  let layer = 0;
  const nextSeed = () => seed * 1000 + ++layer;
  const convolve: Convolve = (x, name, shape, of = "features") => {
    const kernelInitializer = initializers.heNormal({ seed: nextSeed() });
    const y = create[of]({ name, ...shape, padding: "same", useBias: false, kernelInitializer }).apply(x);
    return layers.batchNormalization({ name: `${name}_norm`, momentum: 0.9 }).apply(y) as SymbolicTensor;
  };
  const activate: Activate = (x, name) => activationLayer(activation, name).apply(x) as SymbolicTensor;
  const image = input({ name: "image", shape: [...inputShape] });
  const isLarge = Math.min(inputShape[0], inputShape[1]) >= LARGE;
  let x = activate(
    convolve(image, "stem", { filters: 16, kernelSize: isLarge ? 7 : 3, strides: isLarge ? 2 : 1 }, "image"),
    "stem_activation",
  );
  if (isLarge)
    x = layers.maxPooling2d({ name: "stem_pool", poolSize: 3, strides: 2, padding: "same" }).apply(x) as SymbolicTensor;
  const parts = { convolve, activate };
  x = block(parts, x, "block1", 16, 1);
  x = block(parts, x, "block2", 32, 2);
  x = block(parts, x, "block3", 64, 2);
  const features = layers.globalAveragePooling2d({ name: "features" }).apply(x);
  const kernelInitializer = initializers.glorotUniform({ seed: nextSeed() });
  const logits = layers.dense({ name: "logits", units: classes, kernelInitializer }).apply(features);
  return model({ name: "mini-resnet", inputs: image, outputs: logits as SymbolicTensor });
}

interface Parts {
  readonly convolve: Convolve;
  readonly activate: Activate;
}

function block(parts: Parts, x: SymbolicTensor, name: string, filters: number, strides: number): SymbolicTensor {
  const { convolve, activate } = parts;
  const first = activate(convolve(x, `${name}_conv1`, { filters, kernelSize: 3, strides }), `${name}_activation1`);
  const second = convolve(first, `${name}_conv2`, { filters, kernelSize: 3, strides: 1 });
  const shortcut = strides === 1 ? x : convolve(x, `${name}_project`, { filters, kernelSize: 1, strides });
  const sum = layers.add({ name: `${name}_add` }).apply([second, shortcut]) as SymbolicTensor;
  return activate(sum, `${name}_activation2`);
}
