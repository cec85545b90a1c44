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
  const { data } = tensor;
  return shifted(new Uint8Array(data.buffer, data.byteOffset, data.length), tensor, -1);
}

/** The levels that {@link wordsOf} took the zero points from; they may share the memory of the words. */
export function levelsOf(words: Uint8Array, tensor: Omit<Levels, "data">): Int8Array {
  const levels = shifted(words, tensor, 1);
  return new Int8Array(levels.buffer, levels.byteOffset, levels.length);
}

/** Words plus or minus the zero points of their channels, modulo 256; the words themselves if there are none. */
function shifted(
  words: Uint8Array,
  { shape, scales, zeroPoints, axis }: Omit<Levels, "data">,
  sign: 1 | -1,
): Uint8Array {
  if (zeroPoints === undefined) return words;
  const inner = axis === undefined ? 1 : elementsOf(shape.slice(axis + 1));
  const sums = new Uint8Array(words.length);
  for (let i = 0; i < words.length; i++)
    sums[i] = (words[i] as number) + sign * (zeroPoints[channelOf(i, scales.length, inner)] as number);
  return sums;
}
