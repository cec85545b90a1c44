import { elementsOf } from "@millrace/formats";
import { z } from "zod";
import { MAX_CODEBOOK_BITS, MAX_PRODUCT_BITS, MAX_VECTOR_LENGTH } from "../quantize/quantized-tensor.js";
import { MAX_NAME } from "../quantize/tensor-problem.js";

/** The most tensors of a packed model. */
const MAX_TENSORS = 100_000;

const Count = z.int().min(0);

interface BaseEntry {
  readonly name: string;
  readonly shape: number[];
  /** If there is one, only so many weights are told, and the stream of gaps tells where they are; the others are zero. */
  readonly nonZeros?: number | undefined;
  /** Unpacked bytes of the stream of gaps; there with `nonZeros`. */
  readonly gapBytes?: number | undefined;
  /** Bytes of each stream in the file, in the order of {@link streamsOf}. */
  readonly streams: number[];
}

/** What the header tells of a tensor. */
export type PackedEntry = BaseEntry &
  (
    | { readonly kind: "float32" | "float16" }
    | { readonly kind: "int8"; readonly isAffine: boolean; readonly axis?: number | undefined }
    | { readonly kind: "codebook"; readonly bits: number; readonly centroids: number }
    | { readonly kind: "product"; readonly vectorLength: number; readonly centroids: number }
  );

/** The header of a packed model. */
export interface PackedHeader {
  readonly modelTopology: Record<string, unknown>;
  readonly tensors: PackedEntry[];
}

const base = {
  name: z.string().max(MAX_NAME),
  shape: z.array(Count).max(32),
  nonZeros: Count.optional(),
  gapBytes: Count.optional(),
  streams: z.array(Count).max(5),
};

const entrySchema = z.discriminatedUnion("kind", [
  z.strictObject({ ...base, kind: z.enum(["float32", "float16"]) }),
  z.strictObject({ ...base, kind: z.literal("int8"), isAffine: z.boolean(), axis: Count.max(31).optional() }),
  z.strictObject({
    ...base,
    kind: z.literal("codebook"),
    bits: z.int().min(1).max(MAX_CODEBOOK_BITS),
    centroids: Count.max(2 ** MAX_CODEBOOK_BITS),
  }),
  z.strictObject({
    ...base,
    kind: z.literal("product"),
    vectorLength: z.int().min(1).max(MAX_VECTOR_LENGTH),
    centroids: Count.max(2 ** MAX_PRODUCT_BITS),
  }),
]);

/** Checks the header of a packed model. */
export const headerSchema: z.ZodType<PackedHeader> = z.strictObject({
  modelTopology: z.record(z.string(), z.unknown()),
  tensors: z.array(entrySchema).max(MAX_TENSORS),
});

/** What a stream of a packed model holds. */
export type StreamName = "scales" | "zeroPoints" | "centroids" | "gaps" | "values";

/** A stream, and its bytes when it is unpacked, which follow from the header alone. */
export interface PlannedStream {
  readonly name: StreamName;
  readonly bytes: number;
}

/** The scales of a tensor of `int8`. */
export function scaleCount({ shape, axis }: { shape: readonly number[]; axis?: number | undefined }): number {
  return axis === undefined ? 1 : (shape[axis] ?? 0);
}

/** The numbers that memory is taken for when a tensor is unpacked: its weights, and its scales or centroids. */
export function numbersOf(entry: PackedEntry): number {
  const elements = elementsOf(entry.shape);
  if (entry.kind === "int8") return elements + scaleCount(entry);
  if (entry.kind === "codebook") return elements + entry.centroids;
  return entry.kind === "product" ? elements + entry.centroids * entry.vectorLength : elements;
}

/** The streams of a tensor in their order. */
export function streamsOf(entry: PackedEntry): PlannedStream[] {
  const told = entry.nonZeros ?? elementsOf(entry.shape);
  const gaps: PlannedStream[] = entry.nonZeros === undefined ? [] : [{ name: "gaps", bytes: entry.gapBytes ?? 0 }];
  switch (entry.kind) {
    case "float32":
      return [...gaps, { name: "values", bytes: told * 4 }];
    case "float16":
      return [...gaps, { name: "values", bytes: told * 2 }];
    case "int8": {
      const scales = scaleCount(entry);
      const zeroPoints: PlannedStream[] = entry.isAffine ? [{ name: "zeroPoints", bytes: scales }] : [];
      return [{ name: "scales", bytes: scales * 4 }, ...zeroPoints, ...gaps, { name: "values", bytes: told }];
    }
    case "codebook":
      return [{ name: "centroids", bytes: entry.centroids * 4 }, ...gaps, { name: "values", bytes: told }];
    case "product": {
      const codes = Math.ceil(told / entry.vectorLength) * codeBytes(entry.centroids);
      return [
        { name: "centroids", bytes: entry.centroids * entry.vectorLength * 4 },
        ...gaps,
        { name: "values", bytes: codes },
      ];
    }
  }
}

/** Bytes of a code among so many centroids. */
export function codeBytes(centroids: number): 1 | 2 {
  return centroids <= 256 ? 1 : 2;
}
