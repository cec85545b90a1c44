import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32c, makeFolder, writeFileAtomic } from "@millrace/formats";
import { io } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadLayers } from "./load-layers.js";
import { readModelFile } from "./read-model-file.js";

/** Weights of a model that is no longer the folder's. */
const WEIGHTS = /^weights-[0-9a-f]{8}\.bin$/u;

/**
 * The folder of a model as TensorFlow.js has it, for `model.save` and `tf.loadLayersModel`: `model.json`, and its
 * weights in `weights-<checksum>.bin`. `model.json` is written last and names the weights, so the folder holds the old
 * model or the new one, whenever the process ends.
 */
export function modelFile(dir: string): io.IOHandler {
  return { save: (artifacts) => write(dir, artifacts), load: () => readModelFile(dir) };
}

/**
 * Writes a model into a folder, which is made if it is missing, in the format of TensorFlow.js: `tf.loadLayersModel`
 * loads it from there, without millrace. The model stays the caller's.
 * @returns the path of `model.json`.
 * @throws {@link FileError} if the system refuses.
 */
export async function saveModel(model: LayersModel, dir: string): Promise<string> {
  await model.save(modelFile(dir));
  return join(dir, "model.json");
}

/**
 * Loads a model that {@link saveModel} or TensorFlow.js wrote, onto the current backend.
 * @param path - The folder, or its `model.json`.
 * @returns the model, not compiled; the caller's to dispose.
 * @throws {@link StateError} if it is damaged, lacks weights, or is no layers model; {@link UnsupportedError} if it has a
 * layer that TensorFlow.js does not know; {@link FileError} if the system refuses.
 */
export async function loadModel(path: string): Promise<LayersModel> {
  return await loadLayers(await readModelFile(path), path);
}

/** The two files of a model. */
export interface ModelFiles {
  /** `model.json`. */
  readonly json: string;
  /** Name of the file of weights. */
  readonly name: string;
  readonly weights: Uint8Array<ArrayBuffer>;
}

/** The files that {@link saveModel} writes, not written. */
export function modelFiles(artifacts: io.ModelArtifacts): ModelFiles {
  const weights = new Uint8Array(io.CompositeArrayBuffer.join(artifacts.weightData ?? new ArrayBuffer(0)));
  const name = `weights-${crc32c(weights).toString(16).padStart(8, "0")}.bin`;
  const json = {
    format: "layers-model",
    generatedBy: "millrace",
    convertedBy: null,
    modelTopology: artifacts.modelTopology,
    userDefinedMetadata: artifacts.userDefinedMetadata,
    weightsManifest: [{ paths: [name], weights: artifacts.weightSpecs ?? [] }],
  };
  return { json: JSON.stringify(json), name, weights };
}

async function write(dir: string, artifacts: io.ModelArtifacts): Promise<io.SaveResult> {
  const { json, name, weights } = modelFiles(artifacts);
  await makeFolder(dir, "make the folder of the model");
  await writeFileAtomic(join(dir, name), weights);
  await writeFileAtomic(join(dir, "model.json"), json);
  const old = (await readdir(dir)).filter((other) => WEIGHTS.test(other) && other !== name);
  for (const other of old) await rm(join(dir, other), { force: true });
  return { modelArtifactsInfo: io.getModelArtifactsInfoForJSON(artifacts) };
}
