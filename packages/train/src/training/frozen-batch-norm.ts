import type { LayersModel } from "@tensorflow/tfjs-layers";

type Layer = LayersModel["layers"][number];

/**
 * Runs `work`, a forward pass of training, with every batch normalisation that does not train at its averages, which stay
 * as they are: as Keras does ("BatchNormalization layer", section "About setting `layer.trainable = False`"), so that what
 * is frozen goes on giving what it gave before. TensorFlow.js normalises by the batch, and moves the averages.
 */
export function withFrozenBatchNorm<T>(model: LayersModel, work: () => T): T {
  const frozen = [...new Set(frozenBatchNorms(model, false))].map((layer) => ({
    layer,
    own: Object.getOwnPropertyDescriptor(layer, "call"),
  }));
  for (const { layer } of frozen) {
    const call = layer.call.bind(layer);
    layer.call = (inputs, kwargs) => call(inputs, { ...kwargs, training: false });
  }
  try {
    return work();
  } finally {
    for (const { layer, own } of frozen) {
      if (own === undefined) Reflect.deleteProperty(layer, "call");
      else Object.defineProperty(layer, "call", own);
    }
  }
}

/** Of models inside the model, too: a frozen one freezes its layers, but does not set their `trainable`. */
function frozenBatchNorms(
  { layers, trainable }: Pick<LayersModel, "layers" | "trainable">,
  isInFrozen: boolean,
): Layer[] {
  const isFrozen = isInFrozen || !trainable;
  return layers.flatMap((layer) => {
    if ("layers" in layer) return frozenBatchNorms(layer as unknown as LayersModel, isFrozen);
    return layer.getClassName() === "BatchNormalization" && (isFrozen || !layer.trainable) ? [layer] : [];
  });
}
