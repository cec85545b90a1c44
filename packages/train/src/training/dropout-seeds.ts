import type { LayersModel } from "@tensorflow/tfjs-layers";

type Layer = LayersModel["layers"][number];

/** Layers of TensorFlow.js that draw their mask with the seed in their property `seed`, each time anew. */
const SEEDED: ReadonlySet<string> = new Set(["Dropout", "SpatialDropout1D"]);

/** A hash of 32 bits (the finalizer of MurmurHash3, Appleby, public domain). */
function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Gives every dropout layer of a model a seed that depends on the run's seed, the step and the layer's number alone.
 * Without it TensorFlow.js draws masks that no resumed run can repeat.
 */
export function seedDropout(model: LayersModel, seed: number, step: number): void {
  for (const [index, layer] of dropoutLayers(model.layers).entries())
    (layer as unknown as { seed: number }).seed = mix(mix(mix(seed) + step) + index);
}

function dropoutLayers(layers: readonly Layer[]): Layer[] {
  return layers.flatMap((layer) => {
    const inner = (layer as Partial<LayersModel>).layers;
    return inner === undefined ? (SEEDED.has(layer.getClassName()) ? [layer] : []) : dropoutLayers(inner);
  });
}
