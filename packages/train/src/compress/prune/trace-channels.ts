import type { LayersModel } from "@tensorflow/tfjs-layers";
import { type Call, type Flow, readCalls } from "./calls.js";
import { ChannelTrace } from "./channel-trace.js";
import { type Constants, unknown } from "./constants.js";
import type { HostWeights } from "./host-weights.js";
import { kindOf } from "./kinds/kinds.js";

/**
 * Follows the channels through a model, from the layer that makes them to those that take them.
 * @throws {@link OptionError} if the model has not been built.
 */
export function traceChannels(model: LayersModel): { readonly calls: readonly Call[]; readonly trace: ChannelTrace } {
  const { calls, outputs, innerInputs } = readCalls(model);
  const trace = new ChannelTrace();
  for (const call of calls) {
    const inputs = call.inputs.map(({ id }) => trace.ofTensor.get(id) as Int32Array);
    const kind = kindOf(call);
    // What has several outputs is a layer that pruning does not know: none of its channels go together.
    for (const output of call.outputs)
      trace.ofTensor.set(output.id, kind.trace({ ...call, outputs: [output] }, inputs, trace));
  }
  for (const { layer, flow } of innerInputs)
    trace.counts.push({
      layer: layer.name,
      key: "batch_input_shape",
      channels: trace.ofTensor.get(flow.id) as Int32Array,
    });
  for (const output of outputs) {
    const { layer } = calls.find((call) => call.outputs.includes(output)) as Call;
    trace.sets.bind(trace.ofTensor.get(output.id) as Int32Array, {
      kind: "output",
      layer: layer.name,
      className: layer.getClassName(),
    });
  }
  return { calls, trace };
}

/** The constant channels of every tensor of a model, by the tensor's id. */
export function findConstants(calls: readonly Call[], weights: HostWeights): ReadonlyMap<number, Constants> {
  const known = new Map<number, Constants>();
  const of = ({ id, shape }: Flow): Constants => known.get(id) ?? unknown(shape.at(-1) ?? 1);
  for (const call of calls) {
    for (const output of call.outputs)
      known.set(output.id, kindOf(call).constants({ ...call, outputs: [output] }, call.inputs.map(of), weights));
  }
  return known;
}
