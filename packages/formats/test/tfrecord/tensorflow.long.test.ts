import type { SampleValue, Schema } from "@millrace/formats";
import { count, openOracle, tempDir } from "@millrace/testkit";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample } from "../arrow/every-kind.js";
import { shardDigests } from "../digests.js";
import { samplesOf, schemas } from "../format-samples.js";
import { open, writeShard } from "./records.js";

const tensorflow = openOracle("tensorflow");

/** What each program below begins with. */
const PRELUDE = `
import hashlib, json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np, tensorflow as tf
sha = lambda data: hashlib.sha256(bytes(data)).hexdigest()
fixed = lambda shape, dtype: tf.io.FixedLenFeature(shape, dtype)
`;

/** Parses shards of {@link everyKind} as a user of TensorFlow would, one by one and in batches. */
const READ = `${PRELUDE}
spec = {
    "image": fixed([], tf.string), "half": fixed([], tf.string), "label": fixed([], tf.int64), "time": fixed([], tf.int64),
    "key": fixed([], tf.string), "jpeg": fixed([], tf.string), "boxes": fixed([], tf.string), "boxes/shape": fixed([2], tf.int64),
}
def parse(record):
    sample = tf.io.parse_single_example(record, spec)
    sample["image"] = tf.reshape(tf.io.decode_raw(sample["image"], tf.uint8), [4, 5, 3])
    sample["half"] = tf.io.decode_raw(sample["half"], tf.float16)
    sample["label"] = tf.cast(sample["label"], tf.int32)
    sample["boxes"] = tf.reshape(tf.io.decode_raw(sample["boxes"], tf.float32), sample["boxes/shape"])
    return sample
def read(path):
    records = tf.data.TFRecordDataset(path)
    found = {name: [] for name in ("image", "half", "label", "time", "key", "jpeg", "boxes")}
    for sample in records.map(parse):
        for name, rows in found.items():
            value = sample[name].numpy()
            shape = str(list(value.shape)) if name == "boxes" else ""
            rows.append(sha(value if isinstance(value, bytes) else value.tobytes()) + shape)
    raw = [record.numpy() for record in records]
    batch = tf.io.parse_example(raw, spec) if raw else {"label": tf.constant([], tf.int64)}
    return {
        "found": found,
        "batch": batch["label"].numpy().tolist(),
        "names": sorted({name for record in raw for name in tf.train.Example.FromString(record).features.feature}),
    }
print(json.dumps([read(path) for path in sys.argv[1:]]))`;

interface Found {
  readonly found: Record<string, string[]>;
  readonly batch: number[];
  readonly names: string[];
}

describe.skipIf(tensorflow.skip)("TensorFlow", () => {
  it("parses shards of ours, of no, one and many samples, byte for byte what our reader returns", async () => {
    const metadata = new Map([["millrace.classes", '["a"]']]);
    const lengths = [0, 1, count(200, 3000)];
    const samples = lengths.map((length) => Array.from({ length }, (_, n) => everyKindSample(n)));
    const paths = await Promise.all(samples.map((some) => writeShard(everyKind, some, metadata)));
    const parsed = JSON.parse(tensorflow.run(READ, ...paths)) as Found[];
    for (const [at, path] of paths.entries()) {
      const reader = await open(path, everyKind);
      const names = ["boxes", "boxes/shape", "half", "image", "jpeg", "key", "label", "time"];
      expect(parsed[at]).toEqual({
        found: shardDigests(reader),
        batch: samples[at]?.map((_, n) => n - 3),
        names: lengths[at] === 0 ? [] : names,
      });
      reader.close();
    }
  });

  it("parses float32 and integer tensors of a shard of ours as lists of their shape", async () => {
    const schema: Schema = {
      fields: [
        { name: "weights", kind: "tensor", dtype: "float32", shape: [2, 3] },
        { name: "mask", kind: "tensor", dtype: "int8", shape: [2, 2] },
      ],
    };
    const path = await writeShard(schema, [
      new Map<string, SampleValue>([
        ["weights", Float32Array.of(0.1, -2, 3e38, 0, -0, 1e-45)],
        ["mask", Int8Array.of(-128, 127, 0, 1)],
      ]),
    ]);
    const program = `${PRELUDE}
spec = {"weights": fixed([2, 3], tf.float32), "mask": fixed([2, 2], tf.int64)}
for record in tf.data.TFRecordDataset(sys.argv[1]):
    sample = tf.io.parse_single_example(record, spec)
    print(json.dumps({"weights": sha(sample["weights"].numpy().tobytes()), "mask": sample["mask"].numpy().tolist()}))`;
    const reader = await open(path);
    expect(JSON.parse(tensorflow.run(program, path))).toEqual({
      weights: shardDigests(reader)["weights"]?.[0],
      mask: [
        [-128, 127],
        [0, 1],
      ],
    });
    reader.close();
  });

  it("parses tensors and scalars of every dtype, byte for byte what our reader returns", async () => {
    const fields = schemas.flatMap(([name, some]) => (name.includes("every dtype") ? some : []));
    const tensors = fields.filter((field) => field.kind === "tensor");
    expect(tensors.length).toBe(22);
    const path = await writeShard({ fields: tensors }, samplesOf({ fields: tensors }, count(5, 50)));
    const program = `${PRELUDE}
fields = [(f["name"], np.dtype(f["dtype"]), f["shape"]) for f in json.loads(sys.argv[2])]
in_bytes = lambda dtype, shape: dtype.name in ("float16", "float64") or (dtype.name == "uint8" and shape != [])
spec = {
    name: fixed([], tf.string) if in_bytes(dtype, shape) else fixed(shape, tf.float32 if dtype.name == "float32" else tf.int64)
    for name, dtype, shape in fields
}
found = {name: [] for name, _, _ in fields}
for record in tf.data.TFRecordDataset(sys.argv[1]):
    sample = tf.io.parse_single_example(record, spec)
    for name, dtype, shape in fields:
        value = sample[name]
        if in_bytes(dtype, shape): value = tf.reshape(tf.io.decode_raw(value, tf.as_dtype(dtype)), shape)
        found[name].append(sha(value.numpy().astype(dtype).tobytes()))
print(json.dumps(found))`;
    const reader = await open(path);
    expect(JSON.parse(tensorflow.run(program, path, JSON.stringify(tensors)))).toEqual(shardDigests(reader));
    reader.close();
  });

  it("writes files that we read, whatever the compression", async () => {
    const program = `${PRELUDE}
def write(path, compression):
    random = np.random.default_rng(7)
    found = {name: [] for name in ("image", "label", "embedding", "tags", "text")}
    with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(compression_type=compression)) as sink:
        for n in range(int(sys.argv[2])):
            image = random.bytes(random.integers(0, 3000))
            label = random.integers(-2**63, 2**63)
            embedding = random.random(5, np.float32)
            tags = random.integers(-9, 2**40, random.integers(0, 6))
            text = f"ä{n}🐈"
            feature = {
                "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image])),
                "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                "embedding": tf.train.Feature(float_list=tf.train.FloatList(value=embedding)),
                "tags": tf.train.Feature(int64_list=tf.train.Int64List(value=tags)),
                "text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()])),
            }
            sink.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
            for name, value in (("image", image), ("label", np.int64(label).tobytes()), ("embedding", embedding.tobytes()), ("text", text.encode())):
                found[name].append(sha(value))
            found["tags"].append(sha(tags.tobytes()) + str(list(tags.shape)))
    return found
print(json.dumps({compression: write(f"{sys.argv[1]}/{compression}.tfrecord", compression) for compression in ("", "GZIP", "ZLIB")}))`;
    const folder = tempDir();
    const written = JSON.parse(tensorflow.run(program, folder, String(count(200, 2000)))) as Record<
      string,
      Found["found"]
    >;
    expect(Object.keys(written)).toEqual(["", "GZIP", "ZLIB"]);
    for (const [compression, found] of Object.entries(written)) {
      const reader = await open(join(folder, `${compression}.tfrecord`));
      expect(reader.schema.fields.map(({ name, kind }) => [name, kind])).toEqual([
        ["embedding", "tensor"],
        ["image", "bytes"],
        ["label", "tensor"],
        ["tags", "ragged"],
        ["text", "bytes"],
      ]);
      expect(shardDigests(reader)).toEqual(found);
      expect(reader.extents("image") === undefined).toBe(compression !== "");
      reader.close();
    }
  });
});
