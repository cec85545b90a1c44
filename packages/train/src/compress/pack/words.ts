import { elementsOf } from "@millrace/formats";
import { channelOf } from "../quantize/int8.js";
import type { Int8Weights, QuantizedTensor } from "../quantize/quantized-tensor.js";
import { bitsOf, type Words } from "./byte-planes.js";

/** The weights of a tensor as words, and the word of a weight that is zero, if there is one. */
export interface TensorWords {
  readonly words: Words;
  readonly zero: number | undefined;
}

/** The words that stand for the weights of a tensor in a packed file. */
export function wordsOf(tensor: Exclude<QuantizedTensor, { kind: "product" }>): TensorWords {
  switch (tensor.kind) {
    case "float32":
      return { words: bitsOf(tensor.data), zero: 0 };
    case "float16":
      return { words: tensor.data, zero: 0 };
    case "int8":
      return { words: levelsFromZero(tensor), zero: 0 };
    case "codebook":
      return { words: tensor.codes, zero: zeroCode(tensor.centroids) };
  }
}

/** The first code of a centroid that is 0. */
export function zeroCode(centroids: Float32Array): number | undefined {
  const code = centroids.indexOf(0);
  return code === -1 ? undefined : code;
}

type Levels = Omit<Int8Weights, "name" | "kind">;

/** Levels less their zero points, modulo 256, so that 0 is a weight of zero in every channel. */
function levelsFromZero(tensor: Levels): Uint8Array {
  const { data, zeroPoints } = tensor;
  if (zeroPoints === undefined) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  const channel = channels(tensor);
  return Uint8Array.from(data, (level, i) => level - (zeroPoints[channel(i)] as number));
}

/** The levels that {@link wordsOf} took the zero points from. */
export function levelsOf(words: Uint8Array, tensor: Omit<Levels, "data">): Int8Array {
  const { zeroPoints } = tensor;
  if (zeroPoints === undefined) return new Int8Array(words);
  const channel = channels(tensor);
  return Int8Array.from(words, (word, i) => word + (zeroPoints[channel(i)] as number));
}

function channels({ shape, scales, axis }: Omit<Levels, "data">): (i: number) => number {
  const inner = axis === undefined ? 1 : elementsOf(shape.slice(axis + 1));
  return (i) => channelOf(i, scales.length, inner);
}
