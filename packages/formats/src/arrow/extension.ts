import { isListOf, isRecord, isWhole, parseJson } from "../json-shape.js";

/** Keys of a field's metadata that make its type an extension type. Source: Arrow columnar format, "Extension types". */
export const EXTENSION_NAME = "ARROW:extension:name";
/** What the extension type's name leaves open. */
export const EXTENSION_METADATA = "ARROW:extension:metadata";

/** Canonical extension: every row a tensor of the same shape, stored as `FixedSizeList`. */
export const FIXED_SHAPE_TENSOR = "arrow.fixed_shape_tensor";

/**
 * Canonical extension: every row a tensor of its own shape, stored as
 * `Struct<data: List<dtype>, shape: FixedSizeList<int32>[rank]>`.
 */
export const VARIABLE_SHAPE_TENSOR = "arrow.variable_shape_tensor";

/** Most dimensions that are taken. */
const MAX_DIMENSIONS = 32;

/** The metadata of {@link FIXED_SHAPE_TENSOR} for this shape. */
export function fixedShapeText(shape: readonly number[]): string {
  return JSON.stringify({ shape });
}

/** What the metadata of {@link FIXED_SHAPE_TENSOR} says, or `undefined` where it is not what the specification asks for. */
export function parseFixedShape(text: string): { shape: number[]; permuted: boolean } | undefined {
  const data = parseJson(text);
  if (!isRecord(data)) return undefined;
  const { shape, permutation } = data;
  if (!isListOf(shape, isWhole, MAX_DIMENSIONS) || shape.includes(0)) return undefined;
  if (permutation === undefined || permutation === null) return { shape, permuted: false };
  if (!isListOf(permutation, isWhole)) return undefined;
  return { shape, permuted: permutation.some((axis, index) => axis !== index) };
}
