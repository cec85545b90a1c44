import { bytesOf, createArray } from "../dtype.js";
import type { CorruptShardError } from "../errors.js";
import { wrongValue } from "../field-of-sample.js";
import type { ScanWindow } from "../scan-window.js";
import { elementsOf, type Field, type RaggedField, type SampleValue, type TensorField } from "../schema.js";
import { decodeText } from "../utf8.js";
import { readNpyMember, type NpyMember } from "./npy-member.js";
import type { MemberPlace } from "./sample-members.js";

/** A larger member is not read into memory. */
const MAX_VALUE_BYTES = 2 ** 32 - 1;
/** Digits, a sign and the spaces around them. */
const MAX_DECIMAL_BYTES = 64;

/** A field of a sample in an archive: what is read, and where an error lies. */
export interface FieldOfMember {
  readonly window: ScanWindow;
  readonly field: Field;
  readonly sample: number;
}

/**
 * The value that a member holds.
 * @throws CorruptShardError if it holds none.
 */
export function decodeMember(where: FieldOfMember, place: MemberPlace | "several" | undefined): SampleValue {
  if (place === undefined) throw wrongMember(where, "the sample has no member for it");
  if (place === "several") throw wrongMember(where, "the sample has several members for it");
  const { field, sample, window } = where;
  const { source } = window;
  if (place.column.codec === "npy") return decodeNpy(where, place);
  const limit = place.column.codec === "decimal" ? MAX_DECIMAL_BYTES : MAX_VALUE_BYTES;
  if (place.size > limit) throw wrongMember(where, "is too large", `at most ${limit} bytes`, `${place.size}`);
  const bytes = source.read(place.offset, place.size, "a member");
  switch (place.column.codec) {
    case "bytes":
      return bytes;
    case "text":
      return decodeText(bytes, { file: source.path, sample, field: field.name });
    case "decimal":
      return decodeDecimal(where, field as TensorField, Buffer.from(bytes).toString("latin1"));
  }
}

/** True if the elements of a `.npy` member are those of the tensor or ragged value. */
export function isElementsOf(field: TensorField | RaggedField, npy: NpyMember | string): npy is NpyMember {
  if (typeof npy === "string" || npy.dtype !== field.dtype) return false;
  return field.kind === "tensor" ? isSameShape(npy.shape, field.shape) : npy.shape.length === field.rank;
}

function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

function decodeNpy(where: FieldOfMember, place: MemberPlace): SampleValue {
  const { field, window } = where;
  const npy = readNpyMember(window, place.offset, place.size);
  if (typeof npy === "string") throw wrongMember(where, npy);
  if (field.kind === "tensor" && isElementsOf(field, npy)) return readElements(window, npy);
  if (field.kind === "ragged" && isElementsOf(field, npy)) return { data: readElements(window, npy), shape: npy.shape };
  const expected =
    field.kind === "tensor" ? `[${field.shape.join(", ")}]` : field.kind === "ragged" ? `rank ${field.rank}` : "";
  const dtype = field.kind === "tensor" || field.kind === "ragged" ? field.dtype : "";
  throw wrongMember(where, "is another array", `${dtype} ${expected}`, `${npy.dtype} [${npy.shape.join(", ")}]`);
}

function readElements({ source }: ScanWindow, npy: NpyMember): ReturnType<typeof createArray> {
  const data = createArray(npy.dtype, elementsOf(npy.shape));
  source.readInto(bytesOf(data), npy.offset);
  return data;
}

function decodeDecimal(where: FieldOfMember, field: TensorField, text: string): SampleValue {
  const digits = text.trim();
  const value = /^[+-]?\d{1,20}$/u.test(digits) ? BigInt(digits) : undefined;
  const array = createArray(field.dtype, 1);
  if (value !== undefined) {
    if (array instanceof BigInt64Array || array instanceof BigUint64Array) array[0] = value;
    else array[0] = Number(value);
    if (BigInt(array[0]) === value) return array;
  }
  throw wrongMember(where, "is no number of the field's dtype", `digits of an ${field.dtype}`, text);
}

/** The error for a member that is not what the schema says. */
function wrongMember(
  { window, field, sample }: FieldOfMember,
  ...told: [problem: string, expected?: string, found?: string]
): CorruptShardError {
  return wrongValue({ source: window.source, field, sample }, ...told);
}
