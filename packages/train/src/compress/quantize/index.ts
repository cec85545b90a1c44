export {
  calibrateActivations,
  type ActivationRange,
  type ActivationRanges,
  type CalibrateOptions,
} from "./calibrate-activations.js";
export { centroidRule, type CentroidRule } from "./centroid-rule.js";
export { combineRules } from "./combine-rules.js";
export { dequantizeModel } from "./dequantize-model.js";
export { dequantizeTensor } from "./dequantize-tensor.js";
export { fakeQuantRule } from "./fake-quant-rule.js";
export { quantizeModel } from "./quantize-model.js";
export { QUANTIZATION_KINDS, type LayerQuantization, type QuantizationOptions } from "./quantization-options.js";
export type {
  CodebookWeights,
  Float16Weights,
  Float32Weights,
  Int8Weights,
  ProductWeights,
  QuantizationKind,
  QuantizedModel,
  QuantizedTensor,
  WeightsBase,
} from "./quantized-tensor.js";
export { simulateActivations } from "./simulate-activations.js";
export { refitCentroids } from "./refit-centroids.js";
