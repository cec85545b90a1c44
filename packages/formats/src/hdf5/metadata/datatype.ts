import { dtypeBytes, type Dtype } from "../../dtype.js";
import type { Cursor } from "./cursor.js";

/** An element that is a number. */
export interface NumberType {
  readonly kind: "number";
  /** Bytes of an element in the file. */
  readonly bytes: number;
  readonly dtype: Dtype;
  readonly bigEndian: boolean;
}

/** An element that is a text of fixed length, padded. */
export interface TextType {
  readonly kind: "text";
  readonly bytes: number;
  /** `null`: zeros after the text, or none; `terminated`: at least one zero; `space`: spaces. */
  readonly padding: "null" | "terminated" | "space";
}

/** An element that is a run of numbers, or a text where `base` is absent, in the global heap. */
export interface VariableType {
  readonly kind: "variable";
  readonly bytes: number;
  readonly base: NumberType | undefined;
}

/** An element that millrace does not read. */
export interface OtherType {
  readonly kind: "other";
  readonly bytes: number;
  /** What it is, for errors: `compound`. */
  readonly name: string;
}

/** What an element of a dataset or an attribute is. */
export type ElementType = NumberType | TextType | VariableType | OtherType;

const CLASS_NAMES = [
  "integer",
  "float",
  "time",
  "string",
  "bitfield",
  "opaque",
  "compound",
  "reference",
  "enum",
  "variable-length",
  "array",
  "complex",
];
const PADDINGS = ["terminated", "null", "space"] as const;
const INTEGERS: ReadonlyMap<number, readonly [unsigned: Dtype, signed: Dtype]> = new Map([
  [1, ["uint8", "int8"]],
  [2, ["uint16", "int16"]],
  [4, ["uint32", "int32"]],
  [8, ["uint64", "int64"]],
]);

/** Size, exponent and mantissa of a float, as {@link floatLayout} prints them. */
const FLOATS: ReadonlyMap<string, Dtype> = new Map([
  ["2: sign 15, exponent 10+5 bias 15, mantissa 0+10", "float16"],
  ["4: sign 31, exponent 23+8 bias 127, mantissa 0+23", "float32"],
  ["8: sign 63, exponent 52+11 bias 1023, mantissa 0+52", "float64"],
]);

/**
 * Reads a datatype message.
 *
 * ```text
 * 0  class (low 4 bits), version (high 4 bits)   1
 * 1  bits of the class                           3
 * 4  bytes of an element                         4
 * 8  properties of the class
 * ```
 *
 * Source: HDF5 file format specification 3.0, section IV.A.2.d.
 */
export function readDatatype(cursor: Cursor, depth = 0): ElementType {
  const kind = cursor.u8() & 0x0f;
  const bits = cursor.u8() | (cursor.u8() << 8) | (cursor.u8() << 16);
  const bytes = cursor.u32();
  if (bytes === 0) cursor.fail("elements of 0 bytes");
  const other: OtherType = { kind: "other", bytes, name: CLASS_NAMES[kind] ?? `class ${kind}` };
  if (depth > 2) return other;
  switch (other.name) {
    case "integer":
      return readInteger(cursor, bits, bytes) ?? other;
    case "float":
      return readFloat(cursor, bits, bytes) ?? other;
    case "string":
      return { kind: "text", bytes, padding: PADDINGS[bits & 0x0f] ?? cursor.fail("an unknown padding of strings") };
    case "enum": {
      const base = readDatatype(cursor, depth + 1);
      return base.kind === "number" && base.bytes === bytes ? base : other;
    }
    case "variable-length": {
      if ((bits & 0x0f) === 1) return { kind: "variable", bytes, base: undefined };
      const base = readDatatype(cursor, depth + 1);
      return base.kind === "number" ? { kind: "variable", bytes, base } : other;
    }
    default:
      return other;
  }
}

function readInteger(cursor: Cursor, bits: number, bytes: number): NumberType | undefined {
  const offset = cursor.u16();
  const precision = cursor.u16();
  const dtype = INTEGERS.get(bytes)?.[(bits >> 3) & 1];
  if (dtype === undefined || offset !== 0 || precision !== bytes * 8) return undefined;
  return { kind: "number", bytes, dtype, bigEndian: (bits & 1) === 1 && bytes > 1 };
}

function readFloat(cursor: Cursor, bits: number, bytes: number): NumberType | undefined {
  const dtype = FLOATS.get(floatLayout(cursor, bits, bytes));
  const vax = (bits & 0x40) !== 0;
  if (dtype === undefined || vax || dtypeBytes(dtype) !== bytes) return undefined;
  return { kind: "number", bytes, dtype, bigEndian: (bits & 1) === 1 };
}

function floatLayout(cursor: Cursor, bits: number, bytes: number): string {
  cursor.skip(4);
  const [exponentAt, exponentBits, mantissaAt, mantissaBits] = cursor.take(4);
  const bias = cursor.u32();
  const sign = (bits >> 8) & 0xff;
  return `${bytes}: sign ${sign}, exponent ${exponentAt}+${exponentBits} bias ${bias}, mantissa ${mantissaAt}+${mantissaBits}`;
}
