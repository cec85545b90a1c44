import { dtypeBytes } from "../dtype.js";
import { CorruptShardError, UnsupportedError } from "../errors.js";
import type { Field, Schema } from "../schema.js";
import { HeapColumn, readOffsets, RunsColumn, TensorColumn, TextColumn, type Column } from "./columns/index.js";
import { runColumns, type ColumnSpec } from "./layout.js";
import type { LibraryFile } from "./library-file.js";
import type { Hdf5Metadata } from "./metadata.js";
import type { Dataset } from "./metadata/dataset.js";
import type { VariableType } from "./metadata/datatype.js";
import { ContiguousRows, openRows } from "./rows/index.js";

/**
 * The columns of an open file, in the order of the schema. `openLibrary` is called only where the library is needed.
 * @throws CorruptShardError if the datasets do not fit the schema; UnsupportedError if one cannot be read.
 */
export async function openColumns(
  file: Hdf5Metadata,
  schema: Schema,
  openLibrary: () => Promise<LibraryFile>,
): Promise<ReadonlyMap<string, Column>> {
  const columns = new Map<string, Column>();
  for (const field of schema.fields) columns.set(field.name, await openColumn(file, field, openLibrary));
  return columns;
}

async function openColumn(file: Hdf5Metadata, field: Field, openLibrary: () => Promise<LibraryFile>): Promise<Column> {
  const dataset = file.datasets.get(field.name);
  if (dataset === undefined) return await openRuns(file, field, openLibrary);
  const { type, shape = [] } = dataset;
  const rows = await openRows(file.file, dataset, openLibrary);
  if (field.kind === "tensor" && type.kind === "number") {
    const expected = [shape[0], ...field.shape];
    if (type.dtype === field.dtype && same(shape, expected)) return new TensorColumn(rows, type.dtype);
  }
  if (field.kind === "string" && type.kind === "text" && shape.length === 1)
    return new TextColumn(file.file, rows, type);
  if (type.kind === "variable" && shape.length === 1 && isVariable(field, type))
    return new HeapColumn(file.heap, rows, type.base?.dtype);
  throw misfit(file, field, describe(dataset));
}

async function openRuns(file: Hdf5Metadata, field: Field, openLibrary: () => Promise<LibraryFile>): Promise<Column> {
  if (field.kind === "tensor") throw misfit(file, field, "no dataset of that name");
  const specs = runColumns(field);
  const open = async (spec: ColumnSpec): Promise<ContiguousRows> => {
    const dataset = file.datasets.get(spec.path);
    if (dataset === undefined) throw misfit(file, field, `no dataset ${spec.path}`);
    const { type, shape = [] } = dataset;
    if (type.kind !== "number" || type.dtype !== spec.dtype || !same(shape, [shape[0], ...spec.rowShape]))
      throw misfit(file, field, describe(dataset));
    const rows = await openRows(file.file, dataset, openLibrary);
    if (rows instanceof ContiguousRows) return rows;
    throw new UnsupportedError({
      file: file.file.path,
      field: field.name,
      problem: `the dataset ${spec.path} is not contiguous`,
      fix: "copy it with h5repack -l CONTI",
    });
  };
  const data = await open(specs.data);
  const offsetRows = await open(specs.offsets);
  const shapes = specs.shapes === undefined ? undefined : await open(specs.shapes);
  if (offsetRows.length === 0) throw misfit(file, field, `an empty dataset ${specs.offsets.path}`);
  if (shapes !== undefined && shapes.length !== offsetRows.length - 1)
    throw misfit(file, field, `${shapes.length} shapes for ${offsetRows.length - 1} samples`);
  const offsets = readOffsets(file.file, field.name, offsetRows, data.length);
  return new RunsColumn(file.file, { field, data, dtype: specs.data.dtype, offsets, shapes });
}

function isVariable(field: Field, { base }: VariableType): boolean {
  if (field.kind === "string") return base === undefined;
  if (field.kind === "bytes") return base?.dtype === "uint8";
  return field.kind === "ragged" && field.rank === 1 && base?.dtype === field.dtype;
}

function same(shape: readonly number[], expected: readonly (number | undefined)[]): boolean {
  return shape.length === expected.length && shape.every((extent, axis) => extent === expected[axis]);
}

function describe({ path, type, shape }: Dataset): string {
  const element = type.kind === "number" ? type.dtype : type.kind === "other" ? type.name : type.kind;
  return `${path}: ${element} [${shape?.join(", ") ?? "no elements"}]`;
}

function misfit(file: Hdf5Metadata, field: Field, found: string): CorruptShardError {
  const what = {
    tensor: field.kind === "tensor" ? `${field.dtype} [N, ${field.shape.join(", ")}]` : "",
    ragged: field.kind === "ragged" ? `runs of ${field.dtype} (${dtypeBytes(field.dtype)} bytes each)` : "",
    bytes: "runs of uint8",
    string: "strings",
  };
  return new CorruptShardError({
    file: file.file.path,
    field: field.name,
    problem: "the file does not hold what its schema says",
    expected: what[field.kind],
    found,
    fix: "copy the file again, or repeat the conversion",
  });
}
