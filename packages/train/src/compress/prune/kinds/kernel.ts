import { type Constants, unknown } from "../constants.js";
import type { HostWeight } from "../host-weights.js";
import type { ChannelUse } from "./kind.js";

/** A kernel as `[positions, inputs, filters]`, whichever way it lies in memory. */
export interface Kernel {
  readonly positions: number;
  readonly inputs: number;
  readonly filters: number;
  at(position: number, input: number, filter: number): number;
}

/** A kernel whose last two axes are inputs and filters, or, if `isTransposed`, filters and inputs. */
export function kernelOf({ data, shape }: HostWeight, isTransposed: boolean): Kernel {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const size = rows * columns;
  return {
    positions: data.length / size,
    inputs: isTransposed ? columns : rows,
    filters: isTransposed ? rows : columns,
    at: (position, input, filter) =>
      data[position * size + (isTransposed ? filter * columns + input : input * columns + filter)] as number,
  };
}

/** Two steps of a separable convolution as one kernel: `[positions, inputs, filters]`. */
export function separableKernel(depthwise: HostWeight, pointwise: HostWeight): Kernel {
  const [inputs, multiplier] = depthwise.shape.slice(-2) as [number, number];
  const filters = pointwise.shape.at(-1) as number;
  return {
    positions: depthwise.data.length / (inputs * multiplier),
    inputs,
    filters,
    at: (position, input, filter) => {
      let sum = 0;
      for (let m = 0; m < multiplier; m++) {
        const row = input * multiplier + m;
        sum +=
          (depthwise.data[position * inputs * multiplier + row] as number) *
          (pointwise.data[row * filters + filter] as number);
      }
      return sum;
    },
  };
}

/** How a layer with this kernel sums over its inputs. */
export function kernelUse(kernel: Kernel, fold: ChannelUse["fold"]): ChannelUse {
  const { positions, filters } = kernel;
  const some = (input: number): boolean => {
    for (let position = 0; position < positions; position++)
      for (let filter = 0; filter < filters; filter++) if (kernel.at(position, input, filter) !== 0) return true;
    return false;
  };
  return {
    fold,
    isUnused: (input) => !some(input),
    gains: (input) => {
      const gains = new Float64Array(filters);
      for (let position = 0; position < positions; position++)
        for (let filter = 0; filter < filters; filter++)
          gains[filter] = (gains[filter] as number) + kernel.at(position, input, filter);
      return gains;
    },
  };
}

/** The constants among the sums over the inputs, without activation. */
export function sumConstants(
  kernel: Kernel,
  fold: ChannelUse["fold"],
  input: Constants,
  bias: HostWeight | undefined,
): Constants {
  const { positions, inputs, filters } = kernel;
  const sum = unknown(filters);
  for (let filter = 0; filter < filters; filter++) sum.value[filter] = bias?.data[filter] ?? 0;
  for (let channel = 0; channel < inputs; channel++) {
    const value = input.value[channel] as number;
    if (value === 0 && input.hasBorder[channel] === 0) continue;
    const known = fold === "never" && value !== 0 ? Number.NaN : value;
    const border = fold === "exact" ? (input.hasBorder[channel] as number) : 1;
    for (let position = 0; position < positions; position++)
      for (let filter = 0; filter < filters; filter++) {
        const weight = kernel.at(position, channel, filter);
        if (weight === 0) continue;
        sum.value[filter] = (sum.value[filter] as number) + weight * known;
        if (border === 1) sum.hasBorder[filter] = 1;
      }
  }
  return sum;
}
