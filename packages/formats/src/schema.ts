import { DTYPES, dtypeBytes, isArrayOf, type Dtype, type TypedArray } from "./dtype.js";
import { SchemaError } from "./errors.js";

/** How the bytes of a `bytes` field are encoded; `image`: some image, its first bytes say which; `none`: opaque. */
export const ENCODINGS = ["jpeg", "png", "webp", "image", "none"] as const;
/** Name of an encoding of a `bytes` field. */
export type Encoding = (typeof ENCODINGS)[number];

/** Every sample has an array of the same dtype and shape; shape `[]` is a scalar, carried as an array of one. */
export interface TensorField {
  readonly name: string;
  readonly kind: "tensor";
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Every sample has an array of the same dtype and rank, and a shape of its own. */
export interface RaggedField {
  readonly name: string;
  readonly kind: "ragged";
  readonly dtype: Dtype;
  readonly rank: number;
}

/** Every sample has a run of bytes, such as a JPEG. */
export interface BytesField {
  readonly name: string;
  readonly kind: "bytes";
  readonly encoding: Encoding;
}

/** Every sample has a text in UTF-8. */
export interface StringField {
  readonly name: string;
  readonly kind: "string";
}

/** One named part of every sample. */
export type Field = TensorField | RaggedField | BytesField | StringField;

/** The named fields of a dataset's samples, in order. Field names are unique. */
export interface Schema {
  readonly fields: readonly Field[];
}

/** The value of a `ragged` field. */
export interface RaggedValue {
  readonly data: TypedArray;
  readonly shape: readonly number[];
}

/** `tensor`: a typed array; `ragged`: {@link RaggedValue}; `bytes`: a `Uint8Array`; `string`: a string. */
export type SampleValue = TypedArray | RaggedValue | string;

/** One record: a value for each field of the schema. */
export type Sample = ReadonlyMap<string, SampleValue>;

/** Number of elements of a shape; 1 for a scalar. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Bytes of one sample's value of a tensor field. */
export function tensorBytes(field: TensorField): number {
  return elementsOf(field.shape) * dtypeBytes(field.dtype);
}

/**
 * The field of that name.
 * @throws {@link SchemaError} if there is none.
 */
export function fieldOf(schema: Schema, name: string): Field {
  const field = schema.fields.find((candidate) => candidate.name === name);
  if (field === undefined) {
    throw new SchemaError({
      field: name,
      problem: "no such field",
      expected: `one of ${schema.fields.map((f) => f.name).join(", ")}`,
    });
  }
  return field;
}

/** Most dimensions of a value: HDF5 holds 32 (H5S_MAX_RANK), of which the samples are one. */
export const MAX_RANK = 31;

/** The largest extent of a ragged value: Arrow keeps its shape as int32. */
const MAX_EXTENT = 2 ** 31 - 1;

/** Field names become names in HDF5, Arrow and tar files, so they stay plain. */
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/u;

/** True for a name that a field can have. */
export function isFieldName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Checks a schema: at least one field, plain unique names, known dtypes, possible shapes.
 * @throws {@link SchemaError} naming the field.
 */
export function checkSchema(schema: Schema): void {
  if (schema.fields.length === 0)
    throw new SchemaError({ problem: "the schema has no field", fix: "name at least one field" });
  const seen = new Set<string>();
  for (const field of schema.fields) {
    const fail = (problem: string, expected?: string, found?: string): never => {
      throw new SchemaError({ field: field.name, problem, expected, found });
    };
    if (!isFieldName(field.name))
      fail("is not a field name", "letters, digits, _ . -, beginning with a letter or _, at most 100");
    if (seen.has(field.name)) fail("is named twice");
    seen.add(field.name);
    if ((field.kind === "tensor" || field.kind === "ragged") && !DTYPES.includes(field.dtype))
      fail("has an unknown dtype", DTYPES.join(" | "), field.dtype);
    if (field.kind === "tensor") {
      if (field.shape.some((extent) => !Number.isSafeInteger(extent) || extent < 1))
        fail("has an impossible shape", "positive integers", JSON.stringify(field.shape));
      if (field.shape.length > MAX_RANK)
        fail("has too many dimensions", `at most ${MAX_RANK}`, String(field.shape.length));
      if (tensorBytes(field) > 2 ** 31 - 1)
        fail("is too large", "less than 2 GiB a sample", `${tensorBytes(field)} bytes`);
    }
    if (field.kind === "ragged" && (!Number.isInteger(field.rank) || field.rank < 1 || field.rank > MAX_RANK))
      fail("has an impossible rank", `1 to ${MAX_RANK}`, String(field.rank));
  }
}

/**
 * Checks that `sample` has exactly the value that each field of `schema` asks for.
 * @throws {@link SchemaError} naming the field, what was expected and what was found.
 */
export function checkSample(schema: Schema, sample: Sample): void {
  for (const field of schema.fields) {
    const value = sample.get(field.name);
    const problem = value === undefined ? "is missing" : mismatch(field, value);
    if (problem !== undefined) throw new SchemaError({ field: field.name, problem });
  }
  if (sample.size !== schema.fields.length) {
    const extra = [...sample.keys()].find((name) => !schema.fields.some((field) => field.name === name));
    throw new SchemaError({
      field: extra,
      problem: "is not in the schema",
      expected: schema.fields.map((f) => f.name).join(", "),
    });
  }
}

function mismatch(field: Field, value: SampleValue): string | undefined {
  switch (field.kind) {
    case "tensor":
      if (!isArrayOf(field.dtype, value)) return `is not an array of ${field.dtype}`;
      return value.length === elementsOf(field.shape)
        ? undefined
        : `has ${value.length} elements, the shape [${field.shape.join(", ")}] has ${elementsOf(field.shape)}`;
    case "ragged": {
      if (typeof value === "string" || !("shape" in value)) return "is not { data, shape }";
      if (!isArrayOf(field.dtype, value.data)) return `is not an array of ${field.dtype}`;
      if (value.shape.length !== field.rank) return `has rank ${value.shape.length}, expected ${field.rank}`;
      if (value.shape.some((extent) => !Number.isInteger(extent) || extent < 0 || extent > MAX_EXTENT))
        return `has an impossible shape [${value.shape.join(", ")}], expected whole numbers from 0 to ${MAX_EXTENT}`;
      return value.data.length === elementsOf(value.shape)
        ? undefined
        : `has ${value.data.length} elements, its shape [${value.shape.join(", ")}] has ${elementsOf(value.shape)}`;
    }
    case "bytes":
      return value instanceof Uint8Array ? undefined : "is not a Uint8Array";
    case "string":
      if (typeof value !== "string") return "is not a string";
      return /\p{Surrogate}/u.test(value) ? "has half a surrogate pair, which UTF-8 cannot hold" : undefined;
  }
}
