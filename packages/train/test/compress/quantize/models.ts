import { tensor, tidy, randomUniform, type Tensor } from "@tensorflow/tfjs-core";
import {
  initializers,
  input,
  layers,
  model as functional,
  sequential,
  type LayersModel,
} from "@tensorflow/tfjs-layers";
import { onTestFinished } from "vitest";

/** Disposes a model when the test ends. */
export function disposed<T extends LayersModel>(made: T): T {
  onTestFinished(() => void made.dispose());
  return made;
}

/** A model with a weight of each shape that matters: a transposed, a depthwise, a separable convolution, a model inside. */
export function manyKinds(): LayersModel {
  const image = input({ name: "image", shape: [8, 8, 3] });
  const inner = sequential({
    name: "inner",
    layers: [layers.conv2d({ name: "inner_conv", inputShape: [8, 8, 3], filters: 4, kernelSize: 3, padding: "same" })],
  });
  const parts = [
    layers.depthwiseConv2d({ name: "depthwise", kernelSize: 3, padding: "same" }),
    inner,
    layers.separableConv2d({ name: "separable", filters: 5, kernelSize: 3, padding: "same" }),
    layers.conv2dTranspose({ name: "transposed", filters: 6, kernelSize: 3, padding: "same" }),
    layers.batchNormalization({ name: "norm" }),
    layers.globalAveragePooling2d({ name: "pool" }),
    layers.dense({ name: "dense", units: 2, kernelInitializer: initializers.glorotUniform({ seed: 5 }) }),
  ];
  let x = image;
  for (const part of parts) x = part.apply(x) as typeof x;
  return disposed(functional({ inputs: image, outputs: x }));
}

/** Replaces numbers of a weight. */
export async function edit(
  of: LayersModel,
  index: number,
  change: (value: number, i: number) => number,
): Promise<void> {
  const weight = of.weights[index] as LayersModel["weights"][number];
  const data = Float32Array.from(await weight.read().data(), change);
  tidy(() => void weight.write(tensor(data, weight.shape as number[])));
}

/** What a model makes of numbers that are the same each time. */
export function outputsOf(of: LayersModel, shape: number[]): number[] {
  return tidy(() => [...(of.predict(randomUniform(shape, 0, 1, "float32", 3)) as Tensor).dataSync()] as never);
}
