import { dtypeBytes, type Dtype } from "../../dtype.js";
import { pack } from "./pack.js";

/** What an element of a dataset is: a text of so many bytes, or a number. */
export type NewElement = { readonly text: number } | Dtype;

/** Class and version 1 of a datatype message. */
const INTEGER = 0x10;
const FLOAT = 0x11;
const STRING = 0x13;
const VARIABLE = 0x19;
const SIGNED = 0x08;
/** The mantissa's first bit is not stored, as it is always 1. */
const IMPLIED_ONE = 0x20;
/** UTF-8, padded with zeros. */
const UTF8_NULL_PADDED = 0x11;
/** A variable-length text, ended by a zero or its length; then its character set. */
const TEXT = 1;
const UTF8 = 1;

/** Bits of the exponent and of the mantissa of IEEE 754 binary16, binary32 and binary64, by their bytes. */
const IEEE: ReadonlyMap<number, readonly [exponent: number, mantissa: number]> = new Map([
  [2, [5, 10]],
  [4, [8, 23]],
  [8, [11, 52]],
]);

/** Bytes of an element. */
export function elementBytes(element: NewElement): number {
  return typeof element === "string" ? dtypeBytes(element) : element.text;
}

/** A datatype message, laid out as `readDatatype` of `../metadata/datatype.ts` says. */
export function encodeDatatype(element: NewElement): Buffer {
  if (typeof element !== "string") return pack([1, STRING], [1, UTF8_NULL_PADDED], [2, 0], [4, element.text]);
  const bytes = dtypeBytes(element);
  const bits = 8 * bytes;
  if (!element.startsWith("float")) {
    const sign = element.startsWith("int") ? SIGNED : 0;
    return pack([1, INTEGER], [1, sign], [2, 0], [4, bytes], [2, 0], [2, bits]);
  }
  const [exponent, mantissa] = IEEE.get(bytes) as readonly [number, number];
  const bias = 2 ** (exponent - 1) - 1;
  const properties = pack([2, 0], [2, bits], [1, mantissa], [1, exponent], [1, 0], [1, mantissa], [4, bias]);
  return pack([1, FLOAT], [1, IMPLIED_ONE], [1, bits - 1], [1, 0], [4, bytes], properties);
}

/** The datatype message of a text of any length in UTF-8, whose element is a length 4, an address and an index 4. */
export function encodeTextDatatype(): Buffer {
  return pack([1, VARIABLE], [1, TEXT], [1, UTF8], [1, 0], [4, 16], encodeDatatype("uint8"));
}
