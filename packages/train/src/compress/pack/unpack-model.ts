import { elementsOf } from "@millrace/formats";
import type { QuantizedModel, QuantizedTensor } from "../quantize/quantized-tensor.js";
import { tensorProblem } from "../quantize/tensor-problem.js";
import { fromPlanes, type Words } from "./byte-planes.js";
import { decodeGaps } from "./gaps.js";
import { codeBytes, scaleCount, type PackedEntry, type StreamName } from "./packed-header.js";
import { unpackStream } from "./packed-stream.js";
import { readPacked, refusal, type Fail, type ReadPacked, type UnpackLimits } from "./read-packed.js";
import { levelsOf, zeroCode } from "./words.js";

/**
 * The quantised model in the bytes of a packed file, bit for bit as it was packed.
 * @param file - Where the bytes are from, for messages.
 * @returns copies; `bytes` may be reused.
 * @throws {@link StateError} if the file is truncated, damaged, of a newer version, contradicts itself, or holds more than
 * the limits allow.
 */
export function unpackModel(bytes: Uint8Array, file?: string, limits?: UnpackLimits): QuantizedModel {
  const fail = refusal(file);
  const { modelTopology, tensors } = readPacked(bytes, fail, limits);
  const weights = tensors.map((packed) => {
    const failTensor: Fail = (problem) => fail(`the tensor ${packed.entry.name} ${problem}`);
    const tensor = unpackTensor(packed, failTensor);
    const problem = tensorProblem(tensor);
    return problem === undefined ? tensor : failTensor(problem);
  });
  return { modelTopology, weights };
}

function unpackTensor({ entry, streams }: ReadPacked["tensors"][number], fail: Fail): QuantizedTensor {
  const parts = new Map<StreamName, Uint8Array>();
  for (const { name, bytes, packed } of streams)
    parts.set(name, unpackStream(packed, bytes) ?? fail(`has a stream of ${name} that does not unpack`));
  const part = (name: StreamName): Uint8Array => parts.get(name) as Uint8Array;
  const floats = (name: StreamName, length: number): Float32Array =>
    new Float32Array(fromPlanes(part(name), new Uint32Array(length)).buffer);
  const { name, shape, kind } = entry;
  const keep = keepOf(entry, parts.get("gaps"), fail);
  const length = elementsOf(shape);
  const values = <T extends Words>(create: (length: number) => T, zero: number | undefined): T => {
    if (keep === undefined) return fromPlanes(part("values"), create(length));
    if (zero === undefined) return fail("tells zeros, but has no centroid of 0");
    return spread(fromPlanes(part("values"), create(entry.nonZeros ?? 0)), keep, create(length), zero);
  };
  switch (kind) {
    case "float32":
      return { kind, name, shape, data: new Float32Array(values((n) => new Uint32Array(n), 0).buffer) };
    case "float16":
      return { kind, name, shape, data: values((n) => new Uint16Array(n), 0) };
    case "int8": {
      const scales = floats("scales", scaleCount(entry));
      const zeroPoints = entry.isAffine ? { zeroPoints: new Int8Array(part("zeroPoints")) } : {};
      const axis = entry.axis === undefined ? {} : { axis: entry.axis };
      const base = { kind, name, shape, scales, ...zeroPoints, ...axis };
      return {
        ...base,
        data: levelsOf(
          values((n) => new Uint8Array(n), 0),
          base,
        ),
      };
    }
    case "codebook": {
      const centroids = floats("centroids", entry.centroids);
      return {
        kind,
        name,
        shape,
        bits: entry.bits,
        centroids,
        codes: values((n) => new Uint8Array(n), zeroCode(centroids)),
      };
    }
    case "product": {
      const { vectorLength } = entry;
      const centroids = floats("centroids", entry.centroids * vectorLength);
      const count = Math.ceil((entry.nonZeros ?? length) / vectorLength);
      const codes = fromPlanes(
        part("values"),
        codeBytes(entry.centroids) === 1 ? new Uint8Array(count) : new Uint16Array(count),
      );
      return { kind, name, shape, vectorLength, centroids, codes, ...(keep === undefined ? {} : { keep }) };
    }
  }
}

function keepOf(entry: PackedEntry, gaps: Uint8Array | undefined, fail: Fail): Uint8Array | undefined {
  if (gaps === undefined || entry.nonZeros === undefined) return undefined;
  return decodeGaps(gaps, elementsOf(entry.shape), entry.nonZeros) ?? fail("has gaps that do not fit its shape");
}

/** Puts words where `keep` says, and `zero` elsewhere. */
function spread<T extends Words>(words: T, keep: Uint8Array, into: T, zero: number): T {
  let next = 0;
  for (let i = 0; i < keep.length; i++) into[i] = keep[i] === 1 ? (words[next++] as number) : zero;
  return into;
}
