import {
  byteLengthOf,
  offsetOf,
  openDataset,
  openFormat,
  sampleBytes,
  verifyDataset,
  type Schema,
} from "@millrace/formats";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { everyKind, everyKindSample, readAll } from "../arrow/every-kind.js";
import { bytesFeature, example, field, fileOf, int64Feature, open, payloadsOf, record, writeShard } from "./records.js";

const samples = Array.from({ length: 40 }, (_, n) => everyKindSample(n));

describe("the reader of TFRecord files", () => {
  it("has extents for what lies plain in the records, and none for packed integers", async () => {
    const path = await writeShard(everyKind, samples);
    const file = readFileSync(path);
    const reader = await open(path);
    const found = everyKind.fields.filter(({ name }) => reader.extents(name) !== undefined);
    expect(found.map(({ name }) => name)).toEqual(["image", "half", "key", "jpeg", "boxes"]);
    for (const { name } of found) {
      const extents = reader.extents(name);
      for (const [row, sample] of samples.entries()) {
        if (extents === undefined) continue;
        const at = offsetOf(extents, row);
        const value = sampleBytes(sample.get(name) ?? "");
        expect(file.subarray(at, at + byteLengthOf(extents, row)).equals(value)).toBe(true);
      }
    }
    reader.close();
  });

  it("checks a record when it is first read, and names both checksums", async () => {
    const path = await writeShard(everyKind, samples);
    const bytes = readFileSync(path);
    const at = bytes.indexOf(sampleBytes(samples[5]?.get("image") ?? ""));
    bytes.writeUInt8((bytes[at] as number) ^ 1, at);
    writeFileSync(path, bytes);
    const reader = await open(path);
    expect(reader.read(4)).toEqual(samples[4]);
    expect(() => reader.readField(5, "label")).toThrow(
      /sample 5, byte \d+: the masked crc32c of the record is wrong; expected 0x[0-9a-f]{8}, found 0x[0-9a-f]{8}/u,
    );
    expect(() => reader.checkRow?.(5)).toThrow(/the masked crc32c/u);
    reader.close();
    expect(() => reader.checkRow?.(5)).toThrow(/the masked crc32c/u);
    reader.checkRow?.(4);
    const trusting = await (await openFormat("tfrecord")).openReader(path, { verify: false });
    expect(trusting.readField(5, "label")).toEqual(samples[5]?.get("label"));
    trusting.close();
  });

  it("takes the caller's schema for a file that keeps none, with slashes for the dots of its names", async () => {
    const path = fileOf(
      record(example({ "image/encoded": bytesFeature("jpeg"), "a.b": int64Feature(1), "a/b": int64Feature(2) })),
    );
    const schema: Schema = {
      fields: [
        { name: "image.encoded", kind: "string" },
        { name: "a.b", kind: "tensor", dtype: "uint8", shape: [] },
      ],
    };
    const sample = (await open(path, schema)).read(0);
    expect(sample.get("image.encoded")).toBe("jpeg");
    expect(sample.get("a.b")).toEqual(Uint8Array.of(2));
    await expect(open(path, { fields: [] })).rejects.toMatchObject({ code: "SCHEMA" });
  });

  it("prefers the schema that a shard keeps to the caller's", async () => {
    const reader = await open(await writeShard(everyKind, samples), { fields: [{ name: "other", kind: "string" }] });
    expect(reader.schema).toEqual(everyKind);
    expect(readAll(reader)).toEqual(samples);
  });

  it("loses one sample, and not the shard, with a damaged first record and the schema of the manifest", async () => {
    const path = await writeShard(everyKind, samples);
    const bytes = readFileSync(path);
    bytes.writeUInt8((bytes[20] as number) ^ 1, 20);
    writeFileSync(path, bytes);
    await expect(open(path)).rejects.toThrow(/sample 0, byte 12: the masked crc32c of the record is wrong/u);
    const reader = await open(path, everyKind);
    expect(() => reader.read(0)).toThrow(/the masked crc32c/u);
    expect(reader.read(39)).toEqual(samples[39]);
  });

  it("opens an empty file by a schema only", async () => {
    await expect(open(fileOf())).rejects.toThrow(/the file is empty; expected a record/u);
    const reader = await open(fileOf(), everyKind);
    expect([reader.length, reader.extents("image")?.length, reader.schema]).toEqual([0, 0, everyKind]);
  });

  it("reads a shard whose first record others extended with fields of their own", async () => {
    const path = await writeShard({ fields: [{ name: "key", kind: "string" }] }, [new Map([["key", "a"]])]);
    const [first] = payloadsOf(path) as [Buffer];
    const reader = await open(fileOf(record(Buffer.concat([field(900, "more"), first]))));
    expect(reader.read(0)).toEqual(new Map([["key", "a"]]));
  });
});

describe("openDataset and verifyDataset", () => {
  it("open a single TFRecord file of others, and find its damaged records by its own checksums", async () => {
    const rows = Array.from({ length: 30 }, (_, n) =>
      record(example({ image: bytesFeature(`\u00ff${n}`), label: int64Feature(n) })),
    );
    const path = fileOf(...rows);
    await using dataset = await openDataset(path);
    expect(dataset.schema.fields.map(({ name }) => name)).toEqual(["image", "label"]);
    expect((await dataset.split("train").read(29)).get("label")).toEqual(BigInt64Array.of(29n));
    expect(await verifyDataset(path)).toMatchObject({ ok: true, samples: 30, checksummed: false });
    const bytes = readFileSync(path);
    bytes.writeUInt8(0, bytes.lastIndexOf("29") + 1);
    writeFileSync(path, bytes);
    await using damaged = await openDataset(path);
    await expect(damaged.split("train").read(29)).rejects.toMatchObject({
      code: "CORRUPT_SHARD",
      detail: { sample: 29 },
    });
    expect((await verifyDataset(path)).damages).toMatchObject([
      { kind: "sample", sample: 29, field: "image" },
      { kind: "sample", sample: 29, field: "label" },
    ]);
  });

  it.each(["x.tfrecords", "x.TFRecord", "x.tfrecord.gz"])("know the format by the name %s", async (name) => {
    const path = fileOf(record(example({ label: int64Feature(1) })));
    renameSync(path, path.replace("data.tfrecord", name));
    await using dataset = await openDataset(path.replace("data.tfrecord", name));
    expect(dataset.format).toBe("tfrecord");
  });
});
