import {
  openFormat,
  type Compression,
  type Sample,
  type SampleValue,
  type Schema,
  type ShardReader,
} from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { join } from "node:path";

/** A field of every kind, tensors of one, two, four and eight bytes an element, and more fields than a group's header keeps. */
export const everyKind: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [4, 5, 3] },
    { name: "half", kind: "tensor", dtype: "float16", shape: [3] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "time", kind: "tensor", dtype: "uint64", shape: [] },
    { name: "mean", kind: "tensor", dtype: "float64", shape: [2] },
    { name: "key", kind: "string" },
    { name: "caption", kind: "string" },
    { name: "jpeg", kind: "bytes", encoding: "jpeg" },
    { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 },
    { name: "points", kind: "ragged", dtype: "float16", rank: 1 },
  ],
};

/** Sample number `n`, told apart from every other by every field that can. */
export function everyKindSample(n: number): Sample {
  return new Map<string, SampleValue>([
    ["image", Uint8Array.from({ length: 60 }, (_, i) => n * 31 + i * 7)],
    ["half", Uint16Array.of(0x3c00, n, 0xfc00 + n)],
    ["label", Int32Array.of(n - 3)],
    ["time", BigUint64Array.of(2n ** 63n + BigInt(n))],
    ["mean", Float64Array.of(n / 3, -n)],
    ["key", n % 4 === 3 ? "" : `katze/${n}-ä🐈.jpg`],
    ["caption", n === 1 ? "x".repeat(5000) : `caption ${n}`],
    ["jpeg", Uint8Array.from({ length: (n * 5) % 7 }, (_, i) => n + i)],
    ["boxes", { data: Float32Array.from({ length: (n % 3) * 4 }, (_, i) => n + i / 4), shape: [n % 3, 4] }],
    ["points", { data: Uint16Array.from({ length: n % 5 }, (_, i) => 0x4000 + n + i), shape: [n % 5] }],
  ]);
}

/** Writes these samples into a new shard and returns its path. */
export async function writeShard(
  schema: Schema,
  samples: readonly Sample[],
  expectedSamples?: number,
  compression?: Compression,
): Promise<string> {
  const path = join(tempDir(), "shard.h5");
  const writer = await (await openFormat("hdf5")).createWriter(path, { schema, expectedSamples, compression });
  for (const sample of samples) await writer.write(sample);
  await writer.finish();
  return path;
}

/** Writes samples 0 to `length - 1` of {@link everyKind}, whose number is known from the beginning. */
export function writeEveryKind(length: number): Promise<string> {
  return writeShard(
    everyKind,
    Array.from({ length }, (_, n) => everyKindSample(n)),
    length,
  );
}

/** Everything that a reader can be asked for. */
export function readAll(reader: ShardReader): Sample[] {
  for (const field of reader.schema.fields) reader.extents(field.name);
  return Array.from({ length: reader.length }, (_, row) => reader.read(row));
}
