import { z } from "zod";
import { CorruptShardError } from "../errors.js";
import { SCHEMA_KEY } from "../schema-text.js";
import { ENCODINGS, type Encoding } from "../schema.js";

const Described = z.object({
  fields: z.array(z.object({ name: z.string(), encoding: z.enum(ENCODINGS).optional() })),
});

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
