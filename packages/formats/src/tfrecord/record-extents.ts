import type { ByteSource } from "../byte-source.js";
import { dtypeBytes } from "../dtype.js";
import { tableExtents, type Extents } from "../extents.js";
import { isMillraceError } from "../errors.js";
import { NumberList } from "../number-list.js";
import { raggedShapes } from "../ragged-shapes.js";
import type { Schema } from "../schema.js";
import { isExtent, readShape } from "./decode-field.js";
import { walkExample } from "./example.js";
import { FeatureSlots, type FieldPlaces } from "./feature-slots.js";
import type { FieldOfSample } from "../field-of-sample.js";
import type { RecordIndex } from "./record-index.js";
import { WireCursor } from "./wire-cursor.js";

interface Column {
  readonly offsets: NumberList;
  readonly byteLengths: NumberList;
  readonly shapes: NumberList;
}

/** Where the values of a field lie. */
export interface RecordPlaces {
  readonly extents: Extents;
  /** As `ShardReader.shapes`. */
  readonly shapes: Int32Array | undefined;
}

/**
 * Where the values of all fields lie that have extents in every record, in one walk over the file. A field is left out
 * where one record holds it otherwise, and all are where one record is damaged: then reading tells which.
 */
export function recordExtents(source: ByteSource, index: RecordIndex, schema: Schema): Map<string, RecordPlaces> {
  const cursor = new WireCursor(source);
  const slots = new FeatureSlots(schema);
  const columns: (Column | undefined)[] = schema.fields.map(() => ({
    offsets: new NumberList(),
    byteLengths: new NumberList(),
    shapes: new NumberList(),
  }));
  for (let row = 0; row < index.length; row++) {
    slots.clear();
    try {
      const record = { row, offset: index.offset(row), byteLength: index.byteLength(row) };
      walkExample(cursor, record, (key, place) => slots.take(key, place));
      for (const [number, field] of schema.fields.entries()) {
        const column = columns[number];
        if (column !== undefined && !addPlaces({ source, field, sample: row }, slots.places[number], column))
          columns[number] = undefined;
      }
    } catch (error) {
      if (isMillraceError(error, "CORRUPT_SHARD")) return new Map();
      throw error;
    }
    if (columns.every((column) => column === undefined)) break;
  }
  return new Map(
    schema.fields.flatMap((field, number) => {
      const column = columns[number];
      if (column === undefined) return [];
      const extents = tableExtents(column.offsets.toArray(), Uint32Array.from(column.byteLengths.toArray()));
      const shapes = field.kind === "ragged" ? raggedShapes(field, extents, column.shapes.toArray()) : undefined;
      return [[field.name, { extents, shapes }]];
    }),
  );
}

/**
 * Adds the places of one value.
 * @returns false if it has no extent.
 * @throws CorruptShardError if a ragged value has no shape.
 */
function addPlaces(where: FieldOfSample, places: FieldPlaces | undefined, column: Column): boolean {
  const { field } = where;
  const value = places?.value;
  if (value === undefined || !isExtent(field, value)) return false;
  column.offsets.push(value.offset);
  column.byteLengths.push(value.byteLength);
  if (field.kind !== "ragged") return true;
  const elements = value.byteLength / dtypeBytes(field.dtype);
  for (const extent of readShape(where, field, elements, places?.shape)) column.shapes.push(extent);
  return true;
}
