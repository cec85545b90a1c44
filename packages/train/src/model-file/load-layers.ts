import { elementsOf, isMillraceError, StateError, UnsupportedError } from "@millrace/formats";
import { dispose, io, tidy } from "@tensorflow/tfjs-core";
import { layers, models, type LayersModel, type LayerVariable } from "@tensorflow/tfjs-layers";

/**
 * Builds a model of TensorFlow.js from its topology and weights, on the current backend. Unlike `tf.loadLayersModel` it
 * takes no memory for weights that the artifacts lack, whatever sizes the topology tells, and leaves none when it fails.
 * @param file - Where they are from, for messages.
 * @returns the model, not compiled; the caller's to dispose.
 * @throws {@link StateError} if topology and weights do not make a model; {@link UnsupportedError} if it has a layer that
 * TensorFlow.js does not know.
 */
export async function loadLayers(artifacts: io.ModelArtifacts, file?: string): Promise<LayersModel> {
  const { modelTopology, weightSpecs = [], weightData = new ArrayBuffer(0), userDefinedMetadata } = artifacts;
  const specs = weightSpecs.filter(({ group }) => group !== "optimizer");
  const built: LayerVariable[] = [];
  try {
    const most = specs.reduce((sum, { shape }) => sum + elementsOf(shape), 0);
    const model = await buildWithin(most, file, built, () =>
      models.modelFromJSON({ modelTopology: modelTopology as never }),
    );
    if (userDefinedMetadata !== undefined) model.setUserDefinedMetadata(userDefinedMetadata);
    tidy(() => {
      const named = io.decodeWeights(weightData, weightSpecs);
      model.loadWeights(Object.fromEntries(specs.map(({ name }) => [name, named[name]])) as never);
    });
    return model;
  } catch (error) {
    dispose(built.map((weight) => weight.read()));
    throw isMillraceError(error) ? error : loadError(file, error);
  }
}

type AddWeight = (
  this: layers.Layer,
  name: string,
  shape: readonly number[],
  ...more: readonly unknown[]
) => LayerVariable;

/**
 * What `build` builds, whose weights may have `most` numbers together; they are put into `built`, and begin as zeros.
 * TensorFlow.js builds the layers of a model within the call, before it returns its promise, so that no other model meets
 * the changed method.
 */
function buildWithin<T>(most: number, file: string | undefined, built: LayerVariable[], build: () => T): T {
  const prototype = layers.Layer.prototype as unknown as { addWeight: AddWeight };
  const { addWeight } = prototype;
  let numbers = 0;
  prototype.addWeight = function (name, shape, ...more) {
    const size = elementsOf(shape);
    numbers += size;
    if (!(size >= 0 && numbers <= most)) {
      throw new StateError({
        file,
        problem: `is no model that can be built: its layers have more weights than there are, first ${name} of the layer ${this.name}: [${shape.join(", ")}]`,
        fix: "save the model again",
      });
    }
    this.setFastWeightInitDuringBuild(true);
    const weight = addWeight.call(this, name, shape, ...more);
    built.push(weight);
    return weight;
  };
  try {
    return build();
  } finally {
    prototype.addWeight = addWeight;
  }
}

/** What the libraries say of a model that they cannot build, as an error that names the file. */
function loadError(file: string | undefined, cause: unknown): UnsupportedError | StateError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [, layer] = /^Unknown layer: (\S+?)\.(?:\s|$)/u.exec(message) ?? [];
  if (layer === undefined) {
    const [problem = message] = message.split("\n");
    return new StateError({
      file,
      problem: `is no model that can be built: ${problem}`,
      fix: "save the model again",
      cause,
    });
  }
  return new UnsupportedError({
    file,
    problem: `has a layer of the class ${layer}, which TensorFlow.js does not know`,
    fix: "in a program of yours, register the class by tf.serialization.registerClass before loading",
    cause,
  });
}
