import { createDataset } from "@millrace/formats";
import { readDigits } from "../mnist/digits.mjs";

const SIDE = 28;

/**
 * Writes a dataset of the digits from `first` to `first + 4` under the labels 0 to 4.
 * @param {string} folder new or empty
 * @param {number} first
 * @param {{ train: number, val: number }} counts samples of each split
 */
export async function writeDigitShards(folder, first, counts) {
  const classes = Array.from({ length: 5 }, (_, i) => String(first + i));
  const writer = await createDataset(folder, {
    format: "arrow",
    classes,
    schema: {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [SIDE, SIDE, 1] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      ],
    },
  });
  for (const split of /** @type {const} */ (["train", "val"])) {
    const { images, labels } = await readDigits(split === "train" ? "train" : "t10k");
    const members = [...labels.keys()].filter((i) => classes.includes(String(labels[i]))).slice(0, counts[split]);
    for (const i of members) {
      /** @type {Map<string, Uint8Array | Int32Array>} */
      const sample = new Map();
      sample.set("image", images.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE));
      sample.set("label", Int32Array.of((labels[i] ?? first) - first));
      await writer.write(sample, split);
    }
  }
  await writer.finish();
}
