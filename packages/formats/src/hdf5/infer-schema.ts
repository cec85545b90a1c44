import { UnsupportedError } from "../errors.js";
import { isFieldName, type Field, type Schema } from "../schema.js";
import type { Hdf5Metadata } from "./metadata.js";
import type { Dataset } from "./metadata/dataset.js";

/**
 * The schema of a file that was not made by millrace: every dataset of numbers or texts in the root whose first extent
 * is the common one becomes a field. The common extent is the one that most datasets have, of equals the largest.
 * @throws UnsupportedError if there is no such dataset.
 */
export function inferSchema(file: Hdf5Metadata): Schema {
  const candidates = [...file.datasets.values()]
    .filter(({ path, shape }) => isFieldName(path) && shape !== undefined && shape.length > 0)
    .map((dataset) => ({ length: dataset.shape?.[0], field: fieldFor(dataset) }))
    .filter(({ field }) => field !== undefined) as { length: number; field: Field }[];
  const length = commonLength(candidates.map((candidate) => candidate.length));
  const fields = candidates.filter((candidate) => candidate.length === length).map(({ field }) => field);
  if (fields.length > 0) return { fields: fields.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
  const others = [...file.datasets.values()].map(({ path, type, shape }) => {
    const element = type.kind === "number" ? type.dtype : type.kind === "other" ? type.name : type.kind;
    return `${path}: ${element} [${shape?.join(", ") ?? ""}]`;
  });
  throw new UnsupportedError({
    file: file.file.path,
    problem: "there is no dataset of samples",
    expected: "datasets of numbers or strings in the root, all of the same first extent",
    found: others.slice(0, 10).join("; ") || "no dataset",
  });
}

function commonLength(lengths: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const length of lengths) counts.set(length, (counts.get(length) ?? 0) + 1);
  return [...counts].toSorted(([a, m], [b, n]) => n - m || b - a)[0]?.[0];
}

function fieldFor({ path: name, type, shape = [] }: Dataset): Field | undefined {
  const rowShape = shape.slice(1);
  if (rowShape.includes(0)) return undefined;
  if (type.kind === "number") return { name, kind: "tensor", dtype: type.dtype, shape: rowShape };
  if (rowShape.length > 0) return undefined;
  if (type.kind === "text") return { name, kind: "string" };
  if (type.kind !== "variable" || type.base?.bigEndian === true) return undefined;
  if (type.base === undefined) return { name, kind: "string" };
  if (type.base.dtype === "uint8") return { name, kind: "bytes", encoding: "none" };
  return { name, kind: "ragged", dtype: type.base.dtype, rank: 1 };
}
