import {
  createArray,
  DTYPES,
  elementsOf,
  openFormat,
  type Field,
  type Sample,
  type SampleValue,
  type Schema,
} from "@millrace/formats";
import { count, openOracle, tempDir } from "@millrace/testkit";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { shardDigests, valueDigest } from "../digests.js";
import { everyKind, severalBatchesSample, writeSeveralBatches, writeShard } from "./every-kind.js";
import { pyarrowRows } from "./pyarrow-rows.js";

const pyarrow = openOracle("pyarrow");
const arrow = await openFormat("arrow");

const READ = `${pyarrowRows}
table = ipc.open_file(pa.memory_map(sys.argv[1])).read_all()
table.validate(full=True)
stream = pa.memory_map(sys.argv[1])
stream.seek(8)
print(json.dumps({
  "types": {name: str(table.schema.field(name).type) for name in table.column_names},
  "nullable": any(field.nullable for field in table.schema),
  "rows": {name: list(rows(table[name])) for name in table.column_names},
  "batches": len(table.column(0).chunks),
  "equal": ipc.open_stream(stream).read_all().equals(table),
  "unaligned": sum(b.address % 64 for c in table.columns for k in c.chunks for b in k.buffers() if b and b.size),
}))`;

interface Found {
  readonly types: Record<string, string>;
  readonly nullable: boolean;
  readonly rows: Record<string, string[]>;
  readonly batches: number;
  readonly equal: boolean;
  readonly unaligned: number;
}

function readByPyarrow(path: string): Found {
  return JSON.parse(pyarrow.run(READ, path)) as Found;
}

describe.skipIf(pyarrow.skip)("pyarrow reads what we write", () => {
  it("an image tensor, streamed to the file, whose rows equal byte for byte what our reader returns", async () => {
    const schema: Schema = {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [64, 48, 3] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
        { name: "key", kind: "string" },
      ],
    };
    const samples = Array.from(
      { length: count(500, 2000) },
      (__, n): Sample =>
        new Map<string, SampleValue>([
          ["image", Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => (n * 2654435761 + i * 40503) >>> 8)],
          ["label", Int32Array.of(n % 7)],
          ["key", n % 400 === 399 ? "k".repeat(2 ** 22) : `klasse/ü${n}.jpg`],
        ]),
    );
    const path = await writeShard(schema, samples);
    const found = readByPyarrow(path);
    const reader = await arrow.openReader(path);
    expect(found.rows).toEqual(shardDigests(reader));
    reader.close();
    expect(found.types["image"]).toMatch(/fixed_shape_tensor\[value_type=uint8, shape=\[64,48,3\]\]/);
    expect(found).toMatchObject({ nullable: false, equal: true, unaligned: 0, batches: count(3, 10) });
  });

  it("every kind of field, with their canonical types", async () => {
    const found = readByPyarrow(await writeSeveralBatches(2100));
    const wrote = Array.from({ length: 2100 }, (_, n) => severalBatchesSample(n));
    for (const { name } of everyKind.fields)
      expect(found.rows[name]).toEqual(wrote.map((sample) => valueDigest(sample.get(name) as SampleValue)));
    expect(found.types).toEqual({
      image: "extension<arrow.fixed_shape_tensor[value_type=uint8, shape=[4,5,3]]>",
      half: "extension<arrow.fixed_shape_tensor[value_type=halffloat, shape=[2]]>",
      label: "int32",
      time: "uint64",
      key: "string",
      jpeg: "binary",
      boxes: "extension<arrow.variable_shape_tensor[value_type=float, ndim=2]>",
    });
    expect(found).toMatchObject({ nullable: false, equal: true, unaligned: 0, batches: 5 });
  });

  it("tensors and ragged values of every element type, of several shapes", async () => {
    const fields = DTYPES.flatMap((dtype): Field[] => [
      { name: `${dtype}-scalar`, kind: "tensor", dtype, shape: [] },
      { name: `${dtype}-vector`, kind: "tensor", dtype, shape: [5] },
      { name: `${dtype}-cube`, kind: "tensor", dtype, shape: [2, 1, 3] },
      { name: `${dtype}-ragged`, kind: "ragged", dtype, rank: 2 },
    ]);
    const path = await writeShard(
      { fields },
      Array.from({ length: 20 }, (_, n) => sampleOf(fields, n)),
    );
    const found = readByPyarrow(path);
    const reader = await arrow.openReader(path);
    expect(found.rows).toEqual(shardDigests(reader));
    reader.close();
    expect(found).toMatchObject({ nullable: false, equal: true, unaligned: 0, batches: 1 });
  });

  it("a shard without samples, with its schema", async () => {
    const found = readByPyarrow(await writeSeveralBatches(0));
    expect(Object.keys(found.types)).toEqual(everyKind.fields.map(({ name }) => name));
    expect(Object.values(found.rows).flat()).toEqual([]);
    expect(found.equal).toBe(true);
  });
});

/** Writes a table of every type that is read as file or stream, with or without compression, and prints its rows. */
const WRITE = `${pyarrowRows}
path, kind, codec = sys.argv[1:4]
random = np.random.default_rng(7)
words = ["cat", "dog", "emu", "a word of more than twelve bytes", ""]

def batch(n):
    columns = {}
    for dtype in "uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64".split():
        values = random.integers(0, 200, n * 6).astype(dtype)
        columns[dtype] = pa.array(values[:n])
        columns[dtype + "-cube"] = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(values.reshape(n, 2, 3))) if n else pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.from_numpy_dtype(dtype), [2, 3]), pa.array([], pa.list_(pa.from_numpy_dtype(dtype), 6)))
        lists = [random.integers(0, 100, random.integers(0, 5)).astype(dtype) for _ in range(n)]
        columns[dtype + "-list"] = pa.array(lists, pa.list_(pa.from_numpy_dtype(dtype)))
        columns[dtype + "-large"] = pa.array(lists, pa.large_list(pa.from_numpy_dtype(dtype)))
    columns["image"] = pa.FixedSizeListArray.from_arrays(pa.array(random.integers(0, 4, n * 3000, dtype=np.uint8)), 3000)
    columns["noise"] = pa.FixedSizeListArray.from_arrays(pa.array(random.integers(0, 256, n * 3000, dtype=np.uint8)), 3000)
    blobs = [random.bytes(random.integers(0, 90)) for _ in range(n)]
    for name, type_ in (("binary", pa.binary()), ("large_binary", pa.large_binary()), ("binary_view", pa.binary_view())):
        columns[name] = pa.array(blobs, type_)
    columns["fixed"] = pa.array([random.bytes(16) for _ in range(n)], pa.binary(16))
    texts = [words[i % 5] + "ß" * (i % 11) for i in range(n)]
    for name, type_ in (("utf8", pa.utf8()), ("large_utf8", pa.large_utf8()), ("utf8_view", pa.string_view())):
        columns[name] = pa.array(texts, type_)
    for bits in (8, 16, 32, 64):
        index = pa.array(random.integers(0, 5, n), getattr(pa, f"int{bits}")())
        columns[f"dictionary{bits}"] = pa.DictionaryArray.from_arrays(index, pa.array(words))
    columns["dictionary-bytes"] = pa.DictionaryArray.from_arrays(pa.array(random.integers(0, 5, n), pa.uint8()), pa.array([w.encode() for w in words], pa.large_binary()))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

whole = batch(400)
batches = [batch(0), whole.slice(0, 7), whole.slice(7, 1), whole.slice(9, 130), batch(0), whole.slice(139), batch(33)]
make = ipc.new_file if kind == "file" else ipc.new_stream
with make(path, whole.schema, options=ipc.IpcWriteOptions(compression=None if codec == "none" else codec)) as sink:
    for each in batches: sink.write_batch(each)
table = pa.Table.from_batches(batches)
print(json.dumps({name: list(rows(table[name])) for name in table.column_names}))`;

const CONTAINERS = ["file", "stream"].flatMap((kind) => ["none", "lz4", "zstd"].map((codec) => [kind, codec] as const));

describe.skipIf(pyarrow.skip)("we read what pyarrow writes", () => {
  it.each(CONTAINERS)(
    "every type in a %s with compression %s: slices, several record batches, empty ones among them",
    async (kind, codec) => {
      const path = join(tempDir(), "pyarrow.arrow");
      const found = JSON.parse(pyarrow.run(WRITE, path, kind, codec)) as Record<string, string[]>;
      const reader = await arrow.openReader(path);
      expect(reader.length).toBe(432);
      expect(shardDigests(reader)).toEqual(found);
      expect(reader.extents("image") === undefined).toBe(codec !== "none");
      reader.close();
    },
  );

  it.each(["lz4", "zstd"])("buffers of many blocks that are compressed by %s", async (codec) => {
    const path = join(tempDir(), "large.arrow");
    const program = `${pyarrowRows}
random = np.random.default_rng(3)
image = np.cumsum(random.integers(-1, 2, 24 * 2**20), dtype=np.int64).astype(np.uint8)
image[:2**22] = 0
image[2**22:2**23] = random.integers(0, 256, 2**22)
table = pa.table({"image": pa.FixedSizeListArray.from_arrays(pa.array(image), 2**20)})
with ipc.new_file(sys.argv[1], table.schema, options=ipc.IpcWriteOptions(compression=sys.argv[2])) as sink:
    sink.write_table(table)
print(json.dumps({"image": list(rows(table["image"]))}))`;
    const found = JSON.parse(pyarrow.run(program, path, codec)) as Record<string, string[]>;
    const reader = await arrow.openReader(path);
    expect(shardDigests(reader)).toEqual(found);
    reader.close();
  });
});

/** A sample of such fields that differs from every other. */
function sampleOf(fields: readonly Field[], n: number): Sample {
  return new Map(
    fields.map((field, number): [string, SampleValue] => {
      if (field.kind !== "tensor" && field.kind !== "ragged") return [field.name, ""];
      const shape = field.kind === "tensor" ? field.shape : [n % 3, (n + number) % 4];
      const data = createArray(field.dtype, elementsOf(shape));
      for (let i = 0; i < data.length; i++) data[i] = (typeof data[i] === "bigint" ? BigInt(n + i) : n + i) as never;
      return [field.name, field.kind === "tensor" ? data : { data, shape }];
    }),
  );
}
