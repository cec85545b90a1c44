import { crc32c, openFormat, type Sample, type Schema, type ShardReader } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The masked CRC of TFRecord, written down a second time. */
export function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The header of a record that says it has `length` bytes, with the right checksum. */
export function header(length: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(length);
  return Buffer.concat([bytes, uint32(masked(bytes))]);
}

/** A record, with right checksums. */
export function record(payload: Uint8Array): Buffer {
  return Buffer.concat([header(BigInt(payload.length)), payload, uint32(masked(payload))]);
}

/** The payloads of a file whose lengths are right. */
export function payloadsOf(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const payloads: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    payloads.push(bytes.subarray(at + 12, at + 12 + length));
    at += length + 16;
  }
  return payloads;
}

/** A protobuf varint. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

/** A protobuf field of a message, a text or bytes. */
export function field(number: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)));
  return Buffer.concat([varint(number * 8 + 2), varint(value.length), value]);
}

/** A `tf.train.Example` of features that are given as encoded `Feature` messages. */
export function example(features: Readonly<Record<string, Uint8Array>>): Buffer {
  return field(1, ...Object.entries(features).map(([key, feature]) => field(1, field(1, key), field(2, feature))));
}

/** A `Feature` that is a list of bytes. */
export function bytesFeature(...values: readonly (Uint8Array | string)[]): Buffer {
  return field(1, ...values.map((value) => field(1, value)));
}

/** A `Feature` that is a list of integers. */
export function int64Feature(...values: readonly (number | bigint)[]): Buffer {
  return field(3, field(1, ...values.map(varint)));
}

/** A new file of these bytes. */
export function fileOf(...parts: readonly Uint8Array[]): string {
  const path = join(tempDir(), "data.tfrecord");
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

/** Opens a file, with a schema or without. */
export async function open(path: string, schema?: Schema): Promise<ShardReader> {
  return await (await openFormat("tfrecord")).openReader(path, { schema });
}

/** Writes samples into a new shard and returns its path. */
export async function writeShard(
  schema: Schema,
  samples: Iterable<Sample>,
  attributes?: ReadonlyMap<string, string>,
): Promise<string> {
  const path = join(tempDir(), "shard.tfrecord");
  const writer = await (await openFormat("tfrecord")).createWriter(path, { schema, attributes });
  for (const sample of samples) await writer.write(sample);
  await writer.finish();
  return path;
}
