import { input, initializers, layers, type LayersModel, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { activationLayer } from "./activation.js";
import type { ModelOptions } from "./create-model.js";
import { imageConvolution } from "./image-convolution.js";

/** Images up to this height or width get the stem that keeps their size. */
const SMALL = 64;

/** PyTorch's `eps`. */
const EPSILON = 1e-5;

/**
 * ResNet-18 of He et al., "Deep Residual Learning for Image Recognition" (2016), table 1, as torchvision builds it:
 * projections where the shape changes, batch norm after every convolution (momentum 0.9, which PyTorch calls 0.1), He
 * initialisation by fan-out, padding on all sides alike, so that its weights fit here. Padding is a layer of its own
 * where it is not what `same` does. 11,689,512 trainable parameters at 1000 classes and 3 channels.
 *
 * From 65 x 65 pixels on, images are halved twice by the stem: 7 x 7, stride 2, then 3 x 3 max pooling, stride 2, whose
 * padding is zeros (after ReLU the same as PyTorch's minus infinity). Up to 64 pixels the stem is one 3 x 3 convolution
 * of stride 1 without pooling, as the paper's section 4.2 has for 32 x 32; 7,680 parameters fewer at 3 channels.
 */
export function createResnet18(options: ModelOptions): LayersModel {
  const { classes, inputShape, seed = 0, activation = "relu" } = options;
  let drawn = 0;
  const nextSeed = (): number => seed * 1000 + ++drawn;
  const parts: Parts = {
    convolve: (x, name, { filters, kernelSize, strides }) => {
      const isPadded = kernelSize > 1 && strides > 1;
      const padded = isPadded ? pad(x, `${name}_pad`, (kernelSize - 1) / 2) : x;
      const padding = isPadded ? "valid" : "same";
      const kernelInitializer = heFanOut(nextSeed());
      const config = { name, filters, kernelSize, strides, padding, useBias: false, kernelInitializer } as const;
      const create = drawn === 1 ? imageConvolution : layers.conv2d;
      const norm = layers.batchNormalization({ name: `${name}_norm`, momentum: 0.9, epsilon: EPSILON });
      return norm.apply(create(config).apply(padded)) as SymbolicTensor;
    },
    activate: (x, name) => activationLayer(activation, name).apply(x) as SymbolicTensor,
  };
  const image = input({ name: "image", shape: [...inputShape] });
  let x = stem(parts, image, Math.min(inputShape[0], inputShape[1]) <= SMALL);
  for (const [stage, filters] of [64, 128, 256, 512].entries()) {
    x = block(parts, x, `stage${stage + 1}_block1`, filters, stage === 0 ? 1 : 2);
    x = block(parts, x, `stage${stage + 1}_block2`, filters, 1);
  }
  const features = layers.globalAveragePooling2d({ name: "features" }).apply(x);
  const kernelInitializer = initializers.varianceScaling({
    scale: 1 / 3,
    mode: "fanIn",
    distribution: "uniform",
    seed: nextSeed(),
  });
  const logits = layers.dense({ name: "logits", units: classes, kernelInitializer }).apply(features);
  return model({ name: "resnet18", inputs: image, outputs: logits as SymbolicTensor });
}

interface Parts {
  /** Convolution and batch norm. */
  readonly convolve: (
    x: SymbolicTensor,
    name: string,
    shape: { readonly filters: number; readonly kernelSize: number; readonly strides: number },
  ) => SymbolicTensor;
  readonly activate: (x: SymbolicTensor, name: string) => SymbolicTensor;
}

function stem(parts: Parts, image: SymbolicTensor, isSmall: boolean): SymbolicTensor {
  const shape = { filters: 64, kernelSize: isSmall ? 3 : 7, strides: isSmall ? 1 : 2 };
  const x = parts.activate(parts.convolve(image, "stem", shape), "stem_activation");
  if (isSmall) return x;
  const padded = pad(x, "stem_pool_pad", 1);
  return layers.maxPooling2d({ name: "stem_pool", poolSize: 3, strides: 2 }).apply(padded) as SymbolicTensor;
}

function block(parts: Parts, x: SymbolicTensor, name: string, filters: number, strides: number): SymbolicTensor {
  const { convolve, activate } = parts;
  const isSame = strides === 1;
  const first = activate(convolve(x, `${name}_conv1`, { filters, kernelSize: 3, strides }), `${name}_activation1`);
  const second = convolve(first, `${name}_conv2`, { filters, kernelSize: 3, strides: 1 });
  const shortcut = isSame ? x : convolve(x, `${name}_project`, { filters, kernelSize: 1, strides });
  const sum = layers.add({ name: `${name}_add` }).apply([second, shortcut]) as SymbolicTensor;
  return activate(sum, `${name}_activation2`);
}

function pad(x: SymbolicTensor, name: string, pixels: number): SymbolicTensor {
  return layers.zeroPadding2d({ name, padding: [pixels, pixels] }).apply(x) as SymbolicTensor;
}

/** Truncated normal, variance 2 / fan-out: as `kaiming_normal_(mode="fan_out")` of torchvision, but cut at two deviations. */
function heFanOut(seed: number): ReturnType<typeof initializers.varianceScaling> {
  return initializers.varianceScaling({ scale: 2, mode: "fanOut", distribution: "normal", seed });
}
