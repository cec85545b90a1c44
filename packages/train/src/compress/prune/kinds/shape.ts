import type { Call } from "../calls.js";
import type { ChannelTrace } from "../channel-trace.js";
import { type Constants, unknown } from "../constants.js";
import type { ChannelKind } from "./kind.js";
import { opaque } from "./opaque.js";

/** How often the channels of the input stand in the output's last axis; `undefined` if they do not stand there whole. */
function repeats({ inputs, outputs }: Call, channels: number): number | undefined {
  const [from, to] = [inputs[0]?.shape ?? [], outputs[0]?.shape ?? []];
  const last = to.at(-1);
  if (last === channels) return 1;
  const isFlat = to.length === 2 && from.slice(1).every((size) => typeof size === "number");
  return isFlat && typeof last === "number" ? last / channels : undefined;
}

function repeat<T extends Int32Array | Float64Array | Uint8Array>(array: T, times: number): T {
  const repeated = new (array.constructor as new (length: number) => T)(array.length * times);
  for (let time = 0; time < times; time++) repeated.set(array, time * array.length);
  return repeated;
}

function trace(call: Call, [input]: readonly Int32Array[], to: ChannelTrace): Int32Array {
  const times = repeats(call, (input as Int32Array).length);
  if (times === undefined) return opaque.trace(call, [input as Int32Array], to);
  return repeat(input as Int32Array, times);
}

function constants(call: Call, [input]: readonly Constants[]): Constants {
  const { value, hasBorder } = input as Constants;
  const times = repeats(call, value.length);
  if (times === undefined) return unknown(call.outputs[0]?.shape.at(-1) ?? 1);
  return { value: repeat(value, times), hasBorder: repeat(hasBorder, times) };
}

/** Flattening: the channels of each pixel in turn. */
export const flatten: ChannelKind = { trace, constants };

/** Reshaping that keeps the channels as the last axis, or flattens. */
export const reshape: ChannelKind = {
  trace: (call, inputs, to) => {
    const made = trace(call, inputs, to);
    const last = [call.config["targetShape"]].flat().at(-1);
    const isCounted = typeof last === "number" && last > 0;
    if (isCounted) to.counts.push({ layer: call.layer.name, key: "target_shape", channels: made });
    return made;
  },
  constants,
};
