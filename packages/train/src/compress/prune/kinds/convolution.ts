import type { Call } from "../calls.js";
import type { HostWeight, HostWeights } from "../host-weights.js";
import { activate, mixesChannels } from "./activation.js";
import { type Kernel, kernelOf, kernelUse, sumConstants } from "./kernel.js";
import type { ChannelKind, ChannelUse } from "./kind.js";
import { foldOf } from "./padding.js";

/** How layers that sum over their inputs differ. */
interface Summing {
  readonly key: "filters" | "units";
  /** The kernel's axis of inputs and of filters, from the end. */
  readonly axes: readonly [taken: -1 | -2, made: -1 | -2];
  readonly fold: (call: Call) => ChannelUse["fold"];
}

/** Convolutions of any rank: kernel `[..., inputs, filters]`. */
export const convolution: ChannelKind = summing({ key: "filters", axes: [-2, -1], fold: foldOf });

/** Transposed convolutions: kernel `[..., filters, inputs]`. With a stride, pixels get unequal shares of the kernel. */
export const transposedConvolution: ChannelKind = summing({ key: "filters", axes: [-1, -2], fold: () => "never" });

/** Dense layers: kernel `[inputs, units]`. */
export const dense: ChannelKind = summing({ key: "units", axes: [-2, -1], fold: () => "exact" });

function summing({ key, axes, fold }: Summing): ChannelKind {
  const kernel = (call: Call, weights: HostWeights): Kernel =>
    kernelOf(weights.of(call.layer, "kernel") as HostWeight, axes[0] === -1);
  return {
    trace: (call, [input], trace) => {
      const { layer, config } = call;
      const made = trace.make(layer, config[key] as number, key);
      const rank = layer.weights[0]?.shape.length ?? 2;
      trace.tie(layer, "kernel", rank + axes[0], input as Int32Array, "taken");
      trace.tie(layer, "kernel", rank + axes[1], made, "made");
      trace.tie(layer, "bias", 0, made, "made");
      const { activation } = config;
      if (mixesChannels(activation)) trace.block(call, made, activation);
      return made;
    },
    constants: (call, [input], weights) =>
      activate(
        sumConstants(
          kernel(call, weights),
          fold(call),
          input as NonNullable<typeof input>,
          weights.of(call.layer, "bias"),
        ),
        call.config["activation"],
      ),
    use: (call, weights) => kernelUse(kernel(call, weights), fold(call)),
  };
}
