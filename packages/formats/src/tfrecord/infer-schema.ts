import { commonEncoding, encodingOf } from "../encoding-of.js";
import { UnsupportedError } from "../errors.js";
import { isFieldName, type Field, type Schema } from "../schema.js";
import { walkExample, type FeaturePlace } from "./example.js";
import { fieldNameOf } from "./feature-slots.js";
import { checkRecord } from "./check-record.js";
import { readFloats, readInt64s } from "./numeric-list.js";
import type { RecordIndex } from "./record-index.js";
import type { WireCursor } from "./wire-cursor.js";

/** How many records tell the schema of a file. */
const RECORDS = 16;
/** More names than a record of any data set has. */
const MAX_FEATURES = 1000;

/** The feature of one name in the first records. */
interface Seen {
  readonly key: string;
  readonly places: FeaturePlace[];
}

/**
 * The schema of a file that others made, by its first 16 records. A feature that all of them have becomes a field:
 *
 * | feature | field |
 * | --- | --- |
 * | `bytes_list` of one value | bytes, with the encoding of the image that it begins as |
 * | `int64_list`, `float_list` of one value | tensor of `int64`, `float32`, shape `[]` |
 * | the same of `n` values each | tensor of shape `[n]` |
 * | the same of other numbers | ragged of rank 1 |
 *
 * A slash in a name becomes a dot. Others are left out.
 *
 * @throws CorruptShardError if these records are damaged; UnsupportedError if they have no such feature.
 */
export function inferSchema(cursor: WireCursor, index: RecordIndex): Schema {
  const rows = Math.min(RECORDS, index.length);
  const seen = new Map<string, Seen>();
  for (let row = 0; row < rows; row++) {
    checkRecord(cursor.source, index, row);
    const found = new Map<string, FeaturePlace>();
    const record = { row, offset: index.offset(row), byteLength: index.byteLength(row) };
    walkExample(cursor, record, (key, place) => found.set(key, place));
    for (const [key, place] of found) {
      const known = seen.get(key);
      if (known !== undefined) known.places.push(place);
      else if (row === 0 && seen.size < MAX_FEATURES) seen.set(key, { key, places: [place] });
    }
  }
  const whole = [...seen.values()].filter(({ places }) => places.length === rows);
  const fields = whole.flatMap((feature) => fieldFor(cursor, feature) ?? []);
  const unique = [...new Map(fields.map((field) => [field.name, field])).values()];
  if (unique.length > 0) return { fields: unique.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
  throw new UnsupportedError({
    file: cursor.source.path,
    problem: "its records have no feature in common that can be read",
    expected: "tf.train.Example with a bytes_list of one value, an int64_list or a float_list",
    found: [...seen.keys()].slice(0, 10).join(", ") || "no feature",
  });
}

function fieldFor(cursor: WireCursor, { key, places }: Seen): Field | undefined {
  const name = fieldNameOf(key);
  const kind = places[0]?.kind;
  if (!isFieldName(name) || places.some((place) => place.kind !== kind)) return undefined;
  const { source } = cursor;
  if (kind === "bytes") {
    if (!places.every((place) => place.isPlain)) return undefined;
    const encodings = places.map(({ offset, byteLength }) =>
      encodingOf(source.read(offset, Math.min(16, byteLength), "a value")),
    );
    return { name, kind: "bytes", encoding: commonEncoding(encodings) };
  }
  const dtype = kind === "float" ? "float32" : "int64";
  const counts = places.map((place, sample) => {
    const where = { source, sample, field: { name, kind: "ragged", dtype, rank: 1 } } as const;
    return kind === "float" ? readFloats(where, place).length : readInt64s(where, place, "int64").length;
  });
  const count = counts[0] as number;
  if (count === 0 || counts.some((other) => other !== count)) return { name, kind: "ragged", dtype, rank: 1 };
  return { name, kind: "tensor", dtype, shape: count === 1 ? [] : [count] };
}
