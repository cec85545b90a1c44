import type { Call } from "../calls.js";
import { convolution, dense, transposedConvolution } from "./convolution.js";
import { depthwise, separable } from "./depthwise.js";
import type { ChannelKind } from "./kind.js";
import { add, average, concatenate, maximum, minimum, multiply } from "./merge.js";
import { batchNorm, elementwise, prelu } from "./norm.js";
import { modelInput, opaque } from "./opaque.js";
import { activation, mixing, pad, pass } from "./pass.js";
import { flatten, reshape } from "./shape.js";

/** What pruning knows, by the class of the layer. */
const KINDS: ReadonlyMap<string, ChannelKind> = new Map([
  ["InputLayer", modelInput],
  ["Conv1D", convolution],
  ["Conv2D", convolution],
  ["Conv3D", convolution],
  ["Conv2DTranspose", transposedConvolution],
  ["Conv3DTranspose", transposedConvolution],
  ["Dense", dense],
  ["DepthwiseConv2D", depthwise],
  ["SeparableConv2D", separable],
  ["BatchNormalization", batchNorm],
  ["PReLU", prelu],
  ["ReLU", elementwise],
  ["LeakyReLU", elementwise],
  ["ELU", elementwise],
  ["ThresholdedReLU", elementwise],
  ["Activation", activation],
  ["Softmax", mixing],
  ["LayerNormalization", mixing],
  ...["Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout"].map(passing),
  ...["MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D"].map(
    passing,
  ),
  ...["GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"].map(passing),
  ...["UpSampling2D", "Cropping2D", "RepeatVector"].map(passing),
  ["ZeroPadding2D", pad],
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["Add", add],
  ["Average", average],
  ["Multiply", multiply],
  ["Maximum", maximum],
  ["Minimum", minimum],
  ["Concatenate", concatenate],
]);

function passing(className: string): [string, ChannelKind] {
  return [className, pass];
}

/** What pruning knows of a layer. One that has its channels first is unknown to it. */
export function kindOf({ className, config }: Call): ChannelKind {
  const isChannelsFirst = config["dataFormat"] === "channelsFirst";
  return (isChannelsFirst ? undefined : KINDS.get(className)) ?? opaque;
}
