import { crc32c, OptionError } from "@millrace/formats";
import type { QuantizedModel } from "../quantize/quantized-tensor.js";
import { tensorProblem } from "../quantize/tensor-problem.js";
import { packTensor } from "./pack-tensor.js";
import type { PackedHeader } from "./packed-header.js";
import { END_BYTES, MAGIC, MAX_HEADER_BYTES, PACKED_VERSION, PREFIX_BYTES } from "./packed-layout.js";
import { packStream } from "./packed-stream.js";

/** How to pack. */
export interface PackOptions {
  /** How hard Brotli tries, 0 to 11: less is faster, and larger. Default 11, about 1 MB of weights a second. */
  readonly quality?: number | undefined;
}

/**
 * Packs a quantised model into the bytes of a file `model.packed`, which {@link unpackModel} takes apart again bit for
 * bit. The layout stands in docs/formats.md.
 * @throws {@link OptionError} if a tensor's parts do not fit each other, a number is not finite, two tensors have the
 * same name, or the model is too large for the file's fields of 32 bits.
 */
export function packModel(quantized: QuantizedModel, options: PackOptions = {}): Uint8Array {
  const { quality = 11 } = options;
  if (!Number.isInteger(quality) || quality < 0 || quality > 11)
    throw new OptionError({
      option: "quality",
      problem: "impossible quality",
      expected: "0 to 11",
      found: String(quality),
    });
  const names = new Set<string>();
  const packed = quantized.weights.map((tensor) => {
    const problem = names.has(tensor.name) ? "is the name of two tensors" : tensorProblem(tensor);
    if (problem !== undefined) throw new OptionError({ option: "quantized", problem: `${tensor.name} ${problem}` });
    names.add(tensor.name);
    return packTensor(tensor, quality);
  });
  const { modelTopology } = quantized;
  const header: PackedHeader = { modelTopology, tensors: packed.map(({ entry }) => entry) };
  return assemble(
    header,
    packed.flatMap(({ streams }) => streams),
    quality,
  );
}

function assemble(header: PackedHeader, streams: readonly Uint8Array[], quality: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const packedText = packStream(text, quality);
  const bodyBytes = streams.reduce((sum, { length }) => sum + length, 0);
  const end = PREFIX_BYTES + packedText.length + bodyBytes;
  if (text.length > MAX_HEADER_BYTES || bodyBytes >= 2 ** 32)
    throw new OptionError({
      option: "quantized",
      problem: "is too large to be packed",
      fix: "quantise it to fewer bits",
    });
  const bytes = new Uint8Array(end + END_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, PACKED_VERSION, true);
  view.setUint32(12, packedText.length, true);
  view.setUint32(16, text.length, true);
  view.setUint32(20, bodyBytes, true);
  bytes.set(packedText, PREFIX_BYTES);
  let at = PREFIX_BYTES + packedText.length;
  for (const stream of streams) {
    bytes.set(stream, at);
    at += stream.length;
  }
  view.setUint32(end, crc32c(bytes.subarray(0, end)), true);
  return bytes;
}
