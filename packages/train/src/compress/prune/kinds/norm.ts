import type { Call } from "../calls.js";
import { type Constants, mapConstants } from "../constants.js";
import type { HostWeight } from "../host-weights.js";
import { applyElementwise } from "./activation.js";
import type { ChannelKind } from "./kind.js";
import type { Tensor } from "@tensorflow/tfjs-core";

/** The axis that a batch norm keeps apart, from 0; -1 if it is the last. */
function isLastAxis({ config, inputs }: Call): boolean {
  const axis = [config["axis"] ?? -1].flat()[0] as number;
  return axis === -1 || axis === (inputs[0]?.shape.length ?? 0) - 1;
}

/** Batch norm over the last axis. What it makes of a constant is its shift and scale of it, with its moving averages. */
export const batchNorm: ChannelKind = {
  trace: (call, [input], trace) => {
    const channels = input as Int32Array;
    if (!isLastAxis(call)) trace.block(call, channels);
    else
      for (const role of ["gamma", "beta", "moving_mean", "moving_variance"])
        trace.tie(call.layer, role, 0, channels, "made");
    return channels;
  },
  constants: ({ layer, config }, [input], weights) => {
    const of = (role: string, channel: number, otherwise: number): number =>
      weights.of(layer, role)?.data[channel] ?? otherwise;
    const epsilon = config["epsilon"] as number;
    return mapConstants(input as Constants, (value, channel) => {
      const gamma = of("gamma", channel, 1);
      const beta = of("beta", channel, 0);
      if (gamma === 0) return beta;
      const deviation = Math.sqrt(of("moving_variance", channel, 1) + epsilon);
      return ((value - of("moving_mean", channel, 0)) / deviation) * gamma + beta;
    });
  },
};

/** PReLU: a slope below zero for each value of its input, or shared along axes. */
export const prelu: ChannelKind = {
  trace: (call, [input], trace) => {
    const channels = input as Int32Array;
    const shape = call.layer.weights[0]?.shape ?? [];
    if (shape.at(-1) === channels.length) trace.tie(call.layer, "alpha", shape.length - 1, channels, "made");
    return channels;
  },
  constants: ({ layer }, [input], weights) => {
    const alpha = weights.of(layer, "alpha") as HostWeight;
    const last = alpha.shape.at(-1) as number;
    return mapConstants(input as Constants, (value, channel) => {
      if (!(value < 0)) return value;
      // One slope for the whole channel, or none that is the channel's.
      return alpha.data.length === last ? value * (alpha.data[last === 1 ? 0 : channel] as number) : Number.NaN;
    });
  },
};

/** Layers that apply a function to each number by itself. */
export const elementwise: ChannelKind = {
  trace: (_call, [input]) => input as Int32Array,
  constants: ({ layer }, [input]) => applyElementwise(input as Constants, (x) => layer.apply(x) as Tensor),
};
