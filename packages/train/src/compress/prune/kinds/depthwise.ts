import type { Call } from "../calls.js";
import { type Constants, unknown } from "../constants.js";
import type { HostWeight, HostWeights } from "../host-weights.js";
import { activate, mixesChannels } from "./activation.js";
import { kernelUse, separableKernel, sumConstants } from "./kernel.js";
import type { ChannelKind } from "./kind.js";
import { foldOf } from "./padding.js";

/** Each channel as often as the layer's multiplier says, which is the last size of its first kernel. */
function repeat(channels: Int32Array, { layer }: Call): Int32Array {
  const multiplier = layer.weights[0]?.shape.at(-1) ?? 1;
  return Int32Array.from(
    { length: channels.length * multiplier },
    (_, at) => channels[Math.floor(at / multiplier)] as number,
  );
}

/** Depthwise convolutions: kernel `[height, width, inputs, multiplier]`; an output channel goes with its input channel. */
export const depthwise: ChannelKind = {
  trace: (call, [input], trace) => {
    const { layer, config } = call;
    const taken = input as Int32Array;
    const made = repeat(taken, call);
    trace.tie(layer, "depthwise_kernel", 2, taken, "made");
    trace.tie(layer, "bias", 0, made, "made");
    const { activation } = config;
    if (mixesChannels(activation)) trace.block(call, made, activation);
    return made;
  },
  constants: (call, [input], weights) => {
    const kernel = weights.of(call.layer, "depthwise_kernel") as HostWeight;
    const sum = windowConstants(kernel, foldOf(call) === "exact", input as Constants, weights.of(call.layer, "bias"));
    return activate(sum, call.config["activation"]);
  },
};

/** The sums over each channel's own window. */
function windowConstants(
  kernel: HostWeight,
  isExact: boolean,
  input: Constants,
  bias: HostWeight | undefined,
): Constants {
  const [inputs, multiplier] = kernel.shape.slice(-2) as [number, number];
  const filters = inputs * multiplier;
  const sum = unknown(filters);
  for (let filter = 0; filter < filters; filter++) {
    const channel = Math.floor(filter / multiplier);
    const value = input.value[channel] as number;
    let total = bias?.data[filter] ?? 0;
    for (let at = filter; at < kernel.data.length; at += filters) {
      const weight = kernel.data[at] as number;
      if (weight === 0 || (value === 0 && input.hasBorder[channel] === 0)) continue;
      total += weight * value;
      if (!isExact || input.hasBorder[channel] === 1) sum.hasBorder[filter] = 1;
    }
    sum.value[filter] = total;
  }
  return sum;
}

/** Separable convolutions: a depthwise kernel, then a pointwise one `[1, 1, inputs * multiplier, filters]`. */
export const separable: ChannelKind = {
  trace: (call, [input], trace) => {
    const { layer, config } = call;
    const taken = input as Int32Array;
    const made = trace.make(layer, config["filters"] as number, "filters");
    const rank = layer.weights[0]?.shape.length ?? 4;
    trace.tie(layer, "depthwise_kernel", rank - 2, taken, "taken");
    trace.tie(layer, "pointwise_kernel", rank - 2, repeat(taken, call), "taken");
    trace.tie(layer, "pointwise_kernel", rank - 1, made, "made");
    trace.tie(layer, "bias", 0, made, "made");
    const { activation } = config;
    if (mixesChannels(activation)) trace.block(call, made, activation);
    return made;
  },
  constants: (call, [input], weights) =>
    activate(
      sumConstants(kernelOfSeparable(call, weights), foldOf(call), input as Constants, weights.of(call.layer, "bias")),
      call.config["activation"],
    ),
  use: (call, weights) => kernelUse(kernelOfSeparable(call, weights), foldOf(call)),
};

function kernelOfSeparable({ layer }: Call, weights: HostWeights): ReturnType<typeof separableKernel> {
  return separableKernel(
    weights.of(layer, "depthwise_kernel") as HostWeight,
    weights.of(layer, "pointwise_kernel") as HostWeight,
  );
}
