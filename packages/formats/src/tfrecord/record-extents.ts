import type { ByteSource } from "../byte-source.js";
import { tableExtents, type Extents } from "../extents.js";
import { isMillraceError } from "../errors.js";
import { NumberList } from "../number-list.js";
import type { Schema } from "../schema.js";
import { isExtent } from "./decode-field.js";
import { walkExample } from "./example.js";
import { FeatureSlots } from "./feature-slots.js";
import type { RecordIndex } from "./record-index.js";
import { WireCursor } from "./wire-cursor.js";

interface Column {
  readonly offsets: NumberList;
  readonly byteLengths: NumberList;
}

/**
 * The extents of all fields that have them in every record, in one walk over the file. A field is left out where one
 * record holds it otherwise, and all are where one record is damaged: then reading tells which.
 */
export function recordExtents(source: ByteSource, index: RecordIndex, schema: Schema): Map<string, Extents> {
  const cursor = new WireCursor(source);
  const slots = new FeatureSlots(schema);
  const columns: (Column | undefined)[] = schema.fields.map(() => ({
    offsets: new NumberList(),
    byteLengths: new NumberList(),
  }));
  for (let row = 0; row < index.length; row++) {
    slots.clear();
    try {
      const record = { row, offset: index.offset(row), byteLength: index.byteLength(row) };
      walkExample(cursor, record, (key, place) => slots.take(key, place));
    } catch (error) {
      if (isMillraceError(error, "CORRUPT_SHARD")) return new Map();
      throw error;
    }
    for (const [number, field] of schema.fields.entries()) {
      const column = columns[number];
      const place = slots.places[number]?.value;
      if (column === undefined) continue;
      if (place === undefined || !isExtent(field, place)) columns[number] = undefined;
      else {
        column.offsets.push(place.offset);
        column.byteLengths.push(place.byteLength);
      }
    }
    if (columns.every((column) => column === undefined)) break;
  }
  return new Map(
    schema.fields.flatMap(({ name }, number) => {
      const column = columns[number];
      if (column === undefined) return [];
      return [[name, tableExtents(column.offsets.toArray(), Uint32Array.from(column.byteLengths.toArray()))]];
    }),
  );
}
