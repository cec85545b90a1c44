import { sampleBytes, type Sample, type SampleValue, type ShardReader } from "@millrace/formats";
import { createHash } from "node:crypto";

/** The SHA-256 of a value's bytes, and its shape if it is ragged: what the Python programs of the oracles print too. */
export function valueDigest(value: SampleValue): string {
  const shape = typeof value === "string" || !("shape" in value) ? "" : `[${value.shape.join(", ")}]`;
  return createHash("sha256").update(sampleBytes(value)).digest("hex") + shape;
}

/** The digests of all values of a shard, by field. */
export function shardDigests(reader: ShardReader): Record<string, string[]> {
  return Object.fromEntries(
    reader.schema.fields.map(({ name }) => [
      name,
      Array.from({ length: reader.length }, (_, row) => valueDigest(reader.readField(row, name))),
    ]),
  );
}

/** A digest of samples: names, shapes and bytes. */
export function digest(samples: readonly Sample[]): string {
  const hash = createHash("sha256");
  for (const sample of samples) {
    for (const [name, value] of sample) {
      const shape = typeof value === "string" || !("shape" in value) ? "" : value.shape.join();
      const bytes = sampleBytes(value);
      hash.update(`${name} ${shape} ${bytes.length} `).update(bytes);
    }
  }
  return hash.digest("hex");
}
