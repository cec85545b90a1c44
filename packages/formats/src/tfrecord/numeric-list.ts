import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { isMillraceError } from "../errors.js";
import { createArray, viewAs, type Dtype, type TypedArray } from "../dtype.js";
import { EXAMPLE, type FeaturePlace } from "./example.js";
import { wrongValue, type FieldOfSample } from "../field-of-sample.js";

/** The values of a `float_list`, packed or not. */
export function readFloats(where: FieldOfSample, place: FeaturePlace): TypedArray {
  const bytes = where.source.read(place.offset, place.byteLength, "a float_list");
  if (place.isPlain) return viewAs("float32", bytes);
  const values = new Float32Array(Math.floor(bytes.length / 4));
  let count = 0;
  walkList(where, bytes, WireType.Bit32, (reader) => {
    values[count++] = reader.float();
  });
  return values.slice(0, count);
}

/**
 * The values of an `int64_list`, packed or not, as elements of an integer `dtype`. A `uint64` has the bits of its int64.
 * @throws CorruptShardError if there are not `expected` of them, where that is known, or if one does not fit.
 */
export function readInt64s(where: FieldOfSample, place: FeaturePlace, dtype: Dtype, expected?: number): TypedArray {
  const bytes = where.source.read(place.offset, place.byteLength, "an int64_list");
  const read = (take: (value: bigint) => void): void =>
    walkList(where, bytes, WireType.Varint, (reader) => take(BigInt(reader.int64())));
  // Each value takes a byte at least, so a list of one field is decoded in one pass; of others the values are counted.
  let elements = expected ?? 0;
  if (expected === undefined) read(() => elements++);
  else if (elements > bytes.length) throw miscounted(where, expected, `at most ${bytes.length}`);
  const values = createArray(dtype, elements);
  let count = 0;
  read((value) => {
    if (count === elements) throw miscounted(where, elements, "more");
    if (!setElement(values, count++, value))
      throw wrongValue(where, `a value does not fit ${dtype}`, undefined, `${value}`);
  });
  if (count !== elements) throw miscounted(where, elements, `${count}`);
  return values;
}

function setElement(values: TypedArray, index: number, value: bigint): boolean {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    values[index] = value;
    return true;
  }
  values[index] = Number(value);
  return BigInt(values[index]) === value;
}

function miscounted(where: FieldOfSample, expected: number, found: string): Error {
  return wrongValue(where, "the feature has another number of elements", `${expected}`, found);
}

/**
 * Calls `take` at each value of a list, packed or not.
 * @throws CorruptShardError for whatever the library says of a damaged list.
 */
function walkList(
  where: FieldOfSample,
  bytes: Uint8Array,
  wireType: WireType,
  take: (reader: BinaryReader) => void,
): void {
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < bytes.length) {
      const [number, type] = reader.tag();
      if (number !== EXAMPLE.value || (type !== wireType && type !== WireType.LengthDelimited)) {
        reader.skip(type, number);
        continue;
      }
      if (type === wireType) {
        take(reader);
        continue;
      }
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end && end <= bytes.length) take(reader);
      if (reader.pos !== end) throw wrongValue(where, "the list is damaged");
    }
  } catch (error) {
    if (isMillraceError(error)) throw error;
    throw wrongValue(where, "the list is damaged", undefined, (error as Error).message);
  }
}
