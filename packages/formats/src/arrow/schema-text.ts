import { z } from "zod";
import { CorruptShardError } from "../errors.js";
import { ENCODINGS, type Encoding, type Field, type Schema } from "../schema.js";

/** Key of the file's metadata under which a shard keeps its schema as JSON. */
export const SCHEMA_KEY = "millrace.schema";

const Described = z.object({
  fields: z.array(z.object({ name: z.string(), encoding: z.enum(ENCODINGS).optional() })),
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
 * The encodings of the fields of bytes, by name: what Arrow has no type for. All else of a schema its columns tell.
 * @param text what the file keeps under {@link SCHEMA_KEY}; files of others keep nothing there.
 * @throws CorruptShardError if it is not JSON of a schema.
 */
export function encodingsOf(text: string | undefined, file: string): ReadonlyMap<string, Encoding> {
  if (text === undefined) return new Map();
  const parsed = Described.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new CorruptShardError({
      file,
      problem: `the metadata ${SCHEMA_KEY} is not a schema`,
      fix: "copy the file again",
      cause: parsed.error,
    });
  }
  return new Map(parsed.data.fields.map(({ name, encoding }) => [name, encoding ?? "none"]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
