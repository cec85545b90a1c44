import { commonEncoding } from "./encoding-of.js";
import { UnsupportedError } from "./errors.js";
import { schemaText } from "./schema-text.js";
import type { Field, Schema } from "./schema.js";

/** A file with what its samples look like. */
export interface FileSchema {
  readonly path: string;
  readonly schema: Schema;
}

/**
 * One schema for the files of a dataset that has no manifest. The fields are those of the first; images of several
 * encodings become `image`, and where a format is read by what its samples look like, tensors of several shapes become
 * ragged.
 *
 * @param isInferred whether the format reads a file by any schema that fits
 * @throws UnsupportedError naming the file and the field that does not fit.
 */
export function mergeSchemas(files: readonly FileSchema[], isInferred: boolean): Schema {
  const [first, ...others] = files as readonly [FileSchema, ...FileSchema[]];
  const fields = first.schema.fields.map((field) => others.reduce((merged, file) => merge(merged, file), field));
  for (const { path, schema } of others) {
    const extra = schema.fields.find(({ name }) => !fields.some((field) => field.name === name));
    if (extra !== undefined) throw differs(path, extra.name, "no such field", textOf(extra));
  }
  return { fields };

  function merge(field: Field, { path, schema }: FileSchema): Field {
    const other = schema.fields.find(({ name }) => name === field.name);
    const merged = other === undefined ? undefined : mergeFields(field, other, isInferred);
    if (merged !== undefined) return merged;
    throw differs(path, field.name, textOf(field), other === undefined ? "no such field" : textOf(other));
  }
}

function mergeFields(a: Field, b: Field, isInferred: boolean): Field | undefined {
  if (textOf(a) === textOf(b)) return a;
  if (a.kind === "bytes" && b.kind === "bytes") return { ...a, encoding: commonEncoding([a.encoding, b.encoding]) };
  const rank = rankOf(a);
  if (!isInferred || rank === undefined || rank === 0 || rank !== rankOf(b)) return undefined;
  return "dtype" in a && "dtype" in b && a.dtype === b.dtype
    ? { name: a.name, kind: "ragged", dtype: a.dtype, rank }
    : undefined;
}

function rankOf(field: Field): number | undefined {
  if (field.kind === "tensor") return field.shape.length;
  return field.kind === "ragged" ? field.rank : undefined;
}

function textOf(field: Field): string {
  return schemaText({ fields: [field] });
}

function differs(file: string, field: string, expected: string, found: string): UnsupportedError {
  const problem = "the files do not have the same fields";
  return new UnsupportedError({ file, field, problem, expected, found, fix: "open them one by one" });
}
