import { SchemaError } from "./errors.js";

/** Element types of tensors, little-endian on disk. `float16` is carried as its bits in a `Uint16Array`. */
export const DTYPES = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "uint64",
  "int64",
  "float16",
  "float32",
  "float64",
] as const;

/** Name of an element type. */
export type Dtype = (typeof DTYPES)[number];

/** The typed arrays that hold elements of a {@link Dtype}. */
export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

interface TypedArrayConstructor {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

const ARRAYS: Readonly<Record<Dtype, TypedArrayConstructor>> = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** Bytes of one element. */
export function dtypeBytes(dtype: Dtype): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/** A new zeroed array of `length` elements. */
export function createArray(dtype: Dtype, length: number): TypedArray {
  return new ARRAYS[dtype](length);
}

/** True if `value` is the typed array that carries `dtype`. */
export function isArrayOf(dtype: Dtype, value: unknown): value is TypedArray {
  return value instanceof ARRAYS[dtype];
}

/**
 * A typed view of little-endian `bytes`. Shares their memory where they are aligned, copies them otherwise.
 * @throws {@link SchemaError} if the byte count is not a multiple of the element's size.
 */
export function viewAs(dtype: Dtype, bytes: Uint8Array): TypedArray {
  const Array = ARRAYS[dtype];
  const size = Array.BYTES_PER_ELEMENT;
  if (bytes.byteLength % size !== 0) {
    throw new SchemaError({
      problem: `bytes do not divide into ${dtype} elements`,
      expected: `a multiple of ${size}`,
      found: `${bytes.byteLength} bytes`,
    });
  }
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new Array(aligned.buffer, aligned.byteOffset, bytes.byteLength / size);
}

/** The bytes of a typed array, sharing its memory. */
export function bytesOf(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
