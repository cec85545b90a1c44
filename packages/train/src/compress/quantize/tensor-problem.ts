import { elementsOf } from "@millrace/formats";
import {
  MAX_CODEBOOK_BITS,
  MAX_VECTOR_LENGTH,
  type CodebookWeights,
  type Int8Weights,
  type ProductWeights,
  type QuantizedTensor,
} from "./quantized-tensor.js";

/** The most dimensions of a weight. */
const MAX_RANK = 32;
/** The longest name of a weight. */
export const MAX_NAME = 1000;
/** The most weights in a tensor. */
const MAX_ELEMENTS = 2 ** 31 - 1;

/** What keeps a tensor from being weights, in words that follow its name; `undefined` if nothing does. */
export function tensorProblem(tensor: QuantizedTensor): string | undefined {
  const { name, shape } = tensor;
  if (name.length > MAX_NAME) return `has a name of ${name.length} characters, more than ${MAX_NAME}`;
  const elements = elementsOf(shape);
  if (shape.length > MAX_RANK || !shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    return `has the impossible shape [${shape.join(", ")}]`;
  if (elements > MAX_ELEMENTS) return `has ${elements} weights, more than ${MAX_ELEMENTS}`;
  switch (tensor.kind) {
    case "float32":
      return lengthProblem("weights", tensor.data.length, elements) ?? finiteProblem("weight", tensor.data);
    case "float16":
      return lengthProblem("weights", tensor.data.length, elements) ?? halfProblem(tensor.data);
    case "int8":
      return int8Problem(tensor, elements);
    case "codebook":
      return codebookProblem(tensor, elements);
    case "product":
      return productProblem(tensor, elements);
  }
}

/** The first number that is not finite, in words. */
export function finiteProblem(what: string, data: Float32Array): string | undefined {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (!Number.isFinite(value)) return `has the ${what} ${i} that is ${value}, not a finite number`;
  }
  return undefined;
}

function lengthProblem(what: string, found: number, expected: number): string | undefined {
  return found === expected ? undefined : `has ${found} ${what} where its shape and kind ask for ${expected}`;
}

function halfProblem(data: Uint16Array): string | undefined {
  const bad = data.findIndex((bits) => (bits & 0x7c00) === 0x7c00);
  return bad === -1 ? undefined : `has the weight ${bad} that is not a finite number`;
}

function int8Problem({ shape, data, scales, zeroPoints, axis }: Int8Weights, elements: number): string | undefined {
  if (axis !== undefined && !(Number.isInteger(axis) && axis >= 0 && axis < shape.length))
    return `has no axis ${axis} in its shape [${shape.join(", ")}]`;
  const channels = axis === undefined ? 1 : (shape[axis] as number);
  return (
    lengthProblem("weights", data.length, elements) ??
    lengthProblem("scales", scales.length, channels) ??
    (zeroPoints === undefined ? undefined : lengthProblem("zero points", zeroPoints.length, channels)) ??
    finiteProblem("scale", scales)
  );
}

function codebookProblem({ bits, centroids, codes }: CodebookWeights, elements: number): string | undefined {
  if (!Number.isInteger(bits) || bits < 1 || bits > MAX_CODEBOOK_BITS)
    return `has a codebook of ${bits} bits, not of 1 to ${MAX_CODEBOOK_BITS}`;
  if (centroids.length > 2 ** bits) return `has ${centroids.length} centroids, more than ${bits} bits tell apart`;
  return (
    lengthProblem("codes", codes.length, elements) ??
    finiteProblem("centroid", centroids) ??
    codeProblem(codes, centroids.length)
  );
}

function productProblem(tensor: ProductWeights, elements: number): string | undefined {
  const { vectorLength, centroids, codes, keep } = tensor;
  if (!Number.isInteger(vectorLength) || vectorLength < 1 || vectorLength > MAX_VECTOR_LENGTH)
    return `has vectors of ${vectorLength} weights, not of 1 to ${MAX_VECTOR_LENGTH}`;
  if (centroids.length % vectorLength !== 0)
    return `has ${centroids.length} numbers in its centroids, which are vectors of ${vectorLength}`;
  const count = centroids.length / vectorLength;
  if (codes instanceof Uint8Array !== count <= 256) return `has ${count} centroids, and codes of another width`;
  const keepProblem = keep === undefined ? undefined : lengthProblem("marks in keep", keep.length, elements);
  if (keepProblem !== undefined) return keepProblem;
  if (keep?.some((mark) => mark > 1) === true) return "has a mark in keep that is neither 0 nor 1";
  const kept = keep === undefined ? elements : keep.reduce((sum, mark) => sum + mark, 0);
  return (
    lengthProblem("codes", codes.length, Math.ceil(kept / vectorLength)) ??
    finiteProblem("number in its centroids that is at", centroids) ??
    codeProblem(codes, count)
  );
}

function codeProblem(codes: Uint8Array | Uint16Array, centroids: number): string | undefined {
  for (let i = 0; i < codes.length; i++)
    if ((codes[i] as number) >= centroids) return `has the code ${codes[i]} at ${i}, and ${centroids} centroids`;
  return undefined;
}
