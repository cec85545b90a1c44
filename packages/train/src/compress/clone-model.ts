import { io } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadLayers } from "../model-file/load-layers.js";
import type { ModelFiles } from "../model-file/model-file.js";

/** What TensorFlow.js would save of a model: its topology and its weights, read from the device. */
export async function artifactsOf(model: LayersModel): Promise<io.ModelArtifacts> {
  let saved: io.ModelArtifacts = {};
  await model.save(
    io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({ modelArtifactsInfo: io.getModelArtifactsInfoForJSON(artifacts) });
    }),
  );
  return saved;
}

/** The model in the files of TensorFlow.js, which lie in memory; the caller's to dispose. */
export async function loadFiles({ json, weights }: ModelFiles): Promise<LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(json) as io.ModelJSON;
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  return await loadLayers({ modelTopology, weightSpecs, weightData: weights.buffer });
}

/** A model of its own with the same layers and weights; the caller's to dispose. */
export async function cloneModel(model: LayersModel): Promise<LayersModel> {
  return await loadLayers(await artifactsOf(model));
}
