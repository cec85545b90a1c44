import type { QuantizedTensor } from "../quantize/quantized-tensor.js";
import { bitsOf, toPlanes, type Words } from "./byte-planes.js";
import { encodeGaps } from "./gaps.js";
import { streamsOf, type PackedEntry, type StreamName } from "./packed-header.js";
import { packStream } from "./packed-stream.js";
import { wordsOf } from "./words.js";

/** A tensor as it stands in the file. */
export interface PackedTensor {
  readonly entry: PackedEntry;
  /** Its streams in their order. */
  readonly streams: readonly Uint8Array[];
}

/** Below this share of zeros telling where they are does not pay, above the other it always does; between, both are tried. */
const SOME = 0.02;
const MANY = 0.6;

/**
 * Packs a tensor that has no {@link tensorProblem}.
 * @param quality - 0 to 11, of Brotli.
 */
export function packTensor(tensor: QuantizedTensor, quality: number): PackedTensor {
  if (tensor.kind === "product") {
    const parts = new Map([
      ["centroids", toPlanes(bitsOf(tensor.centroids))],
      ["values", toPlanes(tensor.codes)],
    ] as const);
    return assemble(tensor, parts, tensor.keep, quality);
  }
  const { words, zero } = wordsOf(tensor);
  const own = ownStreams(tensor);
  const keep = zero === undefined ? undefined : marksOf(words, zero);
  const zeros = keep === undefined ? 0 : words.length - sumOf(keep);
  const tell = (isSparse: boolean): PackedTensor => {
    const told = isSparse ? words.filter((_, i) => keep?.[i] === 1) : words;
    return assemble(tensor, new Map([...own, ["values", toPlanes(told)]]), isSparse ? keep : undefined, quality);
  };
  if (zeros <= words.length * SOME) return tell(false);
  const sparse = tell(true);
  if (zeros > words.length * MANY) return sparse;
  const dense = tell(false);
  return size(dense) <= size(sparse) ? dense : sparse;
}

/** 1 for each word that is not zero. */
function marksOf(words: Words, zero: number): Uint8Array {
  const marks = new Uint8Array(words.length);
  for (let i = 0; i < words.length; i++) if (words[i] !== zero) marks[i] = 1;
  return marks;
}

function sumOf(marks: Uint8Array): number {
  return marks.reduce((sum, mark) => sum + mark, 0);
}

function size({ streams }: PackedTensor): number {
  return streams.reduce((sum, { length }) => sum + length, 0);
}

/** What a tensor tells besides its weights. */
function ownStreams(tensor: QuantizedTensor): [StreamName, Uint8Array][] {
  if (tensor.kind === "codebook") return [["centroids", toPlanes(bitsOf(tensor.centroids))]];
  if (tensor.kind !== "int8") return [];
  const scales: [StreamName, Uint8Array] = ["scales", toPlanes(bitsOf(tensor.scales))];
  const { zeroPoints } = tensor;
  return zeroPoints === undefined ? [scales] : [scales, ["zeroPoints", new Uint8Array(zeroPoints)]];
}

function assemble(
  tensor: QuantizedTensor,
  parts: ReadonlyMap<StreamName, Uint8Array>,
  keep: Uint8Array | undefined,
  quality: number,
): PackedTensor {
  const gaps = keep === undefined ? undefined : encodeGaps(keep);
  const sparse = gaps && keep && { nonZeros: sumOf(keep), gapBytes: gaps.length };
  const base = { name: tensor.name, shape: [...tensor.shape], ...sparse, streams: [] };
  const entry = entryOf(tensor, base);
  const streams = streamsOf(entry).map(({ name }) =>
    packStream((name === "gaps" ? gaps : parts.get(name)) as Uint8Array, quality),
  );
  return { entry: { ...entry, streams: streams.map(({ length }) => length) }, streams };
}

type BaseEntry = Pick<PackedEntry, "name" | "shape" | "nonZeros" | "gapBytes" | "streams">;

function entryOf(tensor: QuantizedTensor, base: BaseEntry): PackedEntry {
  switch (tensor.kind) {
    case "float32":
    case "float16":
      return { ...base, kind: tensor.kind };
    case "int8": {
      const axis = tensor.axis === undefined ? {} : { axis: tensor.axis };
      return { ...base, kind: "int8", isAffine: tensor.zeroPoints !== undefined, ...axis };
    }
    case "codebook":
      return { ...base, kind: "codebook", bits: tensor.bits, centroids: tensor.centroids.length };
    case "product": {
      const { vectorLength, centroids } = tensor;
      return { ...base, kind: "product", vectorLength, centroids: centroids.length / vectorLength };
    }
  }
}
