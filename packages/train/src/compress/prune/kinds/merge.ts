import type { Call } from "../calls.js";
import type { ChannelTrace } from "../channel-trace.js";
import { type Constants, unknown } from "../constants.js";
import type { ChannelKind } from "./kind.js";
import { opaque } from "./opaque.js";

type Combine = (values: readonly number[]) => number;

/** Layers that join tensors of one shape value by value, so that their channels go together. */
function joining(combine: Combine, isZeroAll = false): ChannelKind {
  return { trace: join, constants: (call, inputs) => combineConstants(call, inputs, combine, isZeroAll) };
}

/** Sums, as residual connections have. */
export const add: ChannelKind = joining((values) => values.reduce((sum, value) => sum + value, 0));

/** Means. */
export const average: ChannelKind = joining((values) => values.reduce((sum, value) => sum + value, 0) / values.length);

/** Products, which are 0 if one factor is. */
export const multiply: ChannelKind = joining(
  (values) => (values.includes(0) ? 0 : values.reduce((product, value) => product * value, 1)),
  true,
);

/** The larger values. */
export const maximum: ChannelKind = joining((values) => Math.max(...values));

/** The smaller values. */
export const minimum: ChannelKind = joining((values) => Math.min(...values));

/** Tensors after one another along an axis. */
export const concatenate: ChannelKind = {
  trace: (call, inputs, trace) => {
    if (!isAlongChannels(call)) return join(call, inputs, trace);
    return Int32Array.from(inputs.flatMap((input) => [...input]));
  },
  constants: (call, inputs) => {
    if (!isAlongChannels(call))
      return combineConstants(call, inputs, ([first = Number.NaN, ...rest]) =>
        rest.every((value) => value === first) ? first : Number.NaN,
      );
    return {
      value: Float64Array.from(inputs.flatMap(({ value }) => [...value])),
      hasBorder: Uint8Array.from(inputs.flatMap(({ hasBorder }) => [...hasBorder])),
    };
  },
};

function isAlongChannels({ config, inputs }: Call): boolean {
  const axis = (config["axis"] as number | undefined) ?? -1;
  return axis === -1 || axis === (inputs[0]?.shape.length ?? 0) - 1;
}

/**
 * An input of one channel is spread over all channels of the others; as a layer keeps its last channel, it stays. Tensors
 * of unequal ranks are laid over one another differently.
 */
function join(call: Call, inputs: readonly Int32Array[], trace: ChannelTrace): Int32Array {
  const isOneRank = new Set(call.inputs.map(({ shape }) => shape.length)).size === 1;
  if (!isOneRank) return opaque.trace(call, inputs, trace);
  const count = Math.max(...inputs.map(({ length }) => length));
  const whole = inputs.filter(({ length }) => length === count);
  const [first, ...rest] = whole as [Int32Array, ...Int32Array[]];
  for (const other of rest) trace.sets.join(first, other);
  return first;
}

/** @param isZeroAll - True if a zero makes the result zero, whatever the others are. */
function combineConstants(
  { inputs: tensors }: Call,
  inputs: readonly Constants[],
  combine: Combine,
  isZeroAll = false,
): Constants {
  const count = Math.max(...inputs.map(({ value }) => value.length));
  const out = unknown(count);
  if (new Set(tensors.map(({ shape }) => shape.length)).size > 1) return out;
  for (let channel = 0; channel < count; channel++) {
    const at = ({ value }: Constants): number => (value.length === count ? channel : 0);
    const values = inputs.map((input) => input.value[at(input)] as number);
    const borders = inputs.map((input) => input.hasBorder[at(input)] as number);
    const isZero = isZeroAll && values.some((value, index) => value === 0 && borders[index] === 0);
    out.value[channel] = combine(values);
    out.hasBorder[channel] = isZero ? 0 : Math.max(...borders);
  }
  return out;
}
