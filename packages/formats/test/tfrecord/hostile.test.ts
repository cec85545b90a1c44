import { isMillraceError, openFormat, type Dtype, type Schema } from "@millrace/formats";
import { count, tempDir } from "@millrace/testkit";
import { copyFileSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readAll } from "../arrow/every-kind.js";
import {
  bytesFeature,
  example,
  field,
  fileOf,
  header,
  int64Feature,
  open,
  payloadsOf,
  record,
  varint,
  writeShard,
} from "./records.js";

/** The error with which opening a file and reading all of it ends. */
async function failure(path: string, schema?: Schema): Promise<{ code: string; message: string }> {
  try {
    readAll(await open(path, schema));
  } catch (error) {
    if (isMillraceError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: "no error", message: "" };
}

const label: Schema = { fields: [{ name: "label", kind: "tensor", dtype: "int32", shape: [] }] };
const sound = record(example({ label: int64Feature(7) }));

describe("a TFRecord file whose length claims", () => {
  it.each([2n ** 63n, 2n ** 60n, 2n ** 53n, 2n ** 32n, 100n])(
    "%i bytes is refused before memory is taken",
    async (length) => {
      const { code, message } = await failure(fileOf(sound, header(length), Buffer.alloc(20)), label);
      expect(code).toBe("CORRUPT_SHARD");
      expect(message).toContain(`sample 1, byte ${sound.length}: the file ends within the record`);
    },
  );
});

describe("a record that is no tf.train.Example", () => {
  const cases: [string, Uint8Array][] = [
    ["a message that passes the record's end", Buffer.concat([varint(10), varint(1000)])],
    ["a message of exabytes", Buffer.concat([varint(10), varint(2n ** 62n)])],
    [
      "a feature that passes its entry's end",
      field(1, field(1, field(1, "label"), Buffer.concat([varint(18), varint(99)]))),
    ],
    ["a number without end", Buffer.from([10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1])],
    ["a tag of number 0", Buffer.from([2, 0])],
    ["a tag past 32 bits", Buffer.concat([varint(2n ** 40n), Buffer.from([0])])],
    ["a group", Buffer.from([11, 12])],
    ["half a fixed number", Buffer.from([0x79, 1, 2])],
  ];
  it.each(cases)("by %s names the sample and the byte", async (_, payload) => {
    const path = fileOf(sound, record(payload));
    const { code, message } = await failure(path, label);
    expect(code).toBe("CORRUPT_SHARD");
    expect(message).toMatch(/sample 1, byte \d+: the record .*, so it is no tf\.train\.Example/u);
    expect((await open(path, label)).readField(0, "label")).toEqual(Int32Array.of(7));
  });

  it("takes the extents of all, as reading tells which sample is damaged", async () => {
    const schema: Schema = { fields: [{ name: "key", kind: "string" }] };
    const good = record(example({ key: bytesFeature("a") }));
    expect((await open(fileOf(good, good), schema)).extents("key")?.length).toBe(2);
    expect((await open(fileOf(good, record(Buffer.from("text"))), schema)).extents("key")).toBeUndefined();
  });
});

function tensor(dtype: Dtype, shape: number[]): Schema {
  return { fields: [{ name: "x", kind: "tensor", dtype, shape }] };
}

describe("a feature that is not what the schema says", () => {
  const bytes: Schema = { fields: [{ name: "x", kind: "bytes", encoding: "none" }] };
  const text: Schema = { fields: [{ name: "x", kind: "string" }] };
  const ragged: Schema = { fields: [{ name: "x", kind: "ragged", dtype: "int16", rank: 2 }] };
  const cases: [string, Schema, Record<string, Uint8Array>, RegExp][] = [
    ["is not there", bytes, { y: bytesFeature("a") }, /sample 0, field x: the sample has no such feature/u],
    ["has no value", bytes, { x: bytesFeature() }, /expected a bytes_list of one value, found a bytes_list of 0/u],
    ["has two values", text, { x: bytesFeature("a", "b") }, /found a bytes_list of 2 values/u],
    ["is numbers", bytes, { x: int64Feature(1) }, /expected a bytes_list of one value, found a int64_list/u],
    ["is no UTF-8", text, { x: bytesFeature(Uint8Array.of(0xc3)) }, /the text is not UTF-8/u],
    ["is too large a number", tensor("int8", []), { x: int64Feature(128) }, /does not fit int8; found 128/u],
    ["is below zero", tensor("uint8", []), { x: int64Feature(-1n) }, /does not fit uint8; found -1/u],
    ["has too many elements", tensor("int8", [2]), { x: int64Feature(1, 2, 3) }, /expected 2, found more/u],
    ["has too few elements", tensor("int8", [3]), { x: int64Feature(1, 200n, 3) }, /does not fit int8/u],
    ["has fewer elements than bytes", tensor("int8", [4]), { x: int64Feature(1, -1n) }, /expected 4, found 2/u],
    ["has fewer bytes than elements", tensor("int8", [99]), { x: int64Feature(1) }, /expected 99, found at most/u],
    ["is floats", tensor("int8", []), { x: field(2, field(1, "1234")) }, /found a float_list/u],
    ["is integers", tensor("float32", []), { x: int64Feature(1) }, /found a int64_list/u],
    ["is half a float", tensor("float32", []), { x: field(2, field(1, "123")) }, /the list is damaged/u],
    ["is bytes of half an element", tensor("float64", []), { x: bytesFeature("1234567") }, /do not divide/u],
    ["is bytes of another size", tensor("uint8", [9]), { x: bytesFeature("1234567") }, /expected 9, found 7/u],
    ["has no shape", ragged, { x: bytesFeature("12") }, /the sample has no shape/u],
    [
      "has a shape of another rank",
      ragged,
      { x: bytesFeature("12"), "x/shape": int64Feature(1) },
      /found at most|found 1/u,
    ],
    ["has another shape", ragged, { x: bytesFeature("1234"), "x/shape": int64Feature(1, 3) }, /found \[1, 3\]/u],
    [
      "has a shape below zero",
      ragged,
      { x: bytesFeature("12"), "x/shape": int64Feature(-1n, -1n) },
      /found \[-1, -1\]/u,
    ],
    ["has numbers without end", tensor("uint64", [1]), { x: field(3, field(1, Buffer.alloc(3, 255))) }, /is damaged/u],
    ["has a list past its end", tensor("uint64", []), { x: field(3, Buffer.from([10, 99, 1])) }, /is damaged/u],
  ];
  it.each(cases)("as it %s is named", async (_, schema, features, text_) => {
    const { code, message } = await failure(fileOf(record(example(features))), schema);
    expect(message).toMatch(text_);
    expect(code).toBe("CORRUPT_SHARD");
  });
});

describe("a shard of ours", () => {
  it("that was never finished says so", async () => {
    const path = join(tempDir(), "killed.tfrecord");
    const schema: Schema = { fields: [{ name: "x", kind: "bytes", encoding: "none" }] };
    const writer = await (await openFormat("tfrecord")).createWriter(path, { schema });
    for (let n = 0; n < 3; n++) await writer.write(new Map([["x", new Uint8Array(2 ** 20).fill(n)]]));
    const copy = join(tempDir(), "copy.tfrecord");
    copyFileSync(path, copy);
    await writer.abort();
    expect(await failure(copy)).toMatchObject({
      code: "CORRUPT_SHARD",
      message: expect.stringContaining("never finished") as string,
    });
  });

  it("that was joined with another, or lost a sample, tells both numbers", async () => {
    const one = readFileSync(await writeShard(label, [new Map([["label", Int32Array.of(1)]])]));
    const { message } = await failure(fileOf(one, one));
    expect(message).toMatch(/another number of samples than it says itself; expected 1, found 2/u);
  });
});

describe("a file of others that is cut off", () => {
  it("is found damaged but where a record ends", async () => {
    const fixture = fileURLToPath(new URL("../../../../fixtures/tfrecord/photos.tfrecord", import.meta.url));
    const bytes = readFileSync(fixture);
    let end = 0;
    const ends = payloadsOf(fixture).map(({ length }) => (end += length + 16));
    const path = fileOf(bytes);
    const whole: number[] = [];
    for (let length = bytes.length - 1; length > 0; length--) {
      // In the quick tier, only where a record begins or ends, and here and there.
      if (length % count(50, 1) !== 0 && !ends.some((at) => Math.abs(at - length) < 14)) continue;
      truncateSync(path, length);
      if ((await failure(path)).code !== "CORRUPT_SHARD") whole.push(length);
    }
    expect(whole.toReversed()).toEqual(ends.slice(0, -1));
  });
});

describe("a compressed file", () => {
  it("that becomes far larger than it is, is refused", async () => {
    const path = fileOf(gzipSync(Buffer.alloc(70 * 2 ** 20)));
    expect(await failure(path)).toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("becomes too large; expected at most 67108864 bytes") as string,
    });
  });

  it("of records has no extents, but all values", async () => {
    const reader = await open(fileOf(gzipSync(Buffer.concat([sound, sound]))), label);
    expect(reader.length).toBe(2);
    expect(reader.extents("label")).toBeUndefined();
    expect(reader.readField(1, "label")).toEqual(Int32Array.of(7));
  });

  it("of something else is no TFRecord file", async () => {
    expect(await failure(fileOf(gzipSync("some text")))).toMatchObject({ code: "CORRUPT_SHARD" });
  });
});

describe("a record of thousands of features", () => {
  it("is opened by those that its schema names", async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`f${n}`, int64Feature(n)]));
    const reader = await open(fileOf(record(example(many))), {
      fields: [{ name: "f19999", kind: "tensor", dtype: "int64", shape: [] }],
    });
    expect(reader.readField(0, "f19999")).toEqual(BigInt64Array.of(19_999n));
  });

  it("is refused where there are more than any data set has, before time is spent on them", async () => {
    const entry = field(1, field(1, "x"), field(2, int64Feature(1)));
    const payload = field(1, Buffer.concat(Array.from({ length: 70_000 }, () => entry)));
    expect(await failure(fileOf(record(payload)))).toMatchObject({
      code: "CORRUPT_SHARD",
      message: expect.stringContaining("has more than 65536 features") as string,
    });
  });

  it("has a schema of the first thousand", async () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`f${n}`, int64Feature(n)]));
    expect((await open(fileOf(record(example(many))))).schema.fields.length).toBe(1000);
  });
});
