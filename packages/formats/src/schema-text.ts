import { DTYPES } from "./dtype.js";
import { CorruptShardError, isMillraceError } from "./errors.js";
import { isListOf, isOneOf, isRecord, isWhole, parseJson } from "./json-shape.js";
import { checkSchema, ENCODINGS, MAX_RANK, type Field, type Schema } from "./schema.js";

/** Name of the attribute under which a shard keeps its schema. */
export const SCHEMA_KEY = "millrace.schema";

/** The schema as JSON, the same for equal schemas whatever the order of their properties. */
export function schemaText(schema: Schema): string {
  return JSON.stringify({ fields: schema.fields.map(ordered) });
}

function ordered(field: Field): Field {
  const { name } = field;
  switch (field.kind) {
    case "tensor":
      return { name, kind: field.kind, dtype: field.dtype, shape: field.shape };
    case "ragged":
      return { name, kind: field.kind, dtype: field.dtype, rank: field.rank };
    case "bytes":
      return { name, kind: field.kind, encoding: field.encoding };
    case "string":
      return { name, kind: field.kind };
  }
}

/** True for a field as {@link schemaText} writes it; properties that it does not write may stand beside. */
function isField(value: unknown): value is Field {
  if (!isRecord(value) || typeof value["name"] !== "string") return false;
  const { kind, dtype, shape, rank, encoding } = value;
  switch (kind) {
    case "tensor":
      return isOneOf(dtype, DTYPES) && isListOf(shape, isWhole, MAX_RANK) && !shape.includes(0);
    case "ragged":
      return isOneOf(dtype, DTYPES) && isWhole(rank) && rank >= 1 && rank <= MAX_RANK;
    case "bytes":
      return isOneOf(encoding, ENCODINGS);
    default:
      return kind === "string";
  }
}

/**
 * The schema that {@link schemaText} wrote into `file`.
 * @throws {@link CorruptShardError} if it is none.
 */
export function parseSchemaText(text: string, file: string): Schema {
  const corrupt = (cause?: unknown): CorruptShardError =>
    new CorruptShardError({
      file,
      problem: `the attribute ${SCHEMA_KEY} is not a schema`,
      found: isMillraceError(cause) ? cause.message : undefined,
      fix: "copy the file again, or repeat the conversion",
      cause,
    });
  const data = parseJson(text);
  if (!isRecord(data) || !isListOf(data["fields"], isField)) throw corrupt();
  const schema: Schema = { fields: data["fields"].map(ordered) };
  try {
    checkSchema(schema);
  } catch (error) {
    throw corrupt(error);
  }
  return schema;
}
