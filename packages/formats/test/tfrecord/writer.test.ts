import { openFormat, type Sample, type SampleValue, type Schema } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bytesFeature, example, field, int64Feature, open, payloadsOf, record, varint, writeShard } from "./records.js";

function shardOf(fields: Schema["fields"], ...values: readonly Record<string, SampleValue>[]): Promise<string> {
  return writeShard(
    { fields },
    values.map((value): Sample => new Map(Object.entries(value))),
  );
}

function bytes(...values: number[]): Buffer {
  return Buffer.from(values);
}

describe("a TFRecord shard", () => {
  it("holds each kind of field in the list that tf.io parses it from, small ones first", async () => {
    const path = await shardOf(
      [
        { name: "image", kind: "tensor", dtype: "uint8", shape: [3] },
        { name: "label", kind: "tensor", dtype: "int32", shape: [] },
        { name: "level", kind: "tensor", dtype: "uint8", shape: [] },
        { name: "id", kind: "tensor", dtype: "uint64", shape: [] },
        { name: "weight", kind: "tensor", dtype: "float32", shape: [2] },
        { name: "exact", kind: "tensor", dtype: "float64", shape: [] },
        { name: "boxes", kind: "ragged", dtype: "int16", rank: 2 },
        { name: "key", kind: "string" },
        { name: "jpeg", kind: "bytes", encoding: "jpeg" },
      ],
      ...[0, 1].map((n) => ({
        image: Uint8Array.of(7, 8, n),
        label: Int32Array.of(-1),
        level: Uint8Array.of(255),
        id: BigUint64Array.of(2n ** 64n - 1n),
        weight: Float32Array.of(1, 2),
        exact: Float64Array.of(1),
        boxes: { data: Int16Array.of(1, 2), shape: [2, 1] },
        key: "kä",
        jpeg: new Uint8Array(500).fill(9),
      })),
    );
    const payload = payloadsOf(path)[1] as Buffer;
    expect(payload).toEqual(
      example({
        level: int64Feature(255),
        "boxes/shape": int64Feature(2, 1),
        image: bytesFeature(bytes(7, 8, 1)),
        key: bytesFeature("kä"),
        boxes: bytesFeature(bytes(1, 0, 2, 0)),
        weight: field(2, field(1, bytes(0, 0, 128, 63, 0, 0, 0, 64))),
        exact: bytesFeature(bytes(0, 0, 0, 0, 0, 0, 240, 63)),
        label: int64Feature(-1n),
        id: int64Feature(-1n),
        jpeg: bytesFeature(Buffer.alloc(500, 9)),
      }),
    );
  });

  it("keeps its schema and the number of its samples in its first record, in a field that Example does not have", async () => {
    const path = await shardOf([{ name: "key", kind: "string" }], { key: "a" }, { key: "b" });
    const [first, second] = payloadsOf(path) as [Buffer, Buffer];
    const plain = example({ key: bytesFeature("a") });
    expect(first.subarray(0, plain.length)).toEqual(plain);
    const schema = '{"fields":[{"name":"key","kind":"string"}]}';
    const samples = Buffer.concat([varint(2 * 8 + 1), Buffer.from([2, 0, 0, 0, 0, 0, 0, 0])]);
    expect(first.subarray(plain.length)).toEqual(
      field(20_100, field(1, field(1, "millrace.schema"), field(2, schema)), samples),
    );
    expect(second).toEqual(example({ key: bytesFeature("b") }));
    expect(statSync(path).size).toBe(record(first).length + record(second).length);
  });

  it("without samples is an empty file", async () => {
    expect(statSync(await shardOf([{ name: "key", kind: "string" }])).size).toBe(0);
  });

  it("takes samples larger than what is gathered before a write, between small ones", async () => {
    const values = [10, 3_000_000, 0, 2 ** 20, 500_000, 600_000].map((length, n) => ({
      x: Uint8Array.from({ length }, (_, i) => (n + i * 7) >>> (i % 3)),
    }));
    const reader = await open(await shardOf([{ name: "x", kind: "bytes", encoding: "none" }], ...values));
    for (const [row, { x }] of values.entries())
      expect(Buffer.compare(reader.readField(row, "x") as Uint8Array, x)).toBe(0);
    reader.close();
  });

  it("refuses attributes and texts that would not come back", async () => {
    const format = await openFormat("tfrecord");
    const schema: Schema = { fields: [{ name: "key", kind: "string" }] };
    const path = join(tempDir(), "x.tfrecord");
    for (const attributes of [new Map([["millrace.schema", "{}"]]), new Map([["a", "\ud800"]])])
      await expect(format.createWriter(path, { schema, attributes })).rejects.toMatchObject({ code: "OPTION" });
    const writer = await format.createWriter(path, { schema });
    await expect(writer.write(new Map([["key", "\udfff"]]))).rejects.toThrow(/field key: has half a surrogate pair/u);
    await writer.write(new Map([["key", "good"]]));
    await writer.finish();
    expect((await open(path)).read(0)).toEqual(new Map([["key", "good"]]));
  });
});
