export * from "./backends/backend.js";
export * from "./backends/install/index.js";
export * from "./backends/select-backend.js";
export { ACTIVATIONS, type ActivationName } from "./models/activation.js";
export * from "./models/create-model.js";
export * from "./upload/host-tensor.js";
export * from "./clock.js";
export type { RunSettings } from "./logs/hyperparameters.js";
export * from "./logs/run-log.js";
export * from "./profile/advice.js";
export * from "./profile/apply.js";
export * from "./profile/attribution.js";
export type { Calibration } from "./profile/calibration.js";
export type { EventLoopReport } from "./profile/causes-event-loop.js";
export type { GcReport } from "./profile/causes-gc.js";
export type { WorkersReport } from "./profile/causes-workers.js";
export type { CausesReport } from "./profile/causes.js";
export { readHistory, type HistoryEntry, type HistoryOptions, type HistorySetting } from "./profile/history.js";
export { measureSpanNs, type MeasuringCost } from "./profile/measuring-cost.js";
export type { PhaseName } from "./profile/phases/phase-context.js";
export type { PhaseOptions } from "./profile/phases/phase-options.js";
export * from "./profile/profile.js";
export * from "./profile/timer-step.js";
export * from "./profile/verdict.js";
export * from "./report/html.js";
export * from "./report/json.js";
export * from "./report/report.js";
export { formatReport } from "./report/text.js";
export { reportToTrace } from "./report/trace.js";
export * from "./step-context.js";
export * from "./step-log.js";
export * from "./step-recorder.js";
export * from "./time-budget.js";
export * from "./trace/span-log.js";
export { readCheckpoint, writeCheckpoint, type Checkpoint, type RunningEpoch } from "./checkpoint/checkpoint.js";
export { CHECKPOINT_VERSION } from "./checkpoint/checkpoint-header.js";
export type { NamedTensor } from "./checkpoint/safetensors.js";
export { OPTIMIZERS, type OptimizerName } from "./optimizers/optimizer.js";
export { loadModel, modelFile, saveModel } from "./model-file/model-file.js";
export * from "./train.js";
export { METRICS, type BestEpoch, type MetricName } from "./training/best-epoch.js";
export { LOSSES, type LossName } from "./training/loss.js";
export { sampleKeys, type SampleKeys } from "./training/sample-keys.js";
export { evaluate, type EvaluateOptions } from "./training/evaluate.js";
export { pixelAffine } from "./training/pixel-affine.js";
export type * from "./training/progress.js";
export * from "./training/schedule.js";
export type { WeightRule } from "./training/weight-rule.js";
export type { TimeShares } from "./training/time-shares.js";
export type {
  CheckpointOptions,
  TrainBatch,
  TrainLoader,
  TrainOptions,
  TrainStep,
  TrainStepContext,
  TrainStepResult,
} from "./training/train-options.js";
export * from "./training/model-step.js";
export type { SweepGrid, SweepPoint, SweepValue } from "./sweep/grid.js";
export * from "./sweep/sweep.js";
export * from "./sweep/sweep-report.js";
