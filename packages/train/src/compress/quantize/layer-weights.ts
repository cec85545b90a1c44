import { LayersModel, type LayerVariable } from "@tensorflow/tfjs-layers";

/** A layer of TensorFlow.js. */
export type Layer = LayersModel["layers"][number];

/** A weight and the layer that it is of. */
export interface LayerWeight {
  readonly layer: Layer;
  readonly weight: LayerVariable;
}

/** All layers of a model, those of models inside it in place of them. */
export function leafLayers(model: LayersModel): Layer[] {
  return model.layers.flatMap((layer) => (layer instanceof LayersModel ? leafLayers(layer) : [layer]));
}

/** All weights of a model with their layers. */
export function layerWeights(model: LayersModel): LayerWeight[] {
  return leafLayers(model).flatMap((layer) => layer.weights.map((weight) => ({ layer, weight })));
}

/** Kernels of these layers have their output channels last but one. */
const LAST_BUT_ONE: ReadonlySet<string> = new Set(["Conv2DTranspose", "Conv3DTranspose"]);

/**
 * The axis of a kernel that counts output channels. Of `[height, width, channels, multiplier]` of depthwise convolutions
 * it is that of the channels.
 * @param weight - Of rank 2 and up.
 */
export function channelAxis({ layer, weight }: LayerWeight): number {
  const isDepthwise = weight.originalName.endsWith("depthwise_kernel");
  return weight.shape.length - (isDepthwise || LAST_BUT_ONE.has(layer.getClassName()) ? 2 : 1);
}
