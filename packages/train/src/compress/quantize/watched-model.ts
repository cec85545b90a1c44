import { tidy, type Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { cloneModel } from "../clone-model.js";
import { leafLayers, type Layer } from "./layer-weights.js";

/** What is done with the output of a layer, and what takes its place. Runs inside `tf.tidy`. */
export type WatchOutput = (layer: string, output: Tensor) => Tensor;

/**
 * A copy of a model, with weights of its own, whose layers show their outputs whenever it runs.
 * @param watch - Called for the layers that {@link activationLayers} names.
 * @returns the caller's to dispose.
 */
export async function watchedModel(model: LayersModel, watch: WatchOutput): Promise<LayersModel> {
  const copy = await cloneModel(model);
  for (const layer of activationLayers(copy)) {
    const call = layer.call.bind(layer);
    layer.call = (inputs, kwargs) =>
      tidy(() => {
        const output = call(inputs, kwargs);
        return Array.isArray(output) ? output.map((one) => watch(layer.name, one)) : watch(layer.name, output);
      });
  }
  return copy;
}

/** These only move numbers, or leave some out, so their outputs are as coarse as their inputs. */
const MOVING: ReadonlySet<string> = new Set([
  "InputLayer",
  "Flatten",
  "Reshape",
  "Permute",
  "RepeatVector",
  "Dropout",
  "SpatialDropout1D",
  "AlphaDropout",
  "GaussianDropout",
  "GaussianNoise",
  "ZeroPadding2D",
  "Cropping2D",
  "UpSampling2D",
  "MaxPooling1D",
  "MaxPooling2D",
  "MaxPooling3D",
  "GlobalMaxPooling1D",
  "GlobalMaxPooling2D",
]);

/** These are computed together with the layer before, whose own output is never stored. */
const FUSED: ReadonlySet<string> = new Set([
  "BatchNormalization",
  "Activation",
  "ReLU",
  "LeakyReLU",
  "ELU",
  "ThresholdedReLU",
]);

/**
 * The layers whose outputs an engine for int8 would store in 8 bits: those that compute, but for the ones that only feed
 * batch norm or an activation, which such an engine computes in the same go (Jacob et al., 2018, section 3.2).
 */
export function activationLayers(model: LayersModel): Layer[] {
  return leafLayers(model).filter((layer) => {
    if (MOVING.has(layer.getClassName())) return false;
    const consumers = layer.outboundNodes.map((node) => node.outboundLayer.getClassName());
    return consumers.length === 0 || !consumers.every((name) => FUSED.has(name));
  });
}
