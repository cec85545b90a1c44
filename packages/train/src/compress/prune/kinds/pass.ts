import { type Constants, padConstants, unknown } from "../constants.js";
import { activate, mixesChannels } from "./activation.js";
import type { ChannelKind } from "./kind.js";

/** Layers through which a constant channel comes as it is: pooling, dropout, cropping, enlarging. */
export const pass: ChannelKind = {
  trace: (_call, [input]) => input as Int32Array,
  constants: (_call, [input]) => input as Constants,
};

/** Padding by zeros. */
export const pad: ChannelKind = {
  trace: (_call, [input]) => input as Int32Array,
  constants: (_call, [input]) => padConstants(input as Constants),
};

/** An activation as a layer of its own. */
export const activation: ChannelKind = {
  trace: (call, [input], trace) => {
    const { activation: name } = call.config;
    if (mixesChannels(name)) trace.block(call, input as Int32Array, name);
    return input as Int32Array;
  },
  constants: ({ config }, [input]) => activate(input as Constants, config["activation"]),
};

/** Layers that keep the channels apart but compute each from all: softmax, layer norm. */
export const mixing: ChannelKind = {
  trace: (call, [input], trace) => {
    trace.block(call, input as Int32Array);
    return input as Int32Array;
  },
  constants: (_call, [input]) => unknown((input as Constants).value.length),
};
