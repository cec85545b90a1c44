import { openFormat, type Sample, type SampleValue, type Schema, type ShardReader } from "@millrace/formats";
import { tempDir } from "@millrace/testkit";
import { join } from "node:path";

/** A field of every kind, and tensors of one, two, four and eight bytes an element. */
export const everyKind: Schema = {
  fields: [
    { name: "image", kind: "tensor", dtype: "uint8", shape: [4, 5, 3] },
    { name: "half", kind: "tensor", dtype: "float16", shape: [2] },
    { name: "label", kind: "tensor", dtype: "int32", shape: [] },
    { name: "time", kind: "tensor", dtype: "uint64", shape: [] },
    { name: "key", kind: "string" },
    { name: "jpeg", kind: "bytes", encoding: "jpeg" },
    { name: "boxes", kind: "ragged", dtype: "float32", rank: 2 },
  ],
};

/** Sample number `n`, told apart from every other by every field that can. */
export function everyKindSample(n: number): Sample {
  return new Map<string, SampleValue>([
    ["image", Uint8Array.from({ length: 60 }, (_, i) => n * 31 + i * 7)],
    ["half", Uint16Array.of(0x3c00, n)],
    ["label", Int32Array.of(n - 3)],
    ["time", BigUint64Array.of(2n ** 63n + BigInt(n))],
    ["key", n % 4 === 3 ? "" : `katze/${n}-ä🐈.jpg`],
    ["jpeg", Uint8Array.from({ length: (n * 5) % 7 }, (_, i) => n + i)],
    ["boxes", { data: Float32Array.from({ length: (n % 3) * 4 }, (_, i) => n + i / 4), shape: [n % 3, 4] }],
  ]);
}

/** Writes these samples into a new shard and returns its path. */
export async function writeShard(
  schema: Schema,
  samples: Iterable<Sample>,
  attributes?: ReadonlyMap<string, string>,
): Promise<string> {
  const path = join(tempDir(), "shard.arrow");
  const writer = await (await openFormat("arrow")).createWriter(path, { schema, attributes });
  for (const sample of samples) await writer.write(sample);
  await writer.finish();
  return path;
}

/** Writes samples 0 to `count - 1` of {@link everyKind}. */
export function writeEveryKind(count: number): Promise<string> {
  return writeShard(
    everyKind,
    Array.from({ length: count }, (_, n) => everyKindSample(n)),
  );
}

/** Every how many samples {@link severalBatchesSample} has one that fills a record batch. */
const FULL_EVERY = 1000;

/** A text that fills the memory of a record batch, so that a record batch ends before it and behind it. */
const FULL_KEY = "k".repeat(2 ** 22);

/** Sample `n` of {@link everyKind}; 999, 1999 and so on have a record batch of their own. */
export function severalBatchesSample(n: number): Sample {
  const sample = everyKindSample(n);
  return n % FULL_EVERY === FULL_EVERY - 1 ? new Map([...sample, ["key", FULL_KEY]]) : sample;
}

/** Writes samples 0 to `count - 1`: record batches of 999, 1, 999, 1 and so on. */
export function writeSeveralBatches(count: number): Promise<string> {
  return writeShard(
    everyKind,
    Array.from({ length: count }, (_, n) => severalBatchesSample(n)),
  );
}

/** Everything that a reader can be asked for. */
export function readAll(reader: ShardReader): Sample[] {
  for (const field of reader.schema.fields) reader.extents(field.name);
  return Array.from({ length: reader.length }, (_, row) => reader.read(row));
}
