import { statSync } from "node:fs";
import { crc32c, crcText } from "./checksum.js";
import { CorruptShardError, fileError, type ErrorPlace } from "./errors.js";
import type { ShardReader } from "./format.js";
import { schemaText } from "./schema-text.js";
import type { Schema } from "./schema.js";
import type { ShardLocation } from "./shard.js";
import { indexPathOf, type ShardIndex } from "./shard-index.js";

const FIX = "copy the shard again, or repeat the conversion";

/** What stands before the name of a field in the name of the column of its checksums. */
export const CHECKSUM_PREFIX = "crc32c/";

/** The checksums of a field, one a sample; `undefined` if the sidecar has none. */
export function checksumColumn(index: ShardIndex, field: string): Uint32Array | undefined {
  const column = index.columns.get(CHECKSUM_PREFIX + field);
  return column instanceof Uint32Array ? column : undefined;
}

/**
 * Checks that a sidecar has a checksum of every field of every sample.
 * @throws CorruptShardError naming the field.
 */
export function checkColumns(location: ShardLocation, index: ShardIndex): void {
  const { path, samples, schema } = location;
  const missing = schema.fields.find(({ name }) => checksumColumn(index, name)?.length !== samples);
  if (missing === undefined && index.samples === samples) return;
  const found = missing === undefined ? index.samples : checksumColumn(index, missing.name)?.length;
  throw new CorruptShardError({
    file: indexPathOf(path),
    field: missing?.name,
    problem: "the shard index does not have the checksums of the samples",
    expected: String(samples),
    found: String(found ?? "none"),
    fix: FIX,
  });
}

/**
 * Checks the size of a file.
 * @throws CorruptShardError with expected and found; FileError if it is not there.
 */
export function checkSize(path: string, expected: number): void {
  let size: number;
  try {
    size = statSync(path).size;
  } catch (error) {
    throw fileError(path, "open the shard", error);
  }
  if (size !== expected) {
    throw new CorruptShardError({
      file: path,
      problem: "has another size than it should",
      expected: `${expected} bytes`,
      found: `${size}`,
      fix: FIX,
    });
  }
}

/**
 * Checks that an open file holds the samples that it should: so many, and with a manifest of that schema. A format whose
 * file does not keep its schema was opened with the schema of the manifest, and then has it.
 * @throws CorruptShardError with expected and found.
 */
export function checkReader(location: ShardLocation, reader: ShardReader): void {
  if (reader.length !== location.samples) {
    throw new CorruptShardError({
      file: location.path,
      problem: "holds another number of samples",
      expected: String(location.samples),
      found: String(reader.length),
      fix: "run millrace verify",
    });
  }
  if (location.entry !== undefined) checkSameSchema(location.path, location.schema, reader.schema);
}

/**
 * Checks that the schema of a file is the one that it should have.
 * @throws CorruptShardError naming the first field that differs.
 */
export function checkSameSchema(file: string, expected: Schema, found: Schema): void {
  const [wanted, there] = [expected, found].map((schema) => schema.fields.map((field) => textOf(field))) as [
    string[],
    string[],
  ];
  const at = Array.from({ length: Math.max(wanted.length, there.length) }, (_, i) => i).find(
    (i) => wanted[i] !== there[i],
  );
  if (at === undefined) return;
  throw new CorruptShardError({
    file,
    field: (expected.fields[at] ?? found.fields[at])?.name,
    problem: "the file does not have the schema of the dataset",
    expected: wanted[at] ?? "no more fields",
    found: there[at] ?? "no more fields",
    fix: FIX,
  });
}

function textOf(field: Schema["fields"][number]): string {
  return schemaText({ fields: [field] });
}

/**
 * Checks the bytes of a value against their checksum.
 * @throws CorruptShardError with the sample, expected and found.
 */
export function checkValue(place: ErrorPlace, bytes: Uint8Array, expected: number): void {
  const found = crc32c(bytes);
  if (found === expected) return;
  throw new CorruptShardError({
    ...place,
    problem: "the crc32c of the sample is wrong",
    expected: crcText(expected),
    found: crcText(found),
    fix: FIX,
  });
}
