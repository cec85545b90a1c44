import { z } from "zod";
import { DTYPES } from "./dtype.js";
import { CorruptShardError, isMillraceError } from "./errors.js";
import { checkSchema, ENCODINGS, MAX_RANK, type Field, type Schema } from "./schema.js";

/** Name of the attribute under which a shard keeps its schema. */
export const SCHEMA_KEY = "millrace.schema";

const Extent = z.int().min(1);

const SchemaText: z.ZodType<Schema> = z.object({
  fields: z.array(
    z.discriminatedUnion("kind", [
      z.object({
        name: z.string(),
        kind: z.literal("tensor"),
        dtype: z.enum(DTYPES),
        shape: z.array(Extent).max(MAX_RANK),
      }),
      z.object({
        name: z.string(),
        kind: z.literal("ragged"),
        dtype: z.enum(DTYPES),
        rank: z.int().min(1).max(MAX_RANK),
      }),
      z.object({ name: z.string(), kind: z.literal("bytes"), encoding: z.enum(ENCODINGS) }),
      z.object({ name: z.string(), kind: z.literal("string") }),
    ]),
  ),
});

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

/**
 * The schema that {@link schemaText} wrote into `file`.
 * @throws {@link CorruptShardError} if it is none.
 */
export function parseSchemaText(text: string, file: string): Schema {
  try {
    const schema = SchemaText.parse(JSON.parse(text));
    checkSchema(schema);
    return schema;
  } catch (error) {
    throw new CorruptShardError({
      file,
      problem: `the attribute ${SCHEMA_KEY} is not a schema`,
      found: isMillraceError(error) ? error.message : undefined,
      fix: "copy the file again, or repeat the conversion",
      cause: error,
    });
  }
}
