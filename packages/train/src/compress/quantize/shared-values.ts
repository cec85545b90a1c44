import { elementsOf } from "@millrace/formats";
import type { CodebookWeights, ProductWeights } from "./quantized-tensor.js";

/** Which weights of a tensor share a value. */
export interface SharedValues {
  /** How many values there are. */
  readonly count: number;
  /** For each weight, the number of its value in the codebook; `count` for a weight that is zero and stays so. */
  readonly slots: Int32Array;
}

/** The shares of a codebook: its centroids, and of a codebook of vectors the numbers in them. */
export function sharedValues(tensor: CodebookWeights | ProductWeights): SharedValues {
  const count = tensor.centroids.length;
  if (tensor.kind === "codebook") {
    const { centroids, codes } = tensor;
    return { count, slots: Int32Array.from(codes, (code) => (centroids[code] === 0 ? count : code)) };
  }
  const { shape, vectorLength, codes, keep } = tensor;
  const slots = new Int32Array(elementsOf(shape));
  let told = 0;
  for (let i = 0; i < slots.length; i++) {
    if (keep?.[i] === 0) slots[i] = count;
    else {
      slots[i] = (codes[Math.floor(told / vectorLength)] as number) * vectorLength + (told % vectorLength);
      told++;
    }
  }
  return { count, slots };
}
