import { io } from "@tensorflow/tfjs-core";
import { loadLayersModel, type LayersModel } from "@tensorflow/tfjs-layers";

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

/** The model of what {@link artifactsOf} read; the caller's to dispose. */
export async function loadArtifacts(artifacts: io.ModelArtifacts): Promise<LayersModel> {
  return await loadLayersModel({ load: () => Promise.resolve(artifacts) });
}

/** A model of its own with the same layers and weights; the caller's to dispose. */
export async function cloneModel(model: LayersModel): Promise<LayersModel> {
  return await loadArtifacts(await artifactsOf(model));
}
