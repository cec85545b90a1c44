import { createDataset, openDataset } from "../../packages/formats/dist/index.js";

/** A row of the gathers: 224 x 224 x 3 bytes. */
export const ROW_SHAPE = [224, 224, 3];
export const ROW_BYTES = 224 * 224 * 3;

/** @param {number} n @param {Uint8Array} image is filled with what depends on n only */
export function fill(image, n) {
  for (let i = n % 7; i < image.length; i += 7) image[i] = (n * 31 + i) & 255;
  return image;
}

/**
 * Writes a dataset of one shard of millrace and returns where its shard lies.
 * @param {string} root
 * @param {import("../../packages/formats/dist/index.js").FormatName} format
 * @param {{ rows: number, shape: readonly number[], label?: boolean }} options
 */
export async function makeShard(root, format, { rows, shape, label = false }) {
  const fields = [{ name: "image", kind: "tensor", dtype: "uint8", shape }];
  if (label) fields.push({ name: "label", kind: "tensor", dtype: "int32", shape: [] });
  const writer = await createDataset(root, { schema: { fields }, format, samplesPerShard: rows });
  const image = new Uint8Array(shape.reduce((product, extent) => product * extent, 1));
  for (let n = 0; n < rows; n++) {
    const sample = new Map([["image", fill(image, n)]]);
    if (label) sample.set("label", Int32Array.of(n % 1000));
    await writer.write(sample);
  }
  await writer.finish();
  const dataset = await openDataset(root);
  return dataset.split("train").shards[0];
}
