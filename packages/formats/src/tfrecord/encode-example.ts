import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { bytesOfPart, type ChecksummedBytes } from "../combined-checksum.js";
import { bytesOf } from "../dtype.js";
import { SchemaError } from "../errors.js";
import type { Field, RaggedValue, Sample, SampleValue, Schema } from "../schema.js";
import { encodeText } from "../utf8.js";
import { EXAMPLE, LIST_NUMBER, type ListKind } from "./example.js";

/** A protobuf message is smaller than 2 GiB; this leaves room for the metadata of the shard's first. */
const MAX_EXAMPLE_BYTES = 2 ** 31 - 2 ** 22;

/**
 * The list in which a field is kept. Numbers that `tf.io.FixedLenFeature` can parse are kept as such, pixels and what a
 * list has no type for as their bytes, for `tf.io.decode_raw`.
 *
 * | field | feature |
 * | --- | --- |
 * | tensor of `uint8`, but for a scalar | `bytes_list` of one value, the elements |
 * | tensor of other integers, scalar of `uint8` | `int64_list`; of `uint64` the bits |
 * | tensor of `float32` | `float_list` |
 * | tensor of `float16`, `float64` | `bytes_list` of one value, the elements |
 * | ragged | `bytes_list` of one value, the elements; and `<name>/shape`, an `int64_list` |
 * | bytes; string | `bytes_list` of one value; its UTF-8 |
 */
export function listKindOf(field: Field): ListKind {
  if (field.kind !== "tensor") return "bytes";
  if (field.dtype === "float32") return "float";
  if (field.dtype === "float16" || field.dtype === "float64") return "bytes";
  return field.dtype === "uint8" && field.shape.length > 0 ? "bytes" : "int64";
}

/** Name of the feature that holds the shape of a ragged field. A field's name has no slash, so no other has this one. */
export function shapeKey(name: string): string {
  return `${name}/shape`;
}

/** A feature in the making. */
interface Feature {
  readonly key: string;
  readonly kind: ListKind;
  /** The bytes of its one value, or its packed numbers. */
  readonly body: Uint8Array;
  /** CRC-32C of `body`, where the caller has it. */
  readonly checksum?: number | undefined;
}

/**
 * The bytes of a `tf.train.Example`, sharing the memory of the sample where they can. Small features come first, so that
 * one read of a record's begin tells where all of them lie.
 *
 * @param checksums by field, of the bytes of values
 * @throws SchemaError if a text is not UTF-8 or the message passes 2 GiB.
 */
export function encodeExample(
  schema: Schema,
  sample: Sample,
  checksums: ReadonlyMap<string, number>,
): (Uint8Array | ChecksummedBytes)[] {
  const features = schema.fields.flatMap((field) =>
    featuresOf(field, sample.get(field.name) as SampleValue, checksums.get(field.name)),
  );
  const entries = features
    .toSorted((a, b) => a.body.length - b.body.length)
    .flatMap((feature) => [entryHead(feature), bodyOf(feature)]);
  const length = entries.reduce((sum, part) => sum + bytesOfPart(part).length, 0);
  if (length > MAX_EXAMPLE_BYTES) {
    throw new SchemaError({
      problem: "the sample is too large for a tf.train.Example",
      expected: "less than 2 GiB",
      found: `${length} bytes`,
    });
  }
  const head = new BinaryWriter().tag(EXAMPLE.features, WireType.LengthDelimited).uint32(length).finish();
  return [head, ...entries];
}

function bodyOf({ body, checksum }: Feature): Uint8Array | ChecksummedBytes {
  return checksum === undefined ? body : { bytes: body, crc32c: checksum };
}

function featuresOf(field: Field, value: SampleValue, checksum: number | undefined): Feature[] {
  const { name } = field;
  if (typeof value === "string") return [{ key: name, kind: "bytes", body: encodeText(value, name), checksum }];
  if ("shape" in value) {
    return [
      { key: name, kind: "bytes", body: bytesOf(value.data), checksum },
      { key: shapeKey(name), kind: "int64", body: packed(value) },
    ];
  }
  const kind = listKindOf(field);
  if (kind !== "int64") return [{ key: name, kind, body: bytesOf(value), checksum }];
  return [{ key: name, kind, body: packedNumbers(value as Iterable<number | bigint>) }];
}

function packed({ shape }: RaggedValue): Uint8Array {
  return packedNumbers(shape);
}

function packedNumbers(values: Iterable<number | bigint>): Uint8Array {
  const writer = new BinaryWriter();
  for (const value of values) writer.int64(typeof value === "bigint" ? BigInt.asIntN(64, value) : value);
  return writer.finish();
}

/** What stands before the body of a map entry: four lengths, from the outside in. */
function entryHead({ key, kind, body }: Feature): Uint8Array {
  const name = Buffer.from(key, "utf8");
  const list = 1 + varintBytes(body.length) + body.length;
  const feature = 1 + varintBytes(list) + list;
  const entry = 1 + varintBytes(name.length) + name.length + 1 + varintBytes(feature) + feature;
  return new BinaryWriter()
    .tag(EXAMPLE.entry, WireType.LengthDelimited)
    .uint32(entry)
    .tag(EXAMPLE.key, WireType.LengthDelimited)
    .bytes(name)
    .tag(EXAMPLE.feature, WireType.LengthDelimited)
    .uint32(feature)
    .tag(LIST_NUMBER[kind], WireType.LengthDelimited)
    .uint32(list)
    .tag(EXAMPLE.value, WireType.LengthDelimited)
    .uint32(body.length)
    .finish();
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
