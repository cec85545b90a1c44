import {
  createDataset,
  openDataset,
  sampleBytes,
  type Dataset,
  type FormatName,
  type SampleValue,
} from "@millrace/formats";
import { openOracle, tempDir } from "@millrace/testkit";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const COUNT = 50;

async function write(format: FormatName): Promise<{ dataset: Dataset; file: string }> {
  const root = join(tempDir(), "shards");
  const schema = {
    fields: [
      { name: "image", kind: "tensor", dtype: "uint8", shape: [6, 5, 3] },
      { name: "label", kind: "tensor", dtype: "int32", shape: [] },
      { name: "key", kind: "string" },
    ],
  } as const;
  const writer = await createDataset(root, { schema, format });
  for (let n = 0; n < COUNT; n++) {
    const image = Uint8Array.from({ length: 90 }, (_, i) => (n * 37 + i * 11) & 255);
    await writer.write(
      new Map<string, SampleValue>([
        ["image", image],
        ["label", Int32Array.of(n)],
        ["key", `cat/${n}-ä.png`],
      ]),
    );
  }
  await writer.finish();
  const dataset = await openDataset(root);
  return { dataset, file: dataset.split("train").shards[0]?.path ?? "" };
}

/** What `openDataset` gives, as the Python programs below print it: image in hex, label, key. */
async function listing(dataset: Dataset): Promise<string[]> {
  const lines: string[] = [];
  for (let n = 0; n < COUNT; n++) {
    const sample = await dataset.split("train").read(n);
    const image = Buffer.from(sampleBytes(sample.get("image") ?? "")).toString("hex");
    lines.push(`${image} ${String((sample.get("label") as Int32Array)[0])} ${sample.get("key") as string}`);
  }
  dataset.close();
  return lines;
}

describe("h5py", () => {
  const oracle = openOracle("h5py");
  it.skipIf(oracle.skip !== undefined)(
    'opens a shard: f["image"][i] equals, byte for byte, the sample that openDataset returns',
    async () => {
      const { dataset, file } = await write("hdf5");
      const program = `
import h5py, sys
f = h5py.File(sys.argv[1], "r")
for i in range(len(f["image"])):
    print(f["image"][i].tobytes().hex(), f["label"][i], f["key"].asstr()[i])`;
      expect(oracle.run(program, file).trim().split("\n")).toEqual(await listing(dataset));
    },
  );
});

describe("pyarrow", () => {
  const oracle = openOracle("pyarrow");
  it.skipIf(oracle.skip !== undefined)(
    "opens a shard: image[i] equals, byte for byte, the sample that openDataset returns",
    async () => {
      const { dataset, file } = await write("arrow");
      const program = `
import pyarrow as pa, sys
table = pa.ipc.open_file(pa.memory_map(sys.argv[1])).read_all()
images = table["image"].combine_chunks()
images = (images.chunk(0) if isinstance(images, pa.ChunkedArray) else images).to_numpy_ndarray()
for i in range(table.num_rows):
    print(images[i].tobytes().hex(), table["label"][i].as_py(), table["key"][i].as_py())`;
      expect(oracle.run(program, file).trim().split("\n")).toEqual(await listing(dataset));
    },
  );
});

describe("TensorFlow", () => {
  const oracle = openOracle("tensorflow");
  it.skipIf(oracle.skip !== undefined)(
    "opens a shard: parse_single_example gives, byte for byte, the sample that openDataset returns",
    async () => {
      const { dataset, file } = await write("tfrecord");
      const program = `
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
text, number = tf.io.FixedLenFeature([], tf.string), tf.io.FixedLenFeature([], tf.int64)
for record in tf.data.TFRecordDataset(sys.argv[1]):
    sample = tf.io.parse_single_example(record, {"image": text, "label": number, "key": text})
    image = tf.reshape(tf.io.decode_raw(sample["image"], tf.uint8), [6, 5, 3])
    print(image.numpy().tobytes().hex(), sample["label"].numpy(), sample["key"].numpy().decode())`;
      expect(oracle.run(program, file).trim().split("\n")).toEqual(await listing(dataset));
    },
  );
});

describe("webdataset", () => {
  const oracle = openOracle("webdataset");
  it.skipIf(oracle.skip !== undefined)(
    "opens a shard: its decoded samples are, byte for byte, those that openDataset returns",
    async () => {
      const { dataset, file } = await write("webdataset");
      const program = `
import sys, webdataset
for sample in webdataset.WebDataset(sys.argv[1], shardshuffle=False).decode():
    assert sample["image.npy"].shape == (6, 5, 3)
    print(sample["image.npy"].tobytes().hex(), sample["cls"], sample["key.txt"])`;
      expect(oracle.run(program, file).trim().split("\n")).toEqual(await listing(dataset));
    },
  );
});
