import { dtypeBytes, viewAs, type Dtype, type TypedArray } from "../dtype.js";
import { CorruptShardError } from "../errors.js";
import { elementsOf, type Field, type RaggedField, type RaggedValue, type SampleValue } from "../schema.js";
import { decodeText } from "../utf8.js";
import type { FeaturePlace } from "./example.js";
import { wrongValue, type FieldOfSample } from "../field-of-sample.js";
import { readFloats, readInt64s } from "./numeric-list.js";

/** True if the bytes of the value lie there just as `extents` wants them. */
export function isExtent(field: Field, place: FeaturePlace): boolean {
  if (!place.isPlain) return false;
  if (field.kind === "bytes" || field.kind === "string") return place.kind === "bytes";
  if (place.kind === "float" && field.dtype !== "float32") return false;
  if (field.kind === "ragged") return place.kind !== "int64" && place.byteLength % dtypeBytes(field.dtype) === 0;
  return place.byteLength === elementsOf(field.shape) * dtypeBytes(field.dtype);
}

/**
 * The value of a field.
 * @throws CorruptShardError if the features do not hold one.
 */
export function decodeField(
  where: FieldOfSample,
  value: FeaturePlace | undefined,
  shape: FeaturePlace | undefined,
): SampleValue {
  if (value === undefined) throw wrongValue(where, "the sample has no such feature");
  const { field } = where;
  switch (field.kind) {
    case "bytes":
      return readBytes(where, value);
    case "string":
      return decodeText(readBytes(where, value), {
        file: where.source.path,
        sample: where.sample,
        field: field.name,
      });
    case "tensor": {
      const expected = elementsOf(field.shape);
      const data = readElements(where, value, field.dtype, expected);
      if (data.length !== expected)
        throw wrongValue(where, "the feature has another number of elements", `${expected}`, `${data.length}`);
      return data;
    }
    case "ragged":
      return readRagged(where, field, value, shape);
  }
}

function readBytes(where: FieldOfSample, place: FeaturePlace): Uint8Array {
  if (place.kind !== "bytes" || !place.isPlain) throw wrongList(where, place, "a bytes_list of one value");
  return where.source.read(place.offset, place.byteLength, "a value");
}

/** The elements of a feature. `expected`, where it is known, bounds what is decoded. */
function readElements(where: FieldOfSample, place: FeaturePlace, dtype: Dtype, expected?: number): TypedArray {
  switch (place.kind) {
    case "bytes": {
      const bytes = readBytes(where, place);
      if (bytes.length % dtypeBytes(dtype) !== 0)
        throw wrongValue(
          where,
          `the bytes do not divide into elements of ${dtype}`,
          undefined,
          `${bytes.length} bytes`,
        );
      return viewAs(dtype, bytes);
    }
    case "float":
      if (dtype !== "float32") throw wrongList(where, place, `elements of ${dtype}`);
      return readFloats(where, place);
    case "int64":
      if (dtype.startsWith("float")) throw wrongList(where, place, `elements of ${dtype}`);
      return readInt64s(where, place, dtype, expected);
  }
}

function readRagged(
  where: FieldOfSample,
  field: RaggedField,
  value: FeaturePlace,
  shapePlace: FeaturePlace | undefined,
): RaggedValue {
  const data = readElements(where, value, field.dtype);
  const shape = readShape(where, field, data.length, shapePlace);
  if (shape.length !== field.rank || shape.some((extent) => extent < 0) || elementsOf(shape) !== data.length) {
    const expected = `rank ${field.rank}, ${data.length} elements`;
    throw wrongValue(where, "the shape does not fit the elements", expected, `[${shape.slice(0, 32).join(", ")}]`);
  }
  return { data, shape };
}

/**
 * The shape of a ragged value, unchecked; without one in the file, that of its elements.
 * @throws CorruptShardError if the feature does not hold one of the field's rank.
 */
export function readShape(
  where: FieldOfSample,
  field: RaggedField,
  elements: number,
  place: FeaturePlace | undefined,
): number[] {
  if (place === undefined && field.rank === 1) return [elements];
  if (place?.kind !== "int64") throw wrongValue(where, "the sample has no shape", `an int64_list ${field.name}/shape`);
  return Array.from(readInt64s(where, place, "int64", field.rank) as BigInt64Array, Number);
}

function wrongList(where: FieldOfSample, place: FeaturePlace, expected: string): CorruptShardError {
  const found = place.kind === "bytes" ? `a bytes_list of ${place.values} values` : `a ${place.kind}_list`;
  return wrongValue(where, "the feature is of another kind", expected, found);
}
