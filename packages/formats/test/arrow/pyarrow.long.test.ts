import {
  openFormat,
  sampleBytes,
  type Sample,
  type SampleValue,
  type Schema,
  type ShardReader,
} from "@millrace/formats";
import { count, openOracle, tempDir } from "@millrace/testkit";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample, writeEveryKind, writeShard } from "./every-kind.js";

const pyarrow = openOracle("pyarrow");
const arrow = await openFormat("arrow");

/** What each program below begins with: the SHA-256 of the bytes of each row of each column, and of a ragged row's shape. */
const PRELUDE = `
import hashlib, json, sys
import numpy as np, pyarrow as pa, pyarrow.ipc as ipc
sha = lambda data: hashlib.sha256(bytes(data)).hexdigest()

def rows(column):
    for chunk in column.chunks:
        type_ = chunk.type
        if isinstance(type_, pa.FixedShapeTensorType):
            for row in chunk.to_numpy_ndarray(): yield sha(np.ascontiguousarray(row).tobytes())
        elif isinstance(type_, pa.BaseExtensionType):
            data, shape = chunk.storage.field("data"), chunk.storage.field("shape")
            for i in range(len(chunk)): yield sha(data[i].values.to_numpy().tobytes()) + str(shape[i].as_py())
        elif pa.types.is_string(type_):
            for row in chunk: yield sha(row.as_py().encode())
        elif pa.types.is_binary(type_):
            for row in chunk: yield sha(row.as_py())
        else:
            for row in chunk.to_numpy(): yield sha(row.tobytes())
`;

function sha(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function digest(value: SampleValue): string {
  const shape = typeof value === "string" || !("shape" in value) ? "" : `[${value.shape.join(", ")}]`;
  return sha(sampleBytes(value)) + shape;
}

function digests(reader: ShardReader): Record<string, string[]> {
  return Object.fromEntries(
    reader.schema.fields.map(({ name }) => [
      name,
      Array.from({ length: reader.length }, (_, row) => digest(reader.readField(row, name))),
    ]),
  );
}

const READ = `${PRELUDE}
table = ipc.open_file(pa.memory_map(sys.argv[1])).read_all()
table.validate(full=True)
stream = pa.memory_map(sys.argv[1])
stream.seek(8)
print(json.dumps({
  "types": {name: str(table.schema.field(name).type) for name in table.column_names},
  "nullable": any(field.nullable for field in table.schema),
  "rows": {name: list(rows(table[name])) for name in table.column_names},
  "batches": len(table["image"].chunks),
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

describe.skipIf(pyarrow.skip)("pyarrow", () => {
  it("opens our shard: an image tensor whose rows equal byte for byte what our reader returns", async () => {
    const schema: Schema = {
      fields: [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [64, 48, 3] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
        { name: "key", kind: "string" },
      ],
    };
    const samples = Array.from(
      { length: count(1500, 4000) },
      (__, n): Sample =>
        new Map<string, SampleValue>([
          ["image", Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => (n * 2654435761 + i * 40503) >>> 8)],
          ["label", Int32Array.of(n % 7)],
          ["key", `klasse/ü${n}.jpg`],
        ]),
    );
    const path = await writeShard(schema, samples);
    const found = JSON.parse(pyarrow.run(READ, path)) as Found;
    const reader = await arrow.openReader(path);
    expect(found.rows).toEqual(digests(reader));
    reader.close();
    expect(found.batches).toBeGreaterThan(3);
    expect(found.types["image"]).toMatch(/fixed_shape_tensor\[value_type=uint8, shape=\[64,48,3\]\]/);
    expect(found).toMatchObject({ nullable: false, equal: true, unaligned: 0 });
  });

  it("opens a shard of every kind of field, with their canonical types", async () => {
    const path = await writeEveryKind(2100);
    const found = JSON.parse(pyarrow.run(READ, path)) as Found;
    const wrote = Array.from({ length: 2100 }, (_, n) => everyKindSample(n));
    for (const { name } of everyKind.fields)
      expect(found.rows[name]).toEqual(wrote.map((sample) => digest(sample.get(name) as SampleValue)));
    expect(found.types).toEqual({
      image: "extension<arrow.fixed_shape_tensor[value_type=uint8, shape=[4,5,3]]>",
      half: "extension<arrow.fixed_shape_tensor[value_type=halffloat, shape=[2]]>",
      label: "int32",
      time: "uint64",
      key: "string",
      jpeg: "binary",
      boxes: "extension<arrow.variable_shape_tensor[value_type=float, ndim=2]>",
    });
    expect(found).toMatchObject({ nullable: false, equal: true, unaligned: 0, batches: 3 });
  });

  it("opens a shard without samples, with its schema", async () => {
    const found = JSON.parse(pyarrow.run(READ, await writeEveryKind(0))) as Found;
    expect(Object.keys(found.types)).toEqual(everyKind.fields.map(({ name }) => name));
    expect(Object.values(found.rows).flat()).toEqual([]);
    expect(found.equal).toBe(true);
  });

  it("writes files that we read: record batches of tensors, labels, bytes and texts", async () => {
    const path = join(tempDir(), "pyarrow.arrow");
    const found = JSON.parse(
      pyarrow.run(
        `${PRELUDE}
random = np.random.default_rng(7)
batches = []
for n in (100, 1, 333):
    images = random.integers(0, 256, (n, 32, 24, 3), dtype=np.uint8)
    jpegs = [random.bytes(random.integers(0, 2000)) for _ in range(n)]
    batches.append(pa.RecordBatch.from_arrays([
        pa.FixedShapeTensorArray.from_numpy_ndarray(images),
        pa.FixedShapeTensorArray.from_numpy_ndarray(random.random((n, 5))),
        pa.array(random.integers(0, 1000, n), pa.int64()),
        pa.array(jpegs, pa.binary()),
        pa.array([j.hex()[:9] + "ß" for j in jpegs], pa.utf8()),
    ], names=["image", "embedding", "label", "jpeg", "key"]))
with ipc.new_file(sys.argv[1], batches[0].schema) as sink:
    for batch in batches: sink.write_batch(batch)
table = pa.Table.from_batches(batches)
print(json.dumps({name: list(rows(table[name])) for name in table.column_names}))`,
        path,
      ),
    ) as Record<string, string[]>;
    const reader = await arrow.openReader(path);
    expect(reader.length).toBe(434);
    expect(digests(reader)).toEqual(found);
    reader.close();
  });
});
