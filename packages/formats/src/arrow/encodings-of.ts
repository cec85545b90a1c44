import { CorruptShardError } from "../errors.js";
import { isListOf, isOneOf, isRecord, parseJson } from "../json-shape.js";
import { SCHEMA_KEY } from "../schema-text.js";
import { ENCODINGS, type Encoding } from "../schema.js";

interface DescribedField {
  readonly name: string;
  readonly encoding?: Encoding;
}

function isDescribedField(value: unknown): value is DescribedField {
  if (!isRecord(value) || typeof value["name"] !== "string") return false;
  return value["encoding"] === undefined || isOneOf(value["encoding"], ENCODINGS);
}

/**
 * The encodings of the fields of bytes, by name: what Arrow has no type for. All else of a schema its columns tell.
 * @param text what the file keeps under {@link SCHEMA_KEY}; files of others keep nothing there.
 * @throws CorruptShardError if it is not JSON of a schema.
 */
export function encodingsOf(text: string | undefined, file: string): ReadonlyMap<string, Encoding> {
  if (text === undefined) return new Map();
  const data = parseJson(text);
  if (!isRecord(data) || !isListOf(data["fields"], isDescribedField)) {
    throw new CorruptShardError({
      file,
      problem: `the metadata ${SCHEMA_KEY} is not a schema`,
      fix: "copy the file again",
    });
  }
  return new Map(data["fields"].map(({ name, encoding }) => [name, encoding ?? "none"]));
}
