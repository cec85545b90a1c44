/** All of MNIST as shards, for the tests and benches that need more digits than the demo. */
import { createDataset } from "@millrace/formats";
import { readDigits } from "./digits.mjs";

/** Height and width of a digit. */
export const SIDE = 28;
/** Of the 60,000 digits, in fractions of full white. */
export const STATISTICS = { field: "image", values: 1, mean: [0.1307], std: [0.3081] };

/**
 * Writes 60,000 digits to train on, and the 10,000 test digits to validate on.
 * @param {string} shards a folder that is not there yet
 */
export async function writeShards(shards) {
  const writer = await createDataset(shards, {
    format: "arrow",
    classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
    samplesPerShard: 10_000,
    schema: {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [SIDE, SIDE, 1] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
  });
  for (const split of ["train", "val"]) {
    const { images, labels } = await readDigits(split === "train" ? "train" : "t10k");
    for (const [i, label] of labels.entries()) {
      const pixels = images.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE);
      /** @type {Map<string, Uint8Array | Int32Array>} */
      const sample = new Map();
      sample.set("image", pixels).set("label", Int32Array.of(label));
      await writer.write(sample, split);
    }
  }
  await writer.finish();
}
