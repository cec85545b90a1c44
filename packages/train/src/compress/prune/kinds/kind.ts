import type { Tensor } from "@tensorflow/tfjs-core";
import type { Call } from "../calls.js";
import type { ChannelTrace } from "../channel-trace.js";
import type { HostWeights } from "../host-weights.js";
import type { Constants } from "../constants.js";

/** What pruning knows of a kind of layer. */
export interface ChannelKind {
  /**
   * The channels of the output's last axis; writes down in `trace` what belongs to them.
   * @param inputs - The channels of each input's last axis.
   */
  trace(call: Call, inputs: readonly Int32Array[], trace: ChannelTrace): Int32Array;
  /** Which channels of the output are the same number for every input of the model. */
  constants(call: Call, inputs: readonly Constants[], weights: HostWeights): Constants;
  /** How the layer sums over the channels it takes; left out by layers that work on each channel by itself. */
  use?(call: Call, weights: HostWeights): ChannelUse;
}

/** How a layer sums over its input channels. */
export interface ChannelUse {
  /**
   * What a constant input channel adds to the outputs: the same number everywhere (`exact`), everywhere but at the border,
   * where zeros are padded (`interior`), or no one number (`never`).
   */
  readonly fold: "exact" | "interior" | "never";
  /** True if nothing of this input channel reaches the output. */
  isUnused(channel: number): boolean;
  /** What each filter gains if this input channel is 1 everywhere. */
  gains(channel: number): Float64Array;
}

/** A function of one tensor. */
export type Elementwise = (x: Tensor) => Tensor;
