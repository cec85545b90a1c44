import { unknown } from "../constants.js";
import type { ChannelKind } from "./kind.js";

/** Layers that pruning does not know: they need all channels they take, and keep all that they make. */
export const opaque: ChannelKind = {
  trace: (call, inputs, trace) => {
    for (const input of inputs) trace.block(call, input);
    const made = trace.sets.add(call.outputs[0]?.shape.at(-1) ?? 1);
    trace.sets.bind(made, { kind: "input", layer: call.layer.name, className: call.className });
    return made;
  },
  constants: ({ outputs }) => unknown(outputs[0]?.shape.at(-1) ?? 1),
};

/** The model's inputs. */
export const modelInput: ChannelKind = opaque;
