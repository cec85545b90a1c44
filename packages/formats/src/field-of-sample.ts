import type { ByteSource } from "./byte-source.js";
import { CorruptShardError } from "./errors.js";
import type { Field } from "./schema.js";

/** A field of a sample in a file: what is read, and where an error lies. */
export interface FieldOfSample {
  readonly source: ByteSource;
  readonly field: Field;
  readonly sample: number;
}

/** The error for a value that is not what the schema says. */
export function wrongValue(
  where: FieldOfSample,
  problem: string,
  expected?: string,
  found?: string,
): CorruptShardError {
  return new CorruptShardError({
    file: where.source.path,
    sample: where.sample,
    field: where.field.name,
    problem,
    expected,
    found,
    fix: "copy the file again, or describe the field otherwise in the schema",
  });
}
