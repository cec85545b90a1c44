export { textsOf, type Batch, type BatchField, type BatchStall } from "./batch.js";
export type { Clock } from "./clock.js";
export type { BatchSpan, EpochSpan, WorkerDeath } from "./diagnostics.js";
export type { SkippedSample } from "./epoch-run.js";
export type { LoaderFacts } from "./facts.js";
export type { Loader } from "./loader.js";
export { openLoader } from "./open-loader.js";
export type { LoaderOptions } from "./options.js";
export type { DatasetPart } from "./loader-data.js";
export { bindOrder, type OrderSource } from "./order/bind-order.js";
export { blockShuffle, type BlockShuffleOptions } from "./order/block-shuffle.js";
export { filter, type FilterOptions } from "./order/filter.js";
export type {
  BlockShuffleOrder,
  BoundOrder,
  FilterOrder,
  Order,
  SequentialOrder,
  ShuffleOrder,
  WeightedOrder,
} from "./order/order.js";
export { sequential } from "./order/sequential.js";
export { shuffle } from "./order/shuffle.js";
export { shuffleQuality } from "./order/shuffle-quality.js";
export { classBalanced, weighted, type WeightedOptions } from "./order/weighted.js";
export type { LoaderState } from "./state.js";
export { freeMemory } from "./storage/read-ahead-plan.js";
export type { InjectedTime, LoaderStats } from "./stats.js";
export { centerCrop, type CenterCrop } from "./transforms/center-crop.js";
export { colorJitter, type ColorJitter, type ColorJitterOptions, type FactorRange } from "./transforms/color-jitter.js";
export { grayscale, type Grayscale } from "./transforms/grayscale.js";
export { horizontalFlip, type HorizontalFlip } from "./transforms/horizontal-flip.js";
export type { ImageSize } from "./transforms/image-size.js";
export { normalize, type Normalize, type NormalizeOptions } from "./transforms/normalize.js";
export { pad, type Margins, type Pad, type Padding } from "./transforms/pad.js";
export { randomCrop, type RandomCrop, type RandomCropOptions } from "./transforms/random-crop.js";
export {
  randomResizedCrop,
  type RandomResizedCrop,
  type RandomResizedCropOptions,
} from "./transforms/random-resized-crop.js";
export { resize, type Resize, type ResizeOptions } from "./transforms/resize.js";
export type { ColourTransform, GeometricTransform, Transform } from "./transforms/transform.js";
export {
  userTransform,
  type TransformContext,
  type TransformImage,
  type UserTransform,
  type UserTransformFunction,
  type UserTransformOptions,
} from "./transforms/user-transform.js";
export { verticalFlip, type VerticalFlip } from "./transforms/vertical-flip.js";
export type { AutotuneBudget } from "./tuning/autotune-budget.js";
export { changeModel, type Change } from "./tuning/change.js";
export type { StoredAs } from "./tuning/measured-factors.js";
export type { Bound, PipelineModel, Prediction, ScalingPoint } from "./tuning/pipeline-model.js";
export { predict } from "./tuning/predict.js";
export { rankChanges, type ChangeBudget, type RankedChange } from "./tuning/rank-changes.js";
export { defaultPrefetchDepth, workersChange } from "./tuning/workers-change.js";
export type { LoaderVariant } from "./variant.js";
export type { Inject } from "./worker/protocol.js";
