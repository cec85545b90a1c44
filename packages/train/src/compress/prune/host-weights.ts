import { OptionError } from "@millrace/formats";
import { io } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Layer, weightName } from "./calls.js";

/** A weight in the memory of the host. */
export interface HostWeight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** All weights of a model in the memory of the host, a copy, by their `originalName`. */
export class HostWeights {
  constructor(readonly byName: ReadonlyMap<string, HostWeight>) {}

  /** A layer's weight by its role, `kernel` for example; `undefined` if it has none. */
  of(layer: Layer, role: string): HostWeight | undefined {
    const name = weightName(layer, role);
    return name === undefined ? undefined : this.byName.get(name);
  }
}

/** A model in the memory of the host. */
export interface HostModel {
  /** What TensorFlow.js writes into `model.json`. */
  readonly topology: Readonly<Record<string, unknown>>;
  readonly weights: HostWeights;
  readonly metadata: io.ModelArtifacts["userDefinedMetadata"] | undefined;
}

/**
 * Reads a model off its device; the model stays as it is.
 * @throws {@link OptionError} if two weights have one name, or a weight is not float32.
 */
export async function readHostModel(model: LayersModel): Promise<HostModel> {
  let artifacts: io.ModelArtifacts | undefined;
  await model.save(
    io.withSaveHandler((saved) => {
      artifacts = saved;
      return Promise.resolve({ modelArtifactsInfo: io.getModelArtifactsInfoForJSON(saved) });
    }),
  );
  const { modelTopology, weightData, weightSpecs, userDefinedMetadata } = artifacts as unknown as io.ModelArtifacts;
  const bytes = io.CompositeArrayBuffer.join(weightData ?? new ArrayBuffer(0));
  const byName = new Map<string, HostWeight>();
  let at = 0;
  for (const { name, shape, dtype } of weightSpecs ?? []) {
    if (dtype !== "float32" || byName.has(name)) throw unfit(name, dtype);
    const length = shape.reduce((product, size) => product * size, 1);
    byName.set(name, { shape, data: new Float32Array(bytes.slice(at, at + length * 4)) });
    at += length * 4;
  }
  return {
    topology: modelTopology as HostModel["topology"],
    weights: new HostWeights(byName),
    metadata: userDefinedMetadata,
  };
}

function unfit(name: string, dtype: string): OptionError {
  const isTwice = dtype === "float32";
  return new OptionError({
    option: "model",
    problem: isTwice ? `has two weights named ${name}` : `has the weight ${name} of an unusual type`,
    expected: isTwice ? "names that differ" : "float32",
    found: isTwice ? name : dtype,
    fix: isTwice ? "name the layers differently" : "leave such layers out of the model",
  });
}
